//! A store that rolls back, or ahead: an earlier record of the root secret, and epochs that no enclave made.

use std::time::{Duration, Instant};

use permafrost_client::{Error, Principal};
use permafrost_common::api::Key;
use permafrost_enclave::sealing::Envelope;
use permafrost_tests::{LyingParent, StoreRequest, StoreResponse, message, new_key, pass, refusal};

use crate::steps::{PATIENCE, epochs_of, signs};

#[tokio::test]
async fn the_measured_configuration_holds_a_store_to_the_epochs_that_were_retired() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    alice.rotate_root(1).await.unwrap();
    pass(&alice, 100).await;
    let of_epoch_1 = parent.store.root_secret()[..1].to_vec();

    parent.reconfigure("oldest_epoch = 2\n");
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    let state = alice.root().await.unwrap();
    assert_eq!((state.oldest_epoch, state.epochs.as_slice()), (2, &[2][..]));
    signs(&alice, &key).await;

    let newest = parent.store.root_secret();
    let calls = parent.kms.calls().len();
    parent.store.put_back_root_secret(of_epoch_1);
    parent.enclave.restart_unready();
    let reason = parent.enclave.refuses_with("accepts 2 and later");
    assert!(reason.contains("its newest epoch is 1"), "{reason}");
    assert_eq!(parent.kms.calls().len(), calls);

    parent.store.put_back_root_secret(newest);
    parent.enclave.restart();
    signs(&parent.principal("alice").await, &key).await;
}

#[tokio::test]
async fn a_root_secret_rolled_back_within_a_boot_is_refused_and_the_enclave_keeps_serving() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    alice.rotate_root(1).await.unwrap();
    let newest = parent.store.root_secret();
    let calls = parent.kms.calls().len();
    for (found, versions) in [(1, newest[..1].to_vec()), (0, Vec::new())] {
        parent.store.put_back_root_secret(versions);
        // A record of a later epoch makes the enclave look.
        let refused = in_an_epoch_that_nobody_made(&parent, &alice, &key, 9).await;
        assert_eq!(refusal::<()>(Err(refused)), "not-ready");
        logs(
            &parent,
            &format!(
                "the store gave version {found} of the root secret's record; this enclave has seen 2"
            ),
        )
        .await;
        assert_eq!(alice.root().await.unwrap().epochs, [1, 2]);
        signs(&alice, &key).await;
        assert_eq!(epochs_of(&parent, &new_key(&alice).await), [2]);
        // Nothing is written in place of the lost record.
        assert_eq!(refusal(alice.rotate_root(2).await), "epoch-conflict");
        assert_eq!(parent.store.root_secret().len(), found);
    }
    // The data keys of the two failed rotations.
    assert_eq!(parent.kms.calls().len(), calls + 2);
    parent.store.put_back_root_secret(newest);
    assert_eq!(alice.rotate_root(2).await.unwrap().epochs, [1, 2, 3]);
}

#[tokio::test]
async fn an_epoch_that_no_enclave_made_is_looked_for_once_and_then_refused() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let calls = parent.kms.calls().len();
    let started = Instant::now();
    let refused = loop {
        let error = in_an_epoch_that_nobody_made(&parent, &alice, &key, 2).await;
        let text = error.to_string();
        match refusal::<()>(Err(error)).as_str() {
            "not-ready" => assert!(started.elapsed() < PATIENCE, "{text}"),
            other => break (other.to_owned(), text),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(refused.0, "record-invalid");
    assert!(refused.1.contains("sealed in epoch 2"), "{}", refused.1);
    assert_eq!(parent.kms.calls().len(), calls);
    signs(&alice, &key).await;
}

/// The result of a signature while the store gives the key's record as if it were sealed in this epoch.
async fn in_an_epoch_that_nobody_made(
    parent: &LyingParent,
    principal: &Principal,
    key: &Key,
    epoch: u32,
) -> Error {
    let versions = parent.store.versions(&key.id);
    let mut envelope = Envelope::decode(versions.last().unwrap()).unwrap();
    envelope.epoch = epoch;
    let (next, bytes) = (versions.len() as u64 + 1, envelope.encode());
    let forged = key.id.clone();
    parent.store.lie(move |request, honest| match request {
        StoreRequest::Get { id, .. } if *id == forged => StoreResponse::Record(next, bytes.clone()),
        _ => honest,
    });
    let refused = principal.sign(&key.id, &message()).await.unwrap_err();
    parent.store.be_honest();
    refused
}

/// Waits until the enclave has logged this.
async fn logs(parent: &LyingParent, text: &str) {
    let started = Instant::now();
    while !parent.enclave.log().contains(text) {
        assert!(started.elapsed() < PATIENCE, "no {text:?} in its log");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
