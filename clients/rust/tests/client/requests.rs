//! What the typed methods put on the wire.

use http::{HeaderMap, HeaderValue, Method};
use permafrost_client::{Algorithm, IdempotencyKey, SigningKey};
use permafrost_common::{
    api::{CreateKey, KeyList, ReplaceKey, SignRequest, replacement::LinkReplacement},
    problem::ProblemType,
};

use crate::fake_enclave::{FakeEnclave, key, replaced, signed};

const ID: &str = "abababababababababababababababababababababab";

#[tokio::test]
async fn every_operation_has_its_method_path_and_body() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    let idempotency_key: IdempotencyKey = "one".parse().unwrap();
    let wanted = CreateKey {
        threshold: 2,
        participants: vec!["a".to_owned(), "b".to_owned()],
        label: None,
    };
    let digest = SignRequest::Digest {
        digest: "11".repeat(32),
    };
    let disable_old = ReplaceKey { disable_old: true };

    assert_eq!(
        alice.create_key(&wanted, &idempotency_key).await.unwrap(),
        key()
    );
    assert_eq!(
        alice.list_keys(None, None).await.unwrap(),
        KeyList::default()
    );
    assert_eq!(
        alice.list_keys(Some(ID), None).await.unwrap(),
        KeyList::default()
    );
    assert_eq!(
        alice.list_keys(None, Some(7)).await.unwrap(),
        KeyList::default()
    );
    assert_eq!(
        alice.list_keys(Some(ID), Some(7)).await.unwrap(),
        KeyList::default()
    );
    assert_eq!(alice.key(ID).await.unwrap(), key());
    assert_eq!(alice.sign(ID, &digest).await.unwrap(), signed());
    assert_eq!(alice.rotate(ID).await.unwrap(), key());
    assert_eq!(
        alice
            .replace(ID, &disable_old, &idempotency_key)
            .await
            .unwrap(),
        replaced()
    );
    let link = LinkReplacement {
        new_key_id: "cd".to_owned(),
        signature: None,
        disable_old: true,
    };
    assert_eq!(alice.link_replacement(ID, &link).await.unwrap(), replaced());
    let statement = alice.replacement(ID).await.unwrap();
    assert_eq!(statement, replaced().replacement);
    assert_eq!(alice.disable(ID).await.unwrap(), key());
    assert_eq!(alice.delete(ID).await.unwrap(), key());

    let state = fake.state();
    let lines: Vec<_> = state
        .carried_out
        .iter()
        .map(|carried| {
            let text = |name| {
                carried
                    .headers
                    .get(name)
                    .map_or("-", |value| value.to_str().unwrap())
            };
            format!(
                "{} {} {} {} {}",
                carried.method,
                carried.target.replace(ID, "ID"),
                text("content-type"),
                text("idempotency-key"),
                String::from_utf8(carried.body.to_vec()).unwrap(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            r#"POST /v1/keys application/json one {"threshold":2,"participants":["a","b"]}"#
                .to_owned(),
            "GET /v1/keys - - ".to_owned(),
            "GET /v1/keys?after=ID - - ".to_owned(),
            "GET /v1/keys?limit=7 - - ".to_owned(),
            "GET /v1/keys?after=ID&limit=7 - - ".to_owned(),
            "GET /v1/keys/ID - - ".to_owned(),
            format!(
                r#"POST /v1/keys/ID/sign application/json - {{"type":"digest","digest":"{}"}}"#,
                "11".repeat(32)
            ),
            "POST /v1/keys/ID/rotate - - ".to_owned(),
            r#"POST /v1/keys/ID/replace application/json one {"disable_old":true}"#.to_owned(),
            r#"POST /v1/keys/ID/replacement application/json - {"new_key_id":"cd","disable_old":true}"#
                .to_owned(),
            "GET /v1/keys/ID/replacement - - ".to_owned(),
            "POST /v1/keys/ID/disable - - ".to_owned(),
            "POST /v1/keys/ID/delete - - ".to_owned(),
        ]
    );
}

#[tokio::test]
async fn a_raw_request_gives_any_authentic_response() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    fake.state().problem = Some(ProblemType::NotFound);
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("text/plain"));
    headers.insert("x-trace", HeaderValue::from_static("1"));
    let response = alice
        .request(Method::PUT, "/v1/other?x=y", "body", headers)
        .await
        .unwrap();
    assert_eq!(response.status, 404);
    assert_eq!(
        response.problem().unwrap().kind(),
        Some(ProblemType::NotFound)
    );
    let state = fake.state();
    assert_eq!(state.carried_out[0].method, Method::PUT);
    assert_eq!(state.carried_out[0].target, "/v1/other?x=y");
    assert_eq!(state.carried_out[0].headers["x-trace"], "1");
    assert_eq!(state.carried_out[0].body, "body");
}

#[tokio::test]
async fn what_would_become_another_request_is_not_sent() {
    let (fake, enclave, alice) = FakeEnclave::start_verified().await;
    for id in [
        "",
        "a/b",
        "a?b",
        "..",
        "d1.",
        "d1..",
        "a.b",
        "a b",
        "%61",
        "a&limit=1",
    ] {
        assert_eq!(
            alice.key(id).await.unwrap_err().slug(),
            "invalid-argument",
            "{id}"
        );
        assert_eq!(
            alice.rotate(id).await.unwrap_err().slug(),
            "invalid-argument",
            "{id}"
        );
        assert_eq!(
            alice.list_keys(Some(id), None).await.unwrap_err().slug(),
            "invalid-argument",
            "{id}"
        );
    }
    for target in [
        "",
        "v1/keys",
        "http://other/v1/keys",
        "/v1/keys#x",
        "/v1/ keys",
        "*",
    ] {
        let error = alice
            .request(Method::GET, target, "", HeaderMap::new())
            .await
            .unwrap_err();
        assert_eq!(error.slug(), "invalid-argument", "{target}");
    }
    let error = alice
        .request(Method::GET, "/v1/keys?", "", HeaderMap::new())
        .await
        .unwrap_err();
    assert_eq!(error.slug(), "not-signed");
    for name in ["", "a b", "\"", &"a".repeat(65)] {
        let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
        assert_eq!(
            enclave.as_principal(name, key).unwrap_err().slug(),
            "invalid-argument"
        );
    }
    assert!(fake.state().arrived.is_empty());
}

#[tokio::test]
async fn debug_output_has_no_private_key() {
    let (fake, key) = FakeEnclave::start().await;
    let pem = key.to_pem().unwrap();
    let enclave = fake.client().verify(&fake.expectation()).await.unwrap();
    let alice = enclave.as_principal("alice", key).unwrap();
    let text = format!("{alice:?} {enclave:?}");
    assert!(text.contains("alice"));
    let secret = SigningKey::from_pem(&pem).unwrap().to_pkcs8().unwrap();
    assert!(!text.contains(&hex::encode(&secret[36..68])));
    for line in pem.lines() {
        assert!(!text.contains(line));
    }
}
