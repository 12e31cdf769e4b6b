//! What the parent sees.

use std::collections::BTreeSet;

use bhttp::Mode;
use bytes::Bytes;
use http::Request;
use permafrost_client::{Client, Expectation, IdempotencyKey, Principal, RootCertificate};
use permafrost_common::api::{Key, ReplaceKey, Signed};
use permafrost_common::oblivious::{REQUEST_TYPE, RESPONSE_TYPE};
use permafrost_tests::{
    HonestStack, LyingParent, MESSAGE, Measured, WholeRequest, WholeResponse, is_signed_by,
    message, new_key, refusal,
};

use crate::independent::ask;
use crate::principal;

#[tokio::test]
async fn the_parent_sees_neither_paths_nor_bodies_nor_responses() {
    let parent = LyingParent::start().await;
    let alice = principal(&parent, "alice").await;
    parent.proxy.take_seen();
    let (keys, signed) = main_job(&alice).await;
    let sealed = parent.proxy.take_seen();
    assert!(sealed.len() >= 8, "{}", sealed.len());
    for (request, response) in &sealed {
        assert_eq!(
            (request.method().as_str(), request.uri().path()),
            ("POST", "/v1/oblivious")
        );
        assert_eq!(request.headers()["content-type"], REQUEST_TYPE);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], RESPONSE_TYPE);
    }
    assert_eq!(found_in(&sealed, &keys, &signed), [""; 0]);

    // The search works: it finds everything in the same job in the clear.
    let alice = parent.principal("alice").await;
    parent.proxy.take_seen();
    let (keys, signed) = main_job(&alice).await;
    let open = parent.proxy.take_seen();
    assert_eq!(
        found_in(&open, &keys, &signed).len(),
        needles(&keys, &signed).len()
    );
}

#[tokio::test]
async fn responses_of_different_lengths_have_one_length_on_the_wire() {
    let parent = LyingParent::start().await;
    let mut inside = BTreeSet::new();
    for path in ["/v1/health", "/v1/nothing", "/v1/root", "/v1/health?x=1"] {
        let request = Request::get(path).body(Bytes::new()).unwrap();
        let (outer, inner) = ask(&parent, &request, Mode::KnownLength).await;
        assert_eq!(outer.body().len(), 1024, "{path}");
        inside.insert(inner.body().len());
    }
    assert!(inside.len() > 1, "{inside:?}");
}

#[tokio::test]
async fn requests_of_different_lengths_have_one_length_on_the_wire() {
    let parent = LyingParent::start().await;
    let alice = principal(&parent, "alice").await;
    let key = new_key(&alice).await;
    parent.proxy.take_seen();
    // Without a body, and with one.
    alice.key(&key.id).await.unwrap();
    alice.sign(&key.id, &message()).await.unwrap();
    let seen = parent.proxy.take_seen();
    let lengths = seen.iter().map(|(request, _)| request.body().len());
    assert_eq!(lengths.collect::<Vec<_>>(), [1024, 1024]);
}

#[tokio::test]
async fn the_main_job_goes_through_the_parent_whose_log_has_sizes_and_times_alone() {
    let measured = Measured::new("test");
    let key = measured.key("alice").clone();
    let stack = HonestStack::start(measured);
    let root = RootCertificate::from_pem(&stack.enclave.root_pem()).unwrap();
    let enclave = Client::new(stack.endpoint().parse().unwrap())
        .obliviously()
        .verify(&Expectation::any_measurements().root_certificate(root))
        .await
        .unwrap();
    assert!(enclave.health().await.unwrap().ready);
    let alice = enclave.as_principal("alice", key).unwrap();
    let (keys, signed) = main_job(&alice).await;

    let log = stack.parent_log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("POST")).collect();
    assert!(lines.len() >= 8, "{log}");
    assert!(
        lines.iter().all(|line| line.contains("/v1/oblivious")),
        "{log}"
    );
    for (what, needle) in needles(&keys, &signed) {
        assert!(!log.contains(&needle), "{what} is in the log:\n{log}");
    }
}

/// Makes a key, and carries out every operation on it.
async fn main_job(alice: &Principal) -> (Vec<Key>, Vec<Signed>) {
    let key = new_key(alice).await;
    let first = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&first, &key.group_public_key));
    let rotated = alice.rotate(&key.id).await.unwrap();
    assert_eq!(rotated.generation, 2);
    let second = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&second, &key.group_public_key));
    let how = ReplaceKey { disable_old: true };
    let idempotency_key = IdempotencyKey::random().unwrap();
    let replaced = alice.replace(&key.id, &how, &idempotency_key).await;
    let refused = alice.sign(&key.id, &message()).await;
    assert_eq!(refusal(refused), "key-disabled");
    let listed = alice.list_keys(None, Some(1)).await.unwrap();
    assert_eq!(listed.keys.len(), 1);
    alice.key(&key.id).await.unwrap();
    (vec![rotated, replaced.unwrap().key], vec![first, second])
}

/// What nothing in transit may reveal, by name.
fn needles(keys: &[Key], signed: &[Signed]) -> Vec<(String, String)> {
    let mut needles = [
        ("the path", "/v1/keys"),
        ("the verb", "/sign"),
        ("the query", "limit=1"),
        ("the principal", "alice"),
        ("a participant", "three"),
        ("a field of the body", "threshold"),
        ("a field of the response", "group_public_key"),
        ("a problem", "key-disabled"),
        ("an idempotency key's field", "idempotency-key"),
    ]
    .map(|(what, needle)| (what.to_owned(), needle.to_owned()))
    .to_vec();
    needles.push(("the message".to_owned(), hex::encode(MESSAGE)));
    for (number, key) in keys.iter().enumerate() {
        needles.push((format!("id {number}"), key.id.clone()));
        needles.push((format!("public key {number}"), key.group_public_key.clone()));
    }
    for (number, signed) in signed.iter().enumerate() {
        needles.push((format!("signature {number}"), signed.signature.clone()));
    }
    needles
}

/// Which of them occur anywhere in what passed the parent.
fn found_in(
    seen: &[(WholeRequest, WholeResponse)],
    keys: &[Key],
    signed: &[Signed],
) -> Vec<String> {
    let mut all = Vec::new();
    for (request, response) in seen {
        all.extend(format!("{} {}\n", request.method(), request.uri()).into_bytes());
        for fields in [request.headers(), response.headers()] {
            for (name, value) in fields {
                all.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
            }
        }
        all.extend([request.body(), response.body()].into_iter().flatten());
    }
    let mut found = needles(keys, signed);
    found.retain(|(_, needle)| {
        let needle = needle.as_bytes();
        all.windows(needle.len()).any(|bytes| bytes == needle)
    });
    found.into_iter().map(|(what, _)| what).collect()
}
