//! Signature Version 4: what is signed right passes, and every other thing is refused by its name.

use super::*;

const ACTION: &str = "ListKeys";
const BODY: &[u8] = b"{}";

fn change(kms: &Kms, change: impl FnOnce(&mut Signed)) -> Result<Value, Refused> {
    let mut signed = Signed::by(kms.emulator.identity(ADMINISTRATOR).unwrap());
    change(&mut signed);
    kms.response(signed.request(ACTION, BODY).into_parts().0, BODY)
}

fn change_header(
    kms: &Kms,
    name: &'static str,
    change: impl FnOnce(&str) -> String,
) -> Result<Value, Refused> {
    let signed = Signed::by(kms.emulator.identity(ADMINISTRATOR).unwrap());
    let mut head = signed.request(ACTION, BODY).into_parts().0;
    let value = change(head.headers[name].to_str().unwrap());
    head.headers.insert(name, value.parse().unwrap());
    kms.response(head, BODY)
}

#[tokio::test]
async fn a_signed_request_gets_its_response() {
    let kms = Kms::start().await;
    change(&kms, |_| ()).unwrap();
    // A client that also says the hash of its body, and one that signs every header it sends.
    change(&kms, |signed| {
        signed.settings.payload_checksum_kind =
            aws_sigv4::http_request::PayloadChecksumKind::XAmzSha256;
    })
    .unwrap();
    change(&kms, |signed| signed.settings.excluded_headers = None).unwrap();
}

#[tokio::test]
async fn an_unsigned_request_is_refused() {
    let kms = Kms::start().await;
    let signed = Signed::by(kms.emulator.identity(ADMINISTRATOR).unwrap());
    let mut head = signed.request(ACTION, BODY).into_parts().0;
    head.headers.remove("authorization");
    refused(
        kms.response(head, BODY),
        "MissingAuthenticationTokenException",
    );
}

#[tokio::test]
async fn an_unknown_access_key_is_refused() {
    let kms = Kms::start().await;
    let response = change(&kms, |signed| {
        signed.access_key_id = "AKIAAAAAAAAAAAAAAAAA".into()
    });
    let message = refused(response, "UnrecognizedClientException");
    assert_eq!(
        message,
        "The security token included in the request is invalid."
    );
}

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let kms = Kms::start().await;
    let response = change(&kms, |signed| signed.secret.push('x'));
    let message = refused(response, "InvalidSignatureException");
    assert!(message.starts_with("The request signature we calculated does not match"));
    let enclave = kms.emulator.identity(ENCLAVE).unwrap();
    let of_another = enclave.secret_access_key.to_string();
    let response = change(&kms, |signed| signed.secret = of_another);
    refused(response, "InvalidSignatureException");
}

#[tokio::test]
async fn an_altered_request_is_refused() {
    let kms = Kms::start().await;
    let signed = Signed::by(kms.emulator.identity(ADMINISTRATOR).unwrap());
    let head = signed.request(ACTION, BODY).into_parts().0;
    refused(kms.response(head, b"{ }"), "InvalidSignatureException");
    for (name, value) in [
        ("x-amz-target", "TrentService.ListAliases"),
        ("host", "kms.us-east-1.amazonaws.com"),
        ("content-type", "application/x-amz-json-1.1; charset=utf-8"),
    ] {
        let response = change_header(&kms, name, |_| value.to_owned());
        refused(response, "InvalidSignatureException");
    }
}

#[tokio::test]
async fn every_character_of_the_signature_counts() {
    let kms = Kms::start().await;
    for at in 0..64 {
        let response = change_header(&kms, "authorization", |value| {
            let start = value.len() - 64 + at;
            let other = if &value[start..=start] == "0" {
                "1"
            } else {
                "0"
            };
            format!("{}{other}{}", &value[..start], &value[start + 1..])
        });
        refused(response, "InvalidSignatureException");
    }
    let longer = change_header(&kms, "authorization", |value| format!("{value}00"));
    refused(longer, "InvalidSignatureException");
    let shorter = change_header(&kms, "authorization", |value| {
        value[..value.len() - 2].to_owned()
    });
    refused(shorter, "InvalidSignatureException");
}

#[tokio::test]
async fn another_region_or_service_is_refused() {
    let kms = Kms::start().await;
    let response = change(&kms, |signed| signed.region = "eu-central-1".into());
    let message = refused(response, "InvalidSignatureException");
    assert!(
        message.contains("valid region, not 'eu-central-1'"),
        "{message}"
    );
    let response = change(&kms, |signed| signed.service = "sts".into());
    let message = refused(response, "InvalidSignatureException");
    assert!(message.contains("correct service: 'kms'"), "{message}");
    let response = change_header(&kms, "authorization", |value| {
        value.replace("aws4_request", "aws5_request")
    });
    let message = refused(response, "InvalidSignatureException");
    assert!(message.contains("valid terminator"), "{message}");
}

#[tokio::test]
async fn a_signature_is_good_for_five_minutes() {
    let kms = Kms::start().await;
    for (by_s, words) in [
        (-310, "Signature expired"),
        (310, "Signature not yet current"),
    ] {
        let response = change(&kms, |signed| signed.time = moved(signed.time, by_s));
        let message = refused(response, "InvalidSignatureException");
        assert!(message.starts_with(words), "{message}");
    }
    for by_s in [-290, 290] {
        change(&kms, |signed| signed.time = moved(signed.time, by_s)).unwrap();
    }
}

#[tokio::test]
async fn a_date_other_than_that_of_the_scope_is_refused() {
    let kms = Kms::start().await;
    let response = change_header(&kms, "authorization", |value| {
        let at = value.find('/').unwrap() + 1;
        format!("{}20000101{}", &value[..at], &value[at + 8..])
    });
    let message = refused(response, "InvalidSignatureException");
    assert!(message.starts_with("Date in Credential scope"), "{message}");
}

#[tokio::test]
async fn a_date_in_another_form_is_refused() {
    let kms = Kms::start().await;
    for date in [
        "",
        "2026-01-01T00:00:00Z",
        "20260101T000000",
        "20261301T000000Z",
        "20260101T250000Z",
        "20260101T0000+1Z",
        "Thu, 01 Jan 2026 00:00:00 GMT",
    ] {
        let response = change_header(&kms, "x-amz-date", |_| date.to_owned());
        refused(response, "IncompleteSignatureException");
    }
}

#[tokio::test]
async fn what_is_not_signed_but_must_be_is_refused() {
    let kms = Kms::start().await;
    for (excluded, words) in [
        ("host", "'Host' or ':authority' must be"),
        ("x-amz-date", "'x-amz-date' must be"),
        ("x-amz-target", "'x-amz-target' must be"),
    ] {
        let response = change(&kms, |signed| {
            signed.settings.excluded_headers = Some(vec![excluded.into()]);
        });
        let message = refused(response, "InvalidSignatureException");
        assert!(message.starts_with(words), "{message}");
    }
    let response = change_header(&kms, "authorization", |value| {
        value.replace("SignedHeaders=", "SignedHeaders=accept;")
    });
    let message = refused(response, "InvalidSignatureException");
    assert!(
        message.contains("'accept' is not in the request"),
        "{message}"
    );
    let response = change_header(&kms, "authorization", |value| {
        value.replace("content-type;host", "host;content-type")
    });
    let message = refused(response, "InvalidSignatureException");
    assert!(message.contains("not in order"), "{message}");
}

#[tokio::test]
async fn an_authorization_that_is_not_exactly_one_is_refused() {
    let kms = Kms::start().await;
    let changes: [fn(&str) -> String; 8] = [
        |_| String::new(),
        |value| value.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        |value| value.replace("Credential=", "Key="),
        |value| value.replace("/us-east-1", ""),
        |value| value.replace("SignedHeaders=", "Credential="),
        |value| value.split(", Signature=").next().unwrap().to_owned(),
        |value| format!("{value}, Extra=1"),
        |value| format!("{value}, Signature=00"),
    ];
    for change in changes {
        let response = change_header(&kms, "authorization", change);
        refused(response, "IncompleteSignatureException");
    }
    let signed = Signed::by(kms.emulator.identity(ADMINISTRATOR).unwrap());
    let mut head = signed.request(ACTION, BODY).into_parts().0;
    let again = head.headers["authorization"].clone();
    head.headers.append("authorization", again);
    refused(kms.response(head, BODY), "IncompleteSignatureException");
}

#[tokio::test]
async fn a_session_needs_its_token_and_ends() {
    let state = Arc::new(TempDir::new().unwrap());
    let kms = Kms::start_with(state.clone(), Vec::new()).await;
    let path = kms.emulator.identities_path();
    kms.emulator.stop().await;
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str(
        "\n[[identity]]\nname = \"session\"\narn = \"arn:aws:sts::111122223333:assumed-role/enclave/i-0\"\n\
         access_key_id = \"ASIAAAAAAAAAAAAAAAAA\"\nsecret_access_key = \"secret\"\niam = \"everything\"\n\
         session_token = \"the-token\"\nexpires = \"",
    );
    let end = clock::utc(SystemTime::now() + Duration::from_secs(600));
    let format = &time::format_description::well_known::Rfc3339;
    text.push_str(&end.format(format).unwrap());
    text.push_str("\"\n");
    std::fs::write(&path, text).unwrap();

    let kms = Kms::start_with(state, Vec::new()).await;
    kms.call("session", ACTION, json!({})).unwrap();
    let session = kms.emulator.identity("session").unwrap();
    for token in [None, Some("another".to_owned())] {
        let mut signed = Signed::by(session);
        signed.token = token;
        let head = signed.request(ACTION, BODY).into_parts().0;
        refused(kms.response(head, BODY), "UnrecognizedClientException");
    }
    let response = change(&kms, |signed| signed.token = Some("the-token".into()));
    refused(response, "UnrecognizedClientException");
    kms.move_clock(Duration::from_secs(601));
    let response = kms.call("session", ACTION, json!({}));
    refused(response, "ExpiredTokenException");
    let credentials = std::fs::read_to_string(kms.emulator.credentials_path()).unwrap();
    assert!(
        credentials.contains("[session]\naws_access_key_id = ASIA"),
        "{credentials}"
    );
    assert!(
        credentials.contains("aws_session_token = the-token\n"),
        "{credentials}"
    );
}

#[tokio::test]
async fn a_false_hash_of_the_body_is_refused() {
    let kms = Kms::start().await;
    let mut signed = Signed::by(kms.emulator.identity(ADMINISTRATOR).unwrap());
    signed.settings.payload_checksum_kind =
        aws_sigv4::http_request::PayloadChecksumKind::XAmzSha256;
    let head = signed.request(ACTION, b"{\"Limit\":1}").into_parts().0;
    let message = refused(kms.response(head, BODY), "InvalidSignatureException");
    assert!(message.contains("x-amz-content-sha256"), "{message}");
}
