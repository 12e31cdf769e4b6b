//! Which requests the stand-in takes: that it checks every part of what the enclave sends, so that its consent means something.

use permafrost_enclave::aws::roles_anywhere::Authority;
use permafrost_tests::RolesAnywhere;
use serde_json::json;

use crate::{DEPLOYMENT, Setting, now, pem};

/// A request as the stand-in got it.
async fn request(setting: &Setting, authority: &Authority) -> String {
    setting.client.create_session(authority).await.unwrap();
    let seen = setting.stand_in.command(json!({"seen": true}));
    let [raw] = seen.as_array().unwrap().as_slice() else {
        panic!("{seen}");
    };
    String::from_utf8(hex::decode(raw.as_str().unwrap()).unwrap()).unwrap()
}

fn field<'a>(request: &'a str, name: &str) -> &'a str {
    let line = request
        .lines()
        .find(|line| line.starts_with(&format!("{name}: ")));
    line.unwrap().split_once(": ").unwrap().1
}

#[tokio::test(flavor = "multi_thread")]
async fn every_altered_part_of_a_request_is_denied_by_the_documented_rule() {
    let setting = Setting::new();
    let authority = Authority::create(DEPLOYMENT, now()).unwrap();
    let stand_in = &setting.stand_in;
    stand_in.upload(RolesAnywhere::ANCHOR, &pem(&authority));
    let good = request(&setting, &authority).await;
    let other = request(&setting, &authority).await;
    let authorization = field(&good, "authorization");
    let credential = authorization.split(['=', ',']).nth(1).unwrap();
    let serial = credential.split('/').next().unwrap();
    let day = &field(&good, "x-amz-date")[..8];
    let certificate = field(&good, "x-amz-x509");
    let other_signature = field(&other, "authorization").rsplit('=').next().unwrap();
    let own_signature = authorization.rsplit('=').next().unwrap();
    let check = |request: &str| stand_in.command(json!({"check": hex::encode(request)}));
    assert!(check(&good)["session"].is_object());
    let signature = "the signature is not one";
    for (from, to, rule) in [
        ("POST ", "GET ", "the request is GET"),
        (
            "/sessions ",
            "/sessions?a=b ",
            "the request is POST /sessions?a=b",
        ),
        ("application/json", "text/plain", "not JSON"),
        (serial, "1", "serial number"),
        (certificate, field(&other, "x-amz-x509"), "serial number"),
        (own_signature, other_signature, signature),
        (
            "AWS4-X509-ECDSA-SHA256",
            "AWS4-X509-RSA-SHA256",
            "algorithm",
        ),
        ("us-east-1/", "us-west-1/", "scope"),
        ("/rolesanywhere/", "/sts/", "scope"),
        (day, "20200229", "not of this time"),
        (";x-amz-x509", "", "must be signed"),
        ("host;x-amz-date", "x-amz-date;host", "another order"),
        ("host: ", "host: x", signature),
        ("3600", "3601", signature),
        ("permafrost-store", "permafrost-other", signature),
    ] {
        let altered = good.replace(from, to);
        assert_ne!(altered, good, "{from}");
        let denied = check(&altered);
        let found = denied["denied"]
            .as_str()
            .unwrap_or_else(|| panic!("{from}: {denied}"));
        assert!(found.contains(rule), "{from}: {found}");
    }
    stand_in.command(json!({"clock": 600}));
    assert!(
        check(&good)["denied"]
            .as_str()
            .unwrap()
            .contains("not of this time")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_as_the_user_guide_describes_it() {
    let setting = Setting::new();
    let authority = Authority::create(DEPLOYMENT, now()).unwrap();
    setting
        .stand_in
        .upload(RolesAnywhere::ANCHOR, &pem(&authority));
    let request = request(&setting, &authority).await;
    assert!(request.starts_with("POST /sessions HTTP/1.1\r\n"));
    assert_eq!(field(&request, "content-type"), "application/json");
    assert_eq!(field(&request, "host"), RolesAnywhere::HOST);
    assert!(field(&request, "authorization").contains(
        "/us-east-1/rolesanywhere/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-x509, Signature=30"
    ));
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        body,
        json!({
            "durationSeconds": 3600,
            "profileArn": RolesAnywhere::PROFILE,
            "roleArn": RolesAnywhere::ROLE,
            "trustAnchorArn": RolesAnywhere::ANCHOR,
        })
    );
}
