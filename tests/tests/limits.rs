//! What one request, and all requests together, may use; and the form of refusals.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use permafrost_client::Principal;
use permafrost_common::api::{CreateKey, MESSAGE_MAX, SignRequest, UnsignedEvent};
use permafrost_common::http_signature::Algorithm;
use permafrost_common::problem::{Problem, ProblemType};
use permafrost_tests::{
    LyingParent, Measured, StoreRequest, StoreResponse, WholeResponse, message, new_key, refusal,
    two_of_three,
};
use serde_json::Value;

fn problem_of(response: &WholeResponse) -> Problem {
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let problem: Problem = serde_json::from_slice(response.body()).expect("a problem");
    assert_eq!(problem.status, response.status().as_u16());
    problem
}

async fn get(parent: &LyingParent, target: &str) -> WholeResponse {
    let request = Request::get(target).body(Bytes::new()).unwrap();
    parent.proxy.send(request).await
}

/// The problem in the response to a signed request with this body.
async fn refused_body(alice: &Principal, path: &str, body: Value) -> Problem {
    let body = serde_json::to_vec(&body).unwrap();
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "one"),
    ];
    let mut fields = http::HeaderMap::new();
    for (name, value) in headers {
        fields.insert(name, value.parse().unwrap());
    }
    let response = alice
        .request(http::Method::POST, path, Bytes::from(body), fields)
        .await
        .unwrap();
    response.problem().expect("a problem")
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let parent = LyingParent::start().await;
    let request = Request::post("/v1/keys")
        .body(Bytes::from(vec![b' '; 256 * 1024 + 1]))
        .unwrap();
    let problem = problem_of(&parent.proxy.send(request).await);
    assert_eq!(problem.kind(), Some(ProblemType::BodyTooLarge));
    assert!(problem.detail.contains("262144"));
}

#[tokio::test]
async fn header_fields_that_are_too_long_are_refused() {
    let parent = LyingParent::start().await;
    let request = Request::get("/v1/health")
        .header("x-long", "a".repeat(8 * 1024))
        .body(Bytes::new())
        .unwrap();
    let problem = problem_of(&parent.proxy.send(request).await);
    assert_eq!(problem.kind(), Some(ProblemType::HeadersTooLarge));
}

#[tokio::test]
async fn a_request_that_never_ends_times_out() {
    let measured = Measured::new("test").limits("request_timeout_ms = 300");
    let parent = LyingParent::with(measured).await;
    let socket = parent.enclave.socket();
    let response = tokio::task::spawn_blocking(move || {
        let mut stream = UnixStream::connect(socket).unwrap();
        let head = "POST /v1/keys HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n123";
        stream.write_all(head.as_bytes()).unwrap();
        let mut response = [0; 64];
        let length = stream.read(&mut response).unwrap();
        String::from_utf8_lossy(&response[..length]).into_owned()
    });
    assert!(response.await.unwrap().starts_with("HTTP/1.1 408 "));
}

#[tokio::test]
async fn a_head_that_never_ends_times_out() {
    let measured = Measured::new("test").limits("request_timeout_ms = 300");
    let parent = LyingParent::with(measured).await;
    let socket = parent.enclave.socket();
    let rest = tokio::task::spawn_blocking(move || {
        let mut stream = UnixStream::connect(socket).unwrap();
        stream.write_all(b"POST /v1/ke").unwrap();
        let mut rest = Vec::new();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.read_to_end(&mut rest).map(|_| rest)
    });
    assert!(rest.await.unwrap().is_ok(), "the connection was closed");
}

#[tokio::test]
async fn more_requests_at_once_than_allowed_are_refused_and_the_rest_is_served() {
    let measured = Measured::new("test").limits("concurrent_requests = 1\nstore_timeout_ms = 1000");
    let parent = LyingParent::with(measured).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    parent.store.lie(|_, _| StoreResponse::Silence);
    let (slow, quick) = tokio::join!(alice.key(&key.id), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        get(&parent, "/v1/health").await
    });
    assert_eq!(refusal(slow), "store-unavailable");
    let problem = problem_of(&quick);
    assert_eq!(problem.kind(), Some(ProblemType::Overloaded));
    assert_eq!(quick.headers()["retry-after"], "1");
    parent.store.be_honest();
    assert_eq!(alice.key(&key.id).await.unwrap(), key);
}

#[tokio::test]
async fn unfinished_requests_of_strangers_leave_places_for_principals() {
    let measured = Measured::new("test").limits("concurrent_requests = 2");
    let parent = LyingParent::with(measured).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let mut unfinished = UnixStream::connect(parent.enclave.socket()).unwrap();
    unfinished
        .write_all(b"POST /v1/challenges HTTP/1.1\r\nhost: enclave\r\ncontent-length: 2\r\n\r\n")
        .unwrap();
    // The enclave takes a moment to read the head.
    let refused = async {
        loop {
            let response = get(&parent, "/v1/health").await;
            if !response.status().is_success() {
                return problem_of(&response);
            }
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(5), refused).await;
    let refused = refused.expect("a stranger takes one place only");
    assert_eq!(refused.kind(), Some(ProblemType::Overloaded));
    assert_eq!(alice.key(&key.id).await.unwrap(), key);
}

#[tokio::test]
async fn a_flood_of_connections_is_bounded_and_passes() {
    let measured = Measured::new("test").limits("connections = 20");
    let parent = LyingParent::with(measured).await;
    let socket = parent.enclave.socket();
    let held: Vec<_> = (0..200)
        .filter_map(|_| UnixStream::connect(&socket).ok())
        .collect();
    assert!(held.len() > 20);
    let closed = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(500));
        let ended = held.iter().filter(|stream| {
            stream.set_nonblocking(true).unwrap();
            matches!((&mut &**stream).read(&mut [0; 1]), Ok(0))
        });
        ended.count()
    });
    assert!(closed.await.unwrap() >= 150);
    // The enclave takes a moment to notice that the connections are closed.
    let served = async {
        let (client, trusted) = (parent.client(), parent.expectation());
        while client.verify(&trusted).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let served = tokio::time::timeout(Duration::from_secs(20), served).await;
    served.expect("the flood passes");
    let alice = parent.principal("alice").await;
    new_key(&alice).await;
}

#[tokio::test]
async fn a_principals_rate_is_kept() {
    let mut measured = Measured::new("test");
    let policy = "operations = [\"list_keys\"]\nrequests_per_minute = 20";
    measured.principal("slow", Algorithm::Ed25519, policy);
    let parent = LyingParent::with(measured).await;
    let slow = parent.principal("slow").await;
    for _ in 0..2 {
        slow.list_keys(None, None).await.unwrap();
    }
    assert_eq!(refusal(slow.list_keys(None, None).await), "rate-limited");
    let alice = parent.principal("alice").await;
    alice.list_keys(None, None).await.unwrap();
}

#[tokio::test]
async fn what_a_policy_does_not_name_is_denied() {
    let mut measured = Measured::new("test");
    let policy = "operations = [\"create_key\", \"sign\"]\npayloads = [\"message\", \"nostr_event\"]\n\
                  nostr_kinds = [1]\nrequests_per_minute = 6000";
    measured.principal("poster", Algorithm::EcdsaP256, policy);
    let parent = LyingParent::with(measured).await;
    let poster = parent.principal("poster").await;
    let key = new_key(&poster).await;
    poster.sign(&key.id, &message()).await.unwrap();
    let event = |kind| SignRequest::NostrEvent {
        event: UnsignedEvent {
            pubkey: None,
            id: None,
            created_at: 1_700_000_000,
            kind,
            tags: Vec::new(),
            content: "hello".to_owned(),
        },
    };
    poster.sign(&key.id, &event(1)).await.unwrap();
    let digest = "ab".repeat(32);
    for denied in [
        event(4),
        SignRequest::Digest {
            digest: digest.clone(),
        },
        SignRequest::Message {
            message: digest.clone(),
        },
        SignRequest::TaprootSpend {
            sighash: digest,
            merkle_root: None,
        },
    ] {
        let refused = refusal(poster.sign(&key.id, &denied).await);
        assert_eq!(refused, "not-permitted", "{denied:?}");
    }
    assert_eq!(refusal(poster.key(&key.id).await), "not-permitted");
    assert_eq!(refusal(poster.rotate(&key.id).await), "not-permitted");
}

#[tokio::test]
async fn keys_and_messages_are_accepted_up_to_their_limits_and_not_beyond() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let wanted = |threshold, participants: usize| CreateKey {
        threshold,
        participants: (0..participants).map(|n| format!("p{n}")).collect(),
        label: None,
    };
    for (threshold, participants) in [(2, 2), (32, 32)] {
        let idempotency_key = permafrost_client::IdempotencyKey::random().unwrap();
        let wanted = wanted(threshold, participants);
        let key = alice.create_key(&wanted, &idempotency_key).await.unwrap();
        let longest = SignRequest::Message {
            message: "ab".repeat(MESSAGE_MAX),
        };
        alice.sign(&key.id, &longest).await.unwrap();
        let longer = SignRequest::Message {
            message: "ab".repeat(MESSAGE_MAX + 1),
        };
        assert_eq!(
            refusal(alice.sign(&key.id, &longer).await),
            "invalid-request"
        );
    }
    for (threshold, participants) in [(1, 2), (3, 2), (2, 33), (2, 1), (0, 0)] {
        let idempotency_key = permafrost_client::IdempotencyKey::random().unwrap();
        let wanted = wanted(threshold, participants);
        let refused = alice.create_key(&wanted, &idempotency_key).await;
        assert_eq!(
            refusal(refused),
            "invalid-request",
            "{threshold} of {participants}"
        );
    }
}

#[tokio::test]
async fn bad_input_is_refused_by_the_name_of_its_field() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let sign = format!("/v1/keys/{}/sign", key.id);
    let event =
        serde_json::json!({"created_at": 1, "kind": 1, "tags": [["a", "b\u{1}"]], "content": ""});
    for (path, body, field) in [
        ("/v1/keys", serde_json::json!({"threshold": 2}), ""),
        (
            "/v1/keys",
            serde_json::json!({"threshold": "2", "participants": []}),
            "/threshold",
        ),
        (
            "/v1/keys",
            serde_json::json!({"threshold": 2, "participants": ["a", 7]}),
            "/participants/1",
        ),
        (
            "/v1/keys",
            serde_json::json!({"threshold": 2, "participants": ["a", "a"]}),
            "/participants/1",
        ),
        (
            "/v1/keys",
            serde_json::json!({"threshold": 2, "participants": ["a", "b"], "x": 1}),
            "/x",
        ),
        (
            &sign,
            serde_json::json!({"type": "digest", "digest": "AB"}),
            "/digest",
        ),
        (
            &sign,
            serde_json::json!({"type": "nostr_event", "event": event}),
            "/event/tags/0/1",
        ),
    ] {
        let problem = refused_body(&alice, path, body.clone()).await;
        assert_eq!(problem.kind(), Some(ProblemType::InvalidRequest), "{body}");
        let fields: Vec<_> = problem
            .errors
            .iter()
            .map(|error| error.field.as_str())
            .collect();
        assert_eq!(fields, [field], "{body}: {}", problem.detail);
        assert!(
            problem
                .errors
                .iter()
                .all(|error| !error.accepted.is_empty())
        );
    }
    assert_eq!(parent.store.versions(&key.id).len(), 1);
}

#[tokio::test]
async fn a_creating_request_without_an_idempotency_key_is_refused() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let body = serde_json::to_vec(&two_of_three()).unwrap();
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    let response = alice
        .request(http::Method::POST, "/v1/keys", Bytes::from(body), headers)
        .await
        .unwrap();
    let problem = response.problem().unwrap();
    assert_eq!(problem.kind(), Some(ProblemType::IdempotencyKeyMissing));
}

#[tokio::test]
async fn every_response_is_signed_and_names_the_boot() {
    let parent = LyingParent::start().await;
    for target in [
        "/v1/health",
        "/v1/attestation",
        "/openapi.json",
        "/docs",
        "/no/such/path",
        "/v1/keys",
    ] {
        let response = get(&parent, target).await;
        for header in [
            "signature",
            "signature-input",
            "content-digest",
            "x-enclave-attestation",
        ] {
            assert!(
                response.headers().contains_key(header),
                "{target} has no {header}"
            );
        }
    }
    assert_eq!(
        get(&parent, "/no/such/path").await.status(),
        StatusCode::NOT_FOUND
    );
    let wrong = Request::delete("/v1/keys").body(Bytes::new()).unwrap();
    let problem = problem_of(&parent.proxy.send(wrong).await);
    assert_eq!(problem.kind(), Some(ProblemType::MethodNotAllowed));
}

#[tokio::test]
async fn two_rotations_at_once_both_happen() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let (one, two) = tokio::join!(alice.rotate(&key.id), alice.rotate(&key.id));
    let mut generations = [one.unwrap().generation, two.unwrap().generation];
    generations.sort_unstable();
    assert_eq!(generations, [2, 3]);
}

#[tokio::test]
async fn a_key_that_other_requests_keep_changing_is_a_conflict() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    parent.store.drop_writes();
    parent.store.lie(|request, honest| match request {
        StoreRequest::Put { .. } => StoreResponse::Conflict(Some(9)),
        _ => honest,
    });
    assert_eq!(refusal(alice.rotate(&key.id).await), "key-conflict");
}
