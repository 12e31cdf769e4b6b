//! New epochs, and the retirement of older ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use permafrost_common::api::Key;
use permafrost_tests::{
    EXCEPTIONS, LyingParent, Measured, StoreResponse, measurements, message, new_key, pass,
    predecessors, refusal,
};
use tokio::sync::{Semaphore, mpsc};

use crate::steps::{PATIENCE, actions, epochs_of, is_write, page, signs};

#[tokio::test]
async fn after_a_rotation_old_records_open_and_new_writes_use_the_new_epoch() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (old, changed) = (new_key(&alice).await, new_key(&alice).await);
    let state = alice.rotate_root(1).await.unwrap();
    assert_eq!((state.epoch, state.epochs.as_slice()), (2, &[1, 2][..]));
    assert_eq!(state.key_arn, parent.key_arn.to_string());

    let new = new_key(&alice).await;
    alice.rotate(&changed.id).await.unwrap();
    for (key, epochs) in [(&old, &[1][..]), (&changed, &[1, 2]), (&new, &[2])] {
        assert_eq!(epochs_of(&parent, key), epochs);
        signs(&alice, key).await;
    }
    assert_eq!(actions(&parent), ["GenerateDataKey", "GenerateDataKey"]);
}

#[tokio::test]
async fn each_step_survives_a_restart_that_costs_one_kms_call() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let mut keys = vec![new_key(&alice).await];
    restarts_with_one_call(&mut parent, &keys, &[1]).await;

    let alice = parent.principal("alice").await;
    alice.rotate_root(1).await.unwrap();
    keys.push(new_key(&alice).await);
    restarts_with_one_call(&mut parent, &keys, &[1, 2]).await;

    let alice = parent.principal("alice").await;
    alice.rotate_root(2).await.unwrap();
    keys.push(new_key(&alice).await);
    restarts_with_one_call(&mut parent, &keys, &[1, 2, 3]).await;

    let alice = parent.principal("alice").await;
    assert_eq!(pass(&alice, 100).await.resealed, 2 + EXCEPTIONS);
    restarts_with_one_call(&mut parent, &keys, &[1, 2, 3]).await;

    let alice = parent.principal("alice").await;
    pass(&alice, 100).await;
    alice.retire_root(3).await.unwrap();
    restarts_with_one_call(&mut parent, &keys, &[3]).await;
}

/// After a restart these epochs are held, every key signs, and there was one KMS call.
async fn restarts_with_one_call(parent: &mut LyingParent, keys: &[Key], epochs: &[u32]) {
    let before = actions(parent);
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    assert_eq!(alice.root().await.unwrap().epochs, epochs);
    for key in keys {
        signs(&alice, key).await;
    }
    assert_eq!(actions(parent), [before, vec!["Decrypt".into()]].concat());
}

#[tokio::test]
async fn an_early_request_to_retire_retires_nothing_once_the_rotation_before_it_is_done() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    // The store holds the new epoch's record back, and the request to retire comes meanwhile.
    let (arrived, mut writes) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    parent.store.lie(move |request, honest| {
        if !is_write(request) {
            return honest;
        }
        arrived.send(()).unwrap();
        StoreResponse::Held(Arc::clone(&held), Box::new(honest))
    });
    let early = async {
        writes.recv().await.unwrap();
        let (retired, ()) = tokio::join!(alice.retire_root(2), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            gate.add_permits(1);
        });
        retired
    };
    let (rotated, retired) = tokio::join!(alice.rotate_root(1), early);
    parent.store.be_honest();
    assert_eq!(rotated.unwrap().epochs, [1, 2]);
    assert_eq!(refusal(retired), "epoch-in-use");
    assert_eq!(alice.root().await.unwrap().epochs, [1, 2]);
    signs(&alice, &key).await;
}

#[tokio::test]
async fn a_rotation_repeated_makes_no_second_epoch() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    alice.rotate_root(1).await.unwrap();
    let calls = parent.kms.calls().len();
    for epoch in [0, 1, 3] {
        assert_eq!(refusal(alice.rotate_root(epoch).await), "epoch-conflict");
        assert_eq!(refusal(alice.retire_root(epoch).await), "epoch-conflict");
    }
    // Two at once: one makes the epoch, the other is refused.
    let (one, two) = tokio::join!(alice.rotate_root(2), alice.rotate_root(2));
    let (made, refused) = match one {
        Ok(state) => (state, two),
        refused => (two.unwrap(), refused),
    };
    assert_eq!(made.epochs, [1, 2, 3]);
    assert_eq!(refusal(refused), "epoch-conflict");
    assert_eq!(parent.kms.calls().len(), calls + 1);
}

#[tokio::test]
async fn a_rotation_while_kms_is_down_changes_nothing() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let (state, records) = (alice.root().await.unwrap(), parent.store.root_secret());
    parent.kms.stop();
    let refused = alice.rotate_root(1).await.unwrap_err();
    for part in ["kms:GenerateDataKey", parent.key_arn.as_str()] {
        assert!(refused.to_string().contains(part), "{refused}");
    }
    assert_eq!(refusal::<()>(Err(refused)), "kms-unavailable");
    assert_eq!(alice.root().await.unwrap(), state);
    assert_eq!(parent.store.root_secret(), records);
    signs(&alice, &key).await;
    signs(&alice, &new_key(&alice).await).await;

    parent.kms.start_again();
    assert_eq!(alice.rotate_root(1).await.unwrap().epoch, 2);
}

#[tokio::test]
async fn an_epoch_is_retired_only_after_a_whole_pass_and_stays_shut_when_its_records_come_back() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let keys = [new_key(&alice).await, new_key(&alice).await];
    let old = keys.each_ref().map(|key| parent.store.versions(&key.id));
    alice.rotate_root(1).await.unwrap();
    assert_eq!(refusal(alice.retire_root(2).await), "epoch-in-use");
    alice.reseal(&page("", 1)).await.unwrap();
    assert_eq!(refusal(alice.retire_root(2).await), "epoch-in-use");
    pass(&alice, 1).await;
    assert_eq!(alice.retire_root(2).await.unwrap().epochs, [2]);

    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    assert_eq!(alice.root().await.unwrap().epochs, [2]);
    for (key, old) in keys.iter().zip(&old) {
        let newest = parent.store.versions(&key.id);
        parent.store.put_back(&key.id, old.clone());
        let refused = alice.sign(&key.id, &message()).await.unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("sealed in epoch 1, but this enclave holds epochs 2"),
            "{refused}"
        );
        assert_eq!(refusal::<()>(Err(refused)), "record-invalid");
        parent.store.put_back(&key.id, newest);
        signs(&alice, key).await;
    }

    // With the root secret's record from before the retirement, too, epoch 1 stays shut where the configuration says so.
    let newest = parent.store.root_secret();
    let (of_epoch_1, before_retirement) = (newest[..1].to_vec(), newest[..2].to_vec());
    let (before, after) = (
        parent.configuration(),
        parent.configuration_with(&format!(
            "oldest_epoch = 2\n{}",
            predecessors(&[&measurements(&parent.configuration())])
        )),
    );
    parent
        .kms
        .allow(&parent.key_arn, "test", &[&before, &after]);
    parent.enclave.configure(&after);
    parent.store.put_back_root_secret(of_epoch_1);
    parent.enclave.restart_unready();
    parent.enclave.refuses_with("accepts 2 and later");
    parent.store.put_back_root_secret(before_retirement);
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    assert_eq!(alice.root().await.unwrap().epochs, [2]);
    parent.store.put_back(&keys[0].id, old[0].clone());
    let refused = alice.sign(&keys[0].id, &message()).await;
    assert_eq!(refusal(refused), "record-invalid");
}

#[tokio::test]
async fn a_pass_that_begins_before_others_can_know_the_epoch_retires_nothing() {
    let mut parent = LyingParent::before_kms().await;
    let configuration = parent
        .configuration()
        .replace("epoch_settle_s = 0", "epoch_settle_s = 2");
    parent.enclave.configure(&configuration);
    parent.kms.allow(&parent.key_arn, "test", &[&configuration]);
    parent.egress.be_honest();
    parent.enclave.restart();

    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    alice.rotate_root(1).await.unwrap();
    pass(&alice, 100).await;
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let refused = alice.retire_root(2).await.unwrap_err();
    assert!(
        refused.to_string().contains("root.epoch_settle_s"),
        "{refused}"
    );
    assert_eq!(refusal::<()>(Err(refused)), "epoch-in-use");
    pass(&alice, 100).await;
    assert_eq!(alice.retire_root(2).await.unwrap().epochs, [2]);
    signs(&alice, &key).await;
}

#[tokio::test]
async fn a_rotation_that_outlasts_its_request_is_still_carried_out() {
    let measured = Measured::new("test").limits("request_timeout_ms = 500");
    let parent = LyingParent::with(measured).await;
    let alice = parent.principal("alice").await;
    parent
        .kms
        .emulator()
        .set_latency(Duration::from_millis(1_500));
    assert_eq!(refusal(alice.rotate_root(1).await), "request-timeout");
    let started = Instant::now();
    while alice.root().await.unwrap().epoch == 1 {
        assert!(started.elapsed() < PATIENCE, "the rotation was cut off");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let key = new_key(&alice).await;
    assert_eq!(epochs_of(&parent, &key), [2]);
    assert_eq!(refusal(alice.rotate_root(1).await), "epoch-conflict");
}
