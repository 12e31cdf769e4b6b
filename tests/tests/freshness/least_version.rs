//! The query parameter `least_version`, as any client may send it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use permafrost_client::{Principal, Response};
use permafrost_common::api::Key;
use permafrost_enclave::routes::api_description;
use permafrost_frost::ParticipantKey;
use permafrost_tests::{LyingParent, StoreRequest, new_key};
use rand_core::OsRng;
use serde_json::{Value, json};

use crate::rights::carol;

async fn send(alice: &Principal, method: &str, path: &str, body: &Value) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert("idempotency-key", HeaderValue::from_static("once"));
    let body = match body {
        Value::Null => Bytes::new(),
        body => {
            let json = HeaderValue::from_static("application/json");
            headers.insert("content-type", json);
            serde_json::to_vec(body).unwrap().into()
        }
    };
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    alice.request(method, path, body, headers).await.unwrap()
}

fn slug(response: &Response) -> Option<&'static str> {
    let kind = response.problem()?.kind()?;
    Some(kind.slug())
}

/// What each operation takes that is about one key.
fn body(path: &str) -> Value {
    let message = json!({ "type": "message", "message": "00" });
    match path {
        "/sign" => message,
        "/label" => json!({ "label": "x" }),
        "/replace" => json!({}),
        "/cosign" => json!({ "payload": message, "commitments": [] }),
        "/aggregate" => json!({ "payload": message, "parts": [] }),
        "/cosign-replacement" => json!({ "new_key_id": "00".repeat(22), "commitments": [] }),
        "/replacement" => json!({ "new_key_id": "00".repeat(22) }),
        "/reshare" => json!({
            "threshold": 2,
            "participants": [
                { "name": "server" },
                { "name": "phone", "public_key": ParticipantKey::random(&mut OsRng).public_key() },
            ],
            "dealers": ["server", "phone"],
        }),
        _ => Value::Null,
    }
}

#[tokio::test]
async fn every_operation_on_a_stored_key_refuses_an_older_version_before_anything_is_done() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let other = new_key(&alice).await;
    let description = api_description();
    let paths = description["paths"].as_object().unwrap();
    let mut tried = 0;
    for (path, methods) in paths {
        let Some(below) = path.strip_prefix("/v1/keys/{id}") else {
            continue;
        };
        // It is made from no record.
        if below == "/wallet" {
            continue;
        }
        for method in methods.as_object().unwrap().keys() {
            let mut body = body(if method == "get" { "" } else { below });
            if let Some(new) = body.get_mut("new_key_id") {
                *new = json!(other.id);
            }
            parent.store.take_requests();
            let target = format!("/v1/keys/{}{below}?least_version=2", key.id);
            let response = send(&alice, method, &target, &body).await;
            let refused = slug(&response);
            assert_eq!(refused, Some("record-rolled-back"), "{method} {path}");
            let requests = parent.store.take_requests();
            let reads = |one: &StoreRequest| matches!(one, StoreRequest::Get { id, .. } if *id == key.id || *id == other.id);
            assert!(requests.iter().all(reads), "{method} {path}: {requests:?}");
            tried += 1;
        }
    }
    assert!(tried >= 15, "{tried}");
    assert_eq!(parent.store.versions(&key.id).len(), 1);
    let target = format!("/v1/keys/{}?least_version=1", key.id);
    let shown = send(&alice, "get", &target, &Value::Null);
    let shown: Key = shown.await.json().unwrap();
    assert_eq!(shown.record_version, 1);
}

#[tokio::test]
async fn every_operation_on_a_derived_key_refuses_an_older_version() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let derived = alice.derive_keys(&[carol()]).await.unwrap();
    let id = &derived.keys[0].id;
    for (method, below) in [
        ("get", ""),
        ("post", "/sign"),
        ("post", "/rotate"),
        ("post", "/disable"),
    ] {
        let target = format!("/v1/keys/{id}{below}?least_version=9");
        let response = send(&alice, method, &target, &body(below)).await;
        assert_eq!(slug(&response), Some("record-rolled-back"), "{below}");
        let target = format!("/v1/keys/{id}{below}?least_version=1");
        let response = send(&alice, method, &target, &body(below)).await;
        assert_eq!(slug(&response), None, "{below}");
    }
    // A wallet is computed from the path alone.
    let wallet = format!("/v1/keys/{id}/wallet?least_version=9");
    let response = send(&alice, "get", &wallet, &Value::Null).await;
    assert_eq!(slug(&response), None);
}

#[tokio::test]
async fn what_is_no_version_is_refused_with_its_name_and_what_is_accepted() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let too_large = format!("{}0", u64::MAX);
    for bad in ["0", "", "-1", "1.5", "two", "0x2", too_large.as_str()] {
        let target = format!("/v1/keys/{}?least_version={bad}", key.id);
        let response = send(&alice, "get", &target, &Value::Null).await;
        let problem = response.problem().unwrap();
        assert_eq!(slug(&response), Some("invalid-request"), "{bad}");
        let said = serde_json::to_string(&problem).unwrap();
        assert!(said.contains("query:least_version"), "{said}");
        assert!(said.contains("a whole number, 1 or higher"), "{said}");
    }
    let once_more = format!("/v1/keys/{}?least_version=1&least_version=1", key.id);
    let twice = send(&alice, "get", &once_more, &Value::Null).await;
    assert_eq!(slug(&twice), Some("invalid-request"));
    let listing = send(&alice, "get", "/v1/keys?least_version=1", &Value::Null);
    assert_eq!(slug(&listing.await), Some("invalid-request"));
}

#[tokio::test]
async fn a_strangers_demand_tells_nothing_about_a_key() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let bob = parent.principal("bob").await;
    let key = new_key(&alice).await;
    for least in [1, 9] {
        let target = format!("/v1/keys/{}?least_version={least}", key.id);
        let response = send(&bob, "get", &target, &Value::Null).await;
        assert_eq!(slug(&response), Some("key-not-found"));
    }
}
