//! The malicious parent and requests and responses in transit: forged, altered, replayed, delayed, swapped.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request};
use permafrost_client::Principal;
use permafrost_common::api::Key;
use permafrost_common::http_signature::{Algorithm, SigningKey, content_digest};
use permafrost_common::problem::{Problem, ProblemType};
use permafrost_tests::{
    LyingParent, Measured, WholeRequest, WholeResponse, is_signed_by, message, new_key, problem_of,
    refusal,
};

/// A request that the client signed and the enclave accepted, with the key it signed with.
async fn accepted_request(parent: &LyingParent) -> (Principal, Key, WholeRequest) {
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    parent.proxy.take_seen();
    alice.sign(&key.id, &message()).await.unwrap();
    let (request, response) = parent.proxy.take_seen().pop().unwrap();
    assert_eq!(response.status(), 200);
    (alice, key, request)
}

/// What the client gets when every request is changed in transit.
async fn refused_when_changed(
    parent: &LyingParent,
    alice: &Principal,
    key: &Key,
    change: impl FnMut(WholeRequest) -> WholeRequest + Send + 'static,
) -> Vec<String> {
    parent.proxy.change_requests(change);
    parent.proxy.take_seen();
    let _ = alice.sign(&key.id, &message()).await.unwrap_err();
    parent.proxy.be_honest();
    let seen = parent.proxy.take_seen();
    assert!(!seen.is_empty());
    seen.iter()
        .map(|(_, response)| problem_of(response).to_owned())
        .collect()
}

#[tokio::test]
async fn an_altered_request_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let (alice, key, _) = accepted_request(&parent).await;
    let other = new_key(&alice).await;
    type Change = Box<dyn FnMut(WholeRequest) -> WholeRequest + Send>;
    let path = format!("/v1/keys/{}/sign", other.id);
    let changes: Vec<(&str, &str, Change)> = vec![
        (
            "another key",
            "signature-invalid",
            Box::new(move |mut request| {
                *request.uri_mut() = path.parse().unwrap();
                request
            }),
        ),
        (
            "a query",
            "signature-invalid",
            Box::new(|mut request| {
                *request.uri_mut() = format!("{}?limit=1", request.uri()).parse().unwrap();
                request
            }),
        ),
        (
            "another body",
            "content-digest-mismatch",
            Box::new(|request| {
                request.map(|_| Bytes::from_static(br#"{"type":"message","message":"00"}"#))
            }),
        ),
        (
            "another body and its digest",
            "signature-invalid",
            Box::new(|request| {
                let body = Bytes::from_static(br#"{"type":"message","message":"00"}"#);
                let mut request = request.map(|_| body);
                let digest = content_digest(request.body()).parse().unwrap();
                request.headers_mut().insert("content-digest", digest);
                request
            }),
        ),
        (
            "another principal",
            "signature-invalid",
            Box::new(|request| with_input(request, |input| input.replace("\"alice\"", "\"bob\""))),
        ),
        (
            "an unknown principal",
            "unknown-principal",
            Box::new(|request| {
                with_input(request, |input| input.replace("\"alice\"", "\"carol\""))
            }),
        ),
        (
            "a later time",
            "signature-invalid",
            Box::new(|request| with_input(request, |input| later_by_one(&input))),
        ),
        (
            "less covered",
            "signature-missing",
            Box::new(|request| {
                with_input(request, |input| input.replace("\"content-digest\" ", ""))
            }),
        ),
        (
            "no signature",
            "signature-missing",
            Box::new(|mut request| {
                request.headers_mut().remove("signature");
                request
            }),
        ),
        (
            "two signatures",
            "signature-missing",
            Box::new(|mut request| {
                let value = request.headers()["signature"].clone();
                request.headers_mut().append("signature", value);
                request
            }),
        ),
        (
            "another type",
            "signature-invalid",
            Box::new(|mut request| {
                let text = HeaderValue::from_static("text/plain");
                request.headers_mut().insert(CONTENT_TYPE, text);
                request
            }),
        ),
    ];
    for (what, expected, change) in changes {
        let refused = refused_when_changed(&parent, &alice, &key, change).await;
        assert!(
            refused.iter().all(|slug| slug == expected),
            "{what}: {refused:?}"
        );
    }
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

#[tokio::test]
async fn an_altered_idempotency_key_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    parent.proxy.change_requests(|mut request| {
        if request.method() == Method::POST {
            let other = HeaderValue::from_static("another");
            request.headers_mut().insert("idempotency-key", other);
        }
        request
    });
    let wanted = permafrost_tests::two_of_three();
    let idempotency_key = permafrost_client::IdempotencyKey::random().unwrap();
    let refused = alice.create_key(&wanted, &idempotency_key).await;
    assert_eq!(refusal(refused), "signature-invalid");
}

#[tokio::test]
async fn a_forged_request_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let (alice, key, _) = accepted_request(&parent).await;
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256] {
        let forger = SigningKey::generate(algorithm).unwrap();
        let forged = parent
            .verified()
            .await
            .as_principal("alice", forger)
            .unwrap();
        let refused = refusal(forged.sign(&key.id, &message()).await);
        assert_eq!(refused, "signature-invalid");
        assert_eq!(refusal(forged.rotate(&key.id).await), "signature-invalid");
    }
    assert_eq!(alice.key(&key.id).await.unwrap(), key);
}

#[tokio::test]
async fn a_replayed_request_is_refused_each_time() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let (alice, key, request) = accepted_request(&parent).await;
    for _ in 0..5 {
        let response = parent.proxy.send(request.clone()).await;
        assert_eq!(problem_of(&response), "request-replayed");
    }
    parent.proxy.take_seen();
    alice.rotate(&key.id).await.unwrap();
    let (rotation, _) = parent.proxy.take_seen().pop().unwrap();
    let response = parent.proxy.send(rotation).await;
    assert_eq!(problem_of(&response), "request-replayed");
    assert_eq!(alice.key(&key.id).await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_request_that_was_refused_cannot_be_replayed_either() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let (_, key, _) = accepted_request(&parent).await;
    let bob = parent.principal("bob").await;
    parent.proxy.take_seen();
    assert_eq!(refusal(bob.rotate(&key.id).await), "key-not-found");
    let (request, _) = parent.proxy.take_seen().pop().unwrap();
    let response = parent.proxy.send(request).await;
    assert_eq!(problem_of(&response), "request-replayed");
}

#[tokio::test]
async fn a_request_replayed_after_a_restart_is_refused() {
    let mut parent = LyingParent::start().await;
    let (_, key, request) = accepted_request(&parent).await;
    parent.enclave.restart();
    let response = parent.proxy.send(request).await;
    assert_eq!(problem_of(&response), "wrong-enclave");
    let alice = parent.principal("alice").await;
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

#[tokio::test]
async fn a_request_replayed_to_another_enclave_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let (_, _, request) = accepted_request(&parent).await;
    let neighbour = parent.neighbour(Measured::new("other")).await;
    let response = neighbour.proxy.send(request).await;
    assert_eq!(problem_of(&response), "wrong-enclave");
}

#[tokio::test]
async fn a_delayed_request_is_refused() {
    let measured = Measured::new("test").limits("request_max_age_s = 1");
    let parent = LyingParent::with(measured).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let held = hold_requests(&parent);
    let refused = refusal(alice.rotate(&key.id).await);
    assert_eq!(refused, "response-not-authentic");
    parent.proxy.be_honest();
    // The clock of a busy virtual machine is behind until it is compared with the NSM's, every 2 s.
    let delay = if cfg!(feature = "booted") {
        14_000
    } else {
        2_500
    };
    tokio::time::sleep(Duration::from_millis(delay)).await;
    let request = held.lock().unwrap().take().unwrap();
    let response = parent.proxy.send(request).await;
    assert_eq!(problem_of(&response), "request-expired");
    assert_eq!(alice.key(&key.id).await.unwrap().generation, 1);
}

#[tokio::test]
async fn requests_that_arrive_in_another_order_each_get_their_own_response() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let (alice, key, _) = accepted_request(&parent).await;
    let other = new_key(&alice).await;
    let held = hold_requests(&parent);
    assert_eq!(refusal(alice.key(&key.id).await), "response-not-authentic");
    parent.proxy.be_honest();
    assert_eq!(alice.key(&other.id).await.unwrap(), other);
    let first = held.lock().unwrap().take().unwrap();
    let response = parent.proxy.send(first).await;
    let answered: Key = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(answered, key);
}

#[tokio::test]
async fn an_altered_response_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let (alice, key, _) = accepted_request(&parent).await;
    type Change = Box<dyn FnMut(&WholeRequest, WholeResponse) -> WholeResponse + Send>;
    let changes: Vec<(&str, Change)> = vec![
        (
            "a digit of the body",
            Box::new(|_, response| {
                response.map(|body| {
                    let mut body = body.to_vec();
                    let last = body.len() - 4;
                    body[last] ^= 1;
                    body.into()
                })
            }),
        ),
        (
            "another body and its digest",
            Box::new(|_, response| {
                let mut response = response.map(|_| Bytes::from_static(b"{}"));
                let digest = content_digest(b"{}").parse().unwrap();
                response.headers_mut().insert("content-digest", digest);
                response
            }),
        ),
        (
            "another status",
            Box::new(|_, mut response| {
                *response.status_mut() = http::StatusCode::CREATED;
                response
            }),
        ),
        (
            "no signature",
            Box::new(|_, mut response| {
                response.headers_mut().remove("signature");
                response
            }),
        ),
        (
            "no digest",
            Box::new(|_, mut response| {
                response.headers_mut().remove("content-digest");
                response
            }),
        ),
    ];
    for (what, change) in changes {
        parent.proxy.change_responses(change);
        let refused = refusal(alice.key(&key.id).await);
        assert_eq!(refused, "response-not-authentic", "{what}");
    }
    parent.proxy.be_honest();
    assert_eq!(alice.key(&key.id).await.unwrap(), key);
}

#[tokio::test]
async fn the_response_to_another_request_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let (alice, key, _) = accepted_request(&parent).await;
    let other = new_key(&alice).await;
    parent.proxy.take_seen();
    alice.key(&other.id).await.unwrap();
    alice.key(&key.id).await.unwrap();
    let seen = parent.proxy.take_seen();
    // One is of another path, the other of the same path but of an earlier request.
    for (_, old) in seen {
        parent.proxy.change_responses(move |_, _| old.clone());
        let refused = refusal(alice.key(&key.id).await);
        assert_eq!(refused, "response-not-authentic");
    }
    parent.proxy.be_honest();
    assert_eq!(alice.key(&key.id).await.unwrap(), key);
}

#[tokio::test]
async fn a_problem_that_the_parent_makes_up_is_not_taken_for_the_enclaves() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let (alice, key, _) = accepted_request(&parent).await;
    parent.proxy.change_responses(|_, _| {
        let problem = Problem::new(ProblemType::KeyDisabled, "the parent says so");
        let body = serde_json::to_vec(&problem).unwrap();
        http::Response::builder()
            .status(problem.status)
            .header(CONTENT_TYPE, "application/problem+json")
            .body(body.into())
            .unwrap()
    });
    let refused = refusal(alice.sign(&key.id, &message()).await);
    assert_eq!(refused, "unauthenticated-problem");
}

/// From now on the enclave gets another request, and the one that was signed waits here.
fn hold_requests(parent: &LyingParent) -> Arc<Mutex<Option<WholeRequest>>> {
    let held = Arc::new(Mutex::new(None));
    let hold = Arc::clone(&held);
    parent.proxy.change_requests(move |request| {
        *hold.lock().unwrap() = Some(request);
        Request::get("/v1/health").body(Bytes::new()).unwrap()
    });
    held
}

/// Changes the text of `Signature-Input`.
fn with_input(mut request: WholeRequest, change: impl Fn(String) -> String) -> WholeRequest {
    let input = request.headers()["signature-input"].to_str().unwrap();
    let changed = change(input.to_owned());
    assert_ne!(input, changed);
    let changed = changed.parse().unwrap();
    request.headers_mut().insert("signature-input", changed);
    request
}

fn later_by_one(input: &str) -> String {
    let start = input.find("created=").unwrap() + "created=".len();
    let end = start + input[start..].find(';').unwrap();
    let created: u64 = input[start..end].parse().unwrap();
    format!("{}{}{}", &input[..start], created + 1, &input[end..])
}
