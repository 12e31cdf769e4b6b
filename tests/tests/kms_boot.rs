//! Boots with a KMS that is down, slow, overloaded or refuses: the enclave says why it is not ready, keeps trying, and becomes
//! ready. One KMS call per boot, none per request.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use permafrost_client::{IdempotencyKey, Principal};
use permafrost_common::api::{Key, ReplaceKey, ResealRecords};
use permafrost_kms::emulator::{Call, Failure};
use permafrost_tests::{
    HonestStack, LyingParent, Measured, is_signed_by, measurements, message, new_key, predecessors,
    refusal,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_with_kms_down_says_why_keeps_trying_and_comes_up_with_every_key() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let keys = [new_key(&alice).await, new_key(&alice).await];
    stack.kms.stop();
    stack.enclave.restart_unready();
    let reason = stack.enclave.refuses_with("kms:Decrypt");
    for part in [stack.key_arn.as_str(), "4 of 4 attempts", "502"] {
        assert!(reason.contains(part), "{reason}");
    }

    // Through the parent: health and attestation are served, keys are not.
    let why = "the egress proxy gives no connection to KMS";
    let readiness = self::readiness(&stack);
    for part in ["HTTP/1.1 503 ", "not-ready", why] {
        assert!(readiness.contains(part), "{readiness}");
    }
    let enclave = stack.verified().await;
    let health = enclave.health().await.unwrap();
    assert!(!health.ready);
    let told = health.reason.unwrap();
    assert!(told.contains(why), "{told}");
    let alice = stack.principal("alice").await;
    let refused = alice.sign(&keys[0].id, &message()).await.unwrap_err();
    assert!(refused.problem().unwrap().retry_after.is_some());
    assert!(refused.to_string().contains(why), "{refused}");
    assert_eq!(refusal::<()>(Err(refused)), "not-ready");
    for refused in [
        alice.list_keys(None, None).await.map(drop),
        alice.root().await.map(drop),
        alice.rotate_root(1).await.map(drop),
    ] {
        assert_eq!(refusal(refused), "not-ready");
    }

    // It has not given up.
    let tried = times(&stack.enclave.log(), "cannot obtain the root secret");
    let started = Instant::now();
    while times(&stack.enclave.log(), "cannot obtain the root secret") < tried + 2 {
        assert!(started.elapsed() < Duration::from_secs(30), "it gave up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stack.kms.start_again();
    stack.enclave.wait_until_ready();
    let readiness = self::readiness(&stack);
    assert!(readiness.starts_with("HTTP/1.1 200 "), "{readiness}");
    for key in &keys {
        signs(&alice, key).await;
    }
    assert_eq!(outcomes(&stack.kms.calls()), ["Decrypt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_costs_one_kms_call_and_a_request_none() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let mut expected = vec!["GenerateDataKey".to_owned()];
    assert_eq!(outcomes(&stack.kms.calls()), expected);
    for _ in 0..3 {
        let alice = stack.principal("alice").await;
        every_request(&alice).await;
        stack.restart_parent();
        every_request(&alice).await;
        assert_eq!(outcomes(&stack.kms.calls()), expected);
        stack.enclave.restart();
        expected.push("Decrypt".to_owned());
        assert_eq!(outcomes(&stack.kms.calls()), expected);
    }
}

#[tokio::test]
async fn throttling_and_failures_of_kms_are_retried_within_bounds() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    for (failure, name) in [
        (Failure::Throttling, "ThrottlingException"),
        (Failure::Internal, "KMSInternalException"),
        (Failure::Unavailable, "ServiceUnavailableException"),
    ] {
        let failed = format!("GenerateDataKey: {name}");
        let failed = failed.as_str();
        let (emulator, epoch) = (parent.kms.emulator(), alice.root().await.unwrap().epoch);

        // One failure fewer than there are attempts.
        let before = parent.kms.calls().len();
        emulator.fail_next(3, failure);
        assert_eq!(alice.rotate_root(epoch).await.unwrap().epoch, epoch + 1);
        let calls = outcomes(&parent.kms.calls()[before..]);
        assert_eq!(calls, [failed, failed, failed, "GenerateDataKey"]);

        // As many failures as there are attempts.
        let before = parent.kms.calls().len();
        emulator.fail_next(100, failure);
        let refused = alice.rotate_root(epoch + 1).await.unwrap_err();
        for part in [name, "4 of 4 attempts", parent.key_arn.as_str()] {
            assert!(refused.to_string().contains(part), "{refused}");
        }
        assert_eq!(refusal::<()>(Err(refused)), "kms-unavailable");
        let calls = outcomes(&parent.kms.calls()[before..]);
        assert_eq!(calls, [failed; 4]);
        emulator.fail_next(0, failure);
    }
    // A boot repeats the same.
    let before = parent.kms.calls().len();
    parent.kms.emulator().fail_next(10, Failure::Throttling);
    parent.enclave.restart_unready();
    parent.enclave.refuses_with("ThrottlingException");
    parent.enclave.wait_until_ready();
    let calls = outcomes(&parent.kms.calls()[before..]);
    let failed = "Decrypt: ThrottlingException";
    assert_eq!(calls, [&[failed; 10][..], &["Decrypt"]].concat());
    signs(&parent.principal("alice").await, &key).await;
}

#[tokio::test]
async fn a_decision_of_kms_is_not_retried_within_a_call() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let before = parent.kms.calls().len();
    let others = measurements(&parent.configuration_with("any_predecessor = false\n"));
    parent
        .kms
        .allow_releases(&parent.key_arn, "test", &[others]);
    let refused = alice.rotate_root(1).await.unwrap_err();
    for part in ["AccessDeniedException", "1 of 4 attempts"] {
        assert!(refused.to_string().contains(part), "{refused}");
    }
    let calls = outcomes(&parent.kms.calls()[before..]);
    assert_eq!(calls, ["GenerateDataKey: AccessDeniedException"]);
}

#[tokio::test]
async fn a_response_that_takes_longer_than_an_attempt_may_is_reported() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let before = parent.configuration();
    let impatient = parent
        .configuration_with(&predecessors(&[&measurements(&before)]))
        .replace("[root]", "attempt_timeout_ms = 300\nattempts = 2\n[root]");
    let admitted = [before.as_str(), &impatient];
    parent.kms.allow(&parent.key_arn, "test", &admitted);
    parent.enclave.configure(&impatient);
    let emulator = parent.kms.emulator();
    emulator.set_latency(Duration::from_secs(2));
    parent.enclave.restart_unready();
    let reason = parent.enclave.refuses_with("no response within 300 ms");
    for part in ["kms:Decrypt", "2 of 2 attempts"] {
        assert!(reason.contains(part), "{reason}");
    }
    emulator.set_latency(Duration::ZERO);
    parent.enclave.wait_until_ready();
    signs(&parent.principal("alice").await, &key).await;
}

#[tokio::test]
async fn a_lost_root_secret_is_not_replaced_by_another() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    parent.reconfigure("create_root_secret = false\n");
    parent.enclave.restart();
    let records = parent.store.root_secret();
    let calls = parent.kms.calls().len();

    parent.store.put_back_root_secret(Vec::new());
    parent.enclave.restart_unready();
    let reason = parent
        .enclave
        .refuses_with("root.create_root_secret = false");
    assert!(reason.contains("the store has no root secret"), "{reason}");
    assert!(parent.store.root_secret().is_empty());
    assert_eq!(parent.kms.calls().len(), calls);

    parent.store.put_back_root_secret(records);
    parent.enclave.wait_until_ready();
    signs(&parent.principal("alice").await, &key).await;
}

#[tokio::test]
async fn a_fresh_deployment_that_may_make_no_root_secret_gets_none() {
    let mut parent = LyingParent::before_kms().await;
    parent.reconfigure("create_root_secret = false\n");
    parent.egress.be_honest();
    parent.enclave.restart_unready();
    parent
        .enclave
        .refuses_with("root.create_root_secret = false");
    assert!(parent.store.root_secret().is_empty());
    assert!(parent.kms.calls().is_empty());

    parent.enclave.configure(&parent.configuration());
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    signs(&alice, &new_key(&alice).await).await;
}

/// What the parent responds with to `GET /readyz`, head and body.
fn readiness(stack: &HonestStack) -> String {
    let address = stack.endpoint().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /readyz HTTP/1.1\r\nhost: parent\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

/// Every operation that needs no new data key.
async fn every_request(alice: &Principal) {
    let key = new_key(alice).await;
    signs(alice, &key).await;
    alice.key(&key.id).await.unwrap();
    alice.rotate(&key.id).await.unwrap();
    alice.list_keys(None, None).await.unwrap();
    let idempotency_key = IdempotencyKey::random().unwrap();
    let how = ReplaceKey { disable_old: true };
    let replaced = alice.replace(&key.id, &how, &idempotency_key).await;
    alice.disable(&replaced.unwrap().key.id).await.unwrap();
    let epoch = alice.root().await.unwrap().epoch;
    alice.reseal(&ResealRecords::default()).await.unwrap();
    alice.retire_root(epoch).await.unwrap();
    alice.enclave().health().await.unwrap();
    alice.enclave().verify_again().await.unwrap();
}

async fn signs(principal: &Principal, key: &Key) {
    let signed = principal.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

/// Each call by its action, with the error of its response.
fn outcomes(calls: &[Call]) -> Vec<String> {
    let outcome = |call: &Call| match &call.error {
        None => call.action.clone(),
        Some(error) => format!("{}: {error}", call.action),
    };
    calls.iter().map(outcome).collect()
}

fn times(log: &str, text: &str) -> usize {
    log.matches(text).count()
}
