//! No operation gives an imported secret back: there is no export.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Method};
use permafrost_common::api::{KeyStatus, ReplaceKey, SignRequest};
use permafrost_enclave::routes::{Access, operations};
use permafrost_tests::{LyingParent, message};
use serde_json::json;

use crate::steps::{import, random, secret};

#[tokio::test]
async fn no_operation_and_no_log_line_gives_an_imported_secret() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let secret = secret();
    let key = import(&alice, &secret, &random()).await.unwrap();
    alice.sign(&key.id, &message()).await.unwrap();
    let digest = SignRequest::Digest {
        digest: "5a".repeat(32),
    };
    alice.sign(&key.id, &digest).await.unwrap();
    alice.rotate(&key.id).await.unwrap();
    let how = ReplaceKey { disable_old: false };
    alice.replace(&key.id, &how, &random()).await.unwrap();

    // Every operation of the table, whatever is added to it, with this key in its path.
    let mut sent = 0;
    for operation in operations() {
        if !matches!(operation.access, Access::Principal(_) | Access::Open) {
            continue;
        }
        let target = operation.path.replace("{id}", &key.id);
        let mut headers = HeaderMap::new();
        let is_post = operation.method == Method::POST;
        let body = match operation.body {
            Some(_) if is_post => {
                headers.insert("content-type", HeaderValue::from_static("application/json"));
                headers.insert("idempotency-key", HeaderValue::from_static("walk"));
                json!({"public_key": key.group_public_key}).to_string()
            }
            _ => String::new(),
        };
        alice
            .request(operation.method, &target, body, headers)
            .await
            .unwrap();
        sent += 1;
    }
    assert!(sent > 40, "{sent}");
    assert_eq!(alice.key(&key.id).await.unwrap().status, KeyStatus::Deleted);

    let mut seen: Vec<Vec<u8>> = Vec::new();
    for (request, response) in parent.proxy.take_seen() {
        seen.push(format!("{:?} {:?}", request.headers(), response.headers()).into());
        seen.push(request.into_body().to_vec());
        seen.push(response.into_body().to_vec());
    }
    for kind in ["key", "import"] {
        for (_, versions) in parent.store.all_of(kind) {
            seen.extend(versions);
        }
    }
    seen.push(parent.enclave.log().into());
    assert!(seen.len() > 100, "{}", seen.len());
    // The search finds what is there.
    assert!(contains(&seen, key.group_public_key.as_bytes()));
    for secret in [secret, secret.negate()] {
        let bytes = secret.to_secret_bytes();
        let mut reversed = bytes;
        reversed.reverse();
        for bytes in [bytes, reversed] {
            for form in [
                bytes.to_vec(),
                hex::encode(bytes).into_bytes(),
                hex::encode_upper(bytes).into_bytes(),
                STANDARD.encode(&bytes[..30]).into_bytes(),
                URL_SAFE_NO_PAD.encode(&bytes[..30]).into_bytes(),
            ] {
                assert!(!contains(&seen, &form));
            }
        }
    }
}

fn contains(seen: &[Vec<u8>], what: &[u8]) -> bool {
    let is_in = |bytes: &Vec<u8>| bytes.windows(what.len()).any(|window| window == what);
    seen.iter().any(is_in)
}
