//! Nothing that leaves the enclave contains a secret: searched by a test that knows all secrets.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails should stop, in its helpers too"
)]

mod job;
mod known;
mod search;
mod wire;

use std::collections::BTreeSet;
use std::fs;

use job::{Job, PARTICIPANTS, slug};
use known::Known;
use permafrost_client::{Client, Expectation, RootCertificate};
use permafrost_tests::{
    HonestStack, LyingParent, Measured, StoreRequest, StoreResponse, message, new_key,
};
use search::Search;
use wire::Wire;

#[tokio::test]
async fn no_secret_is_in_logs_responses_errors_debug_output_or_the_store() {
    let measured = Measured::new("test");
    let keys = ["alice", "bob"].map(|name| (name, measured.key(name).clone()));
    let mut stack = HonestStack::start(measured);
    let configuration = stack.folder().join("parent.toml");
    let mut text = fs::read_to_string(&configuration).unwrap();
    text.push_str("[log]\nlevel = \"debug\"\n");
    fs::write(&configuration, text).unwrap();
    stack.restart_parent();
    let wire = Wire::to(stack.endpoint()).await;

    let mut job = Job::new(&stack);
    let root = RootCertificate::from_pem(&stack.enclave.root_pem()).unwrap();
    let expectation = Expectation::any_measurements().root_certificate(root);
    let client = Client::new(wire.endpoint().parse().unwrap());
    let enclave = client.verify(&expectation).await.unwrap();
    job.print(&(&enclave, enclave.boot()));
    for (name, key) in &keys {
        let principal = enclave.as_principal(name, key.clone()).unwrap();
        job.print(&principal);
        job.whole_life(&principal).await;
    }
    job.refusals(&enclave, &keys[0].1, &keys[1].1).await;
    job.malformed(&wire).await;
    let alice = enclave.as_principal("alice", keys[0].1.clone()).unwrap();
    job.outages(&mut stack, &alice).await;
    job.check_that_all_refusals_were_met();

    let (record, version) = stack.root_secret();
    let root_secrets = stack.kms.root_secrets(&record, version);
    let mut known = Known::of_deployment("test", &stack.enclave.state(), root_secrets);
    for (name, key) in &keys {
        known.add_principal(name, key);
    }
    job.check_that_no_version_is_missing();
    for ((id, version), sealed) in &job.records {
        known.add_record(id, *version, sealed);
    }
    // For each principal: three shares of the first key, three after its rotation, three of the key that replaced it.
    assert_eq!(known.count("share "), 2 * 9);
    assert_eq!(known.count("secret key "), 2 * 2);
    assert_eq!(known.secrets.len(), 1 + 1 + 2 + 18 + 4);

    let responses = wire.kept();
    let store = ["", "-wal", "-shm"]
        .map(|suffix| fs::read(stack.folder().join(format!("store.sqlite{suffix}"))).unwrap());
    let public = &job.keys[0].participants[0].verifying_share;
    assert!(responses.iter().any(|bytes| contains(bytes, public)));
    assert!(store.iter().any(|bytes| contains(bytes, &job.keys[0].id)));
    assert!(stack.enclave.log().contains("booted"));
    assert!(stack.parent_log().contains("\"DEBUG\""));
    assert!(known.printed.contains(PARTICIPANTS[0]));

    let search = Search::new(&known.secrets);
    let mut places = vec![
        ("the enclave's log", stack.enclave.log().into_bytes()),
        ("the parent's log", stack.parent_log().into_bytes()),
        ("what the client library prints", job.printed.into_bytes()),
        ("what types with secrets print", known.printed.into_bytes()),
    ];
    places.extend(responses.into_iter().map(|bytes| ("the wire", bytes)));
    places.extend(store.iter().map(|bytes| ("the store", bytes.clone())));
    let length: usize = places.iter().map(|(_, bytes)| bytes.len()).sum();
    println!(
        "{} secrets, {} places, {length} bytes",
        known.secrets.len(),
        places.len()
    );
    for (place, bytes) in places {
        assert_eq!(search.found_in(&bytes), [""; 0], "in {place}");
    }
    for name in PARTICIPANTS.into_iter().chain(["alice"]) {
        assert!(!store.iter().any(|bytes| contains(bytes, name)), "{name}");
    }
}

#[tokio::test]
async fn no_secret_is_in_responses_errors_or_the_log_while_the_store_lies() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let other = new_key(&alice).await;
    alice.rotate(&key.id).await.unwrap();
    let (old, new) = (
        parent.store.version(&key.id, 1),
        parent.store.version(&key.id, 2),
    );
    let foreign = parent.store.version(&other.id, 1);
    let altered: Vec<u8> = new.iter().rev().copied().collect();
    let mut flipped = new.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let lies = [
        StoreResponse::Record(1, old.clone()),
        StoreResponse::Record(3, old),
        StoreResponse::Record(3, foreign),
        StoreResponse::Record(3, altered),
        StoreResponse::Record(3, flipped),
        StoreResponse::Record(3, new.clone()),
        StoreResponse::Record(3, Vec::new()),
        StoreResponse::Absent,
        StoreResponse::Raw(500, new),
        StoreResponse::Cut,
    ];
    let mut printed = String::new();
    let mut met = BTreeSet::new();
    for lie in lies {
        parent.store.lie(move |request, honest| match request {
            StoreRequest::Get { .. } => lie.clone(),
            _ => honest,
        });
        for refused in [
            alice.sign(&key.id, &message()).await.map(|_| ()),
            alice.rotate(&key.id).await.map(|_| ()),
        ] {
            let error = refused.unwrap_err();
            printed += &format!("{error} {error:?} {error:#?}");
            met.insert(slug(&error));
        }
    }
    let all = [
        "record-invalid",
        "record-lost",
        "record-rolled-back",
        "store-unavailable",
    ];
    assert_eq!(met, BTreeSet::from(all));

    let record = parent.store.root_secret().pop().unwrap();
    let root_secrets = parent.kms.root_secrets(&record, 1);
    let mut known = Known::of_deployment("test", &parent.enclave.state(), root_secrets);
    known.add_principal("alice", &parent.key("alice"));
    let mut sealed = Vec::new();
    for key in [&key, &other] {
        for (version, record) in (1..).zip(parent.store.versions(&key.id)) {
            known.add_record(&key.id, version, &record);
            sealed.extend(record);
        }
    }
    assert_eq!(known.count("share "), 9);
    let search = Search::new(&known.secrets);
    let responses = parent.proxy.take_seen().into_iter().map(|(_, response)| {
        let head = format!("{:?}", response.headers());
        [head.as_bytes(), response.body()].concat()
    });
    let responses: Vec<_> = responses.collect();
    assert!(responses.len() > 20);
    let places = [
        parent.enclave.log().into_bytes(),
        printed.into(),
        known.printed.into(),
        sealed,
    ];
    for bytes in responses.into_iter().chain(places) {
        assert_eq!(search.found_in(&bytes), [""; 0]);
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
