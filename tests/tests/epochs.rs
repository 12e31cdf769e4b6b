//! The epochs of the root secret on real processes: rotated, resealed and retired, and what a store that goes back makes of
//! them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::time::{Duration, Instant};

use permafrost_client::{Error, Principal};
use permafrost_common::api::{Key, ResealRecords, ResealedRecords};
use permafrost_common::store::Page;
use permafrost_enclave::sealing::Envelope;
use permafrost_tests::{
    Cut, LyingParent, StoreAnswer, StoreRequest, binaries, is_signed_by, measurements, message,
    new_key, predecessors, refusal,
};

/// How long something may take that another process does by itself.
const PATIENCE: Duration = Duration::from_secs(20);

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
async fn each_step_outlives_a_restart_that_costs_one_kms_call() {
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
    assert_eq!(pass(&alice, 100).await.resealed, 2);
    restarts_with_one_call(&mut parent, &keys, &[1, 2, 3]).await;

    let alice = parent.principal("alice").await;
    pass(&alice, 100).await;
    alice.retire_root(3).await.unwrap();
    restarts_with_one_call(&mut parent, &keys, &[3]).await;
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
    // Two at once: one makes the epoch, the other is told.
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
async fn resealing_rewrites_old_records_and_no_others() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let old = [
        new_key(&alice).await,
        new_key(&alice).await,
        new_key(&alice).await,
    ];
    alice.rotate_root(1).await.unwrap();
    let new = new_key(&alice).await;
    let calls = parent.kms.calls().len();
    let done = pass(&alice, 2).await;
    assert_eq!((done.epoch, done.examined), (2, 4));
    assert_eq!((done.resealed, done.left), (3, 0));
    for key in &old {
        assert_eq!(epochs_of(&parent, key), [1, 2]);
        assert_eq!(alice.key(&key.id).await.unwrap(), *key);
        signs(&alice, key).await;
    }
    assert_eq!(epochs_of(&parent, &new), [2]);
    let again = pass(&alice, 2).await;
    assert_eq!((again.examined, again.resealed), (4, 0));
    assert_eq!(parent.kms.calls().len(), calls);
}

#[tokio::test]
async fn resealing_cut_off_in_the_middle_of_a_page_goes_on_where_it_was() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let mut keys = Vec::new();
    for _ in 0..6 {
        keys.push(new_key(&alice).await);
    }
    alice.rotate_root(1).await.unwrap();
    let first = alice.reseal(&page("", 2)).await.unwrap();
    assert_eq!((first.resealed, first.left), (2, 0));
    let cursor = first.next.unwrap();

    // The second record of the next page is written, and the enclave is killed before it hears of it.
    let mut writes = 0;
    parent.store.lie(move |request, honest| {
        writes += usize::from(matches!(request, StoreRequest::Put { .. }));
        match writes {
            0 | 1 => honest,
            _ => StoreAnswer::Silence,
        }
    });
    parent.store.take_requests();
    let page_of_three = page(&cursor, 3);
    let resealing = alice.reseal(&page_of_three);
    let killing = async {
        let mut writes = 0;
        while writes < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let requests = parent.store.take_requests();
            writes += requests.iter().filter(|request| is_write(request)).count();
        }
        parent.enclave.kill();
    };
    let (interrupted, ()) = tokio::join!(resealing, killing);
    assert_eq!(refusal(interrupted), "interrupted");
    assert_eq!(in_epoch(&parent, &keys, 2), 4);

    parent.store.be_honest();
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    let rest = alice.reseal(&page(&cursor, 100)).await.unwrap();
    assert_eq!((rest.examined, rest.resealed, rest.left), (4, 2, 0));
    assert_eq!(in_epoch(&parent, &keys, 2), 6);
    for key in &keys {
        signs(&alice, key).await;
    }
    // What this boot has seen begins in the middle.
    assert_eq!(refusal(alice.retire_root(2).await), "epoch-in-use");
    let whole = pass(&alice, 100).await;
    assert_eq!((whole.examined, whole.resealed), (6, 0));
    assert_eq!(alice.retire_root(2).await.unwrap().epochs, [2]);
}

#[tokio::test]
async fn a_record_changed_meanwhile_is_left_for_the_next_pass() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (changed, other) = (new_key(&alice).await, new_key(&alice).await);
    let second = second_enclave(&parent);
    second.wait_until_ready();
    let elsewhere = parent.principal_at(&second, "alice").await;
    alice.rotate_root(1).await.unwrap();

    // The page was read before the other enclave, which does not know the new epoch yet, changed a record in it.
    let stale = honest_page(&parent, &alice).await;
    elsewhere.rotate(&changed.id).await.unwrap();
    assert_eq!(epochs_of(&parent, &changed), [1, 1]);
    parent.store.lie(move |request, honest| match request {
        StoreRequest::List => StoreAnswer::Page(stale.clone()),
        _ => honest,
    });
    let done = alice.reseal(&page("", 100)).await.unwrap();
    assert_eq!((done.resealed, done.left, done.next), (1, 1, None));
    parent.store.be_honest();
    assert_eq!(epochs_of(&parent, &changed), [1, 1]);
    assert_eq!(refusal(alice.retire_root(2).await), "epoch-in-use");

    let done = pass(&alice, 100).await;
    assert_eq!((done.resealed, done.left), (1, 0));
    assert_eq!(epochs_of(&parent, &changed), [1, 1, 2]);
    assert_eq!(alice.retire_root(2).await.unwrap().epochs, [2]);
    for key in [&changed, &other] {
        signs(&alice, key).await;
    }
    assert_eq!(alice.key(&changed.id).await.unwrap().generation, 2);
}

#[tokio::test]
async fn an_epoch_is_retired_only_after_a_whole_pass_and_never_opens_again() {
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
    for (key, old) in keys.iter().zip(old) {
        let newest = parent.store.versions(&key.id);
        parent.store.put_back(&key.id, old);
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
}

#[tokio::test]
async fn the_measured_configuration_holds_a_store_to_the_epochs_that_were_retired() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    alice.rotate_root(1).await.unwrap();
    pass(&alice, 100).await;
    let of_epoch_1 = parent.store.root_secret()[..1].to_vec();

    let before = parent.configuration();
    let after = parent.configuration_with(&format!(
        "oldest_epoch = 2\n{}",
        predecessors(&[&measurements(&before)])
    ));
    parent
        .kms
        .allow(&parent.key_arn, "test", &[&before, &after]);
    parent.enclave.configure(&after);
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
async fn a_root_secret_rolled_back_within_a_boot_is_refused_and_the_enclave_goes_on() {
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
        // Nothing is written in the place of what was lost.
        assert_eq!(refusal(alice.rotate_root(2).await), "epoch-conflict");
        assert_eq!(parent.store.root_secret().len(), found);
    }
    // The data keys of the two rotations that came to nothing.
    assert_eq!(parent.kms.calls().len(), calls + 2);
    parent.store.put_back_root_secret(newest);
    assert_eq!(alice.rotate_root(2).await.unwrap().epochs, [1, 2, 3]);
}

#[tokio::test]
async fn an_epoch_that_nobody_made_is_looked_for_once_and_then_refused() {
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

#[tokio::test]
async fn a_record_rolled_back_is_not_sealed_anew() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let stale = honest_page(&parent, &alice).await;
    alice.disable(&key.id).await.unwrap();
    alice.rotate_root(1).await.unwrap();
    parent.store.lie(move |request, honest| match request {
        StoreRequest::List => StoreAnswer::Page(stale.clone()),
        _ => honest,
    });
    parent.store.take_requests();
    let refused = refusal(alice.reseal(&page("", 100)).await);
    assert_eq!(refused, "record-rolled-back");
    assert!(!parent.store.take_requests().iter().any(is_write));
    assert_eq!(refusal(alice.retire_root(2).await), "epoch-in-use");

    parent.store.be_honest();
    assert_eq!(pass(&alice, 100).await.resealed, 1);
    assert_eq!(epochs_of(&parent, &key), [1, 1, 2]);
    let refused = alice.sign(&key.id, &message()).await;
    assert_eq!(refusal(refused), "key-disabled");
}

#[tokio::test]
async fn another_enclave_takes_up_the_new_epoch_by_itself() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let second = second_enclave(&parent);
    second.wait_until_ready();
    let elsewhere = parent.principal_at(&second, "alice").await;
    let old = new_key(&alice).await;
    signs(&elsewhere, &old).await;

    alice.rotate_root(1).await.unwrap();
    let new = new_key(&alice).await;
    assert_eq!(epochs_of(&parent, &new), [2]);
    signs_soon(&elsewhere, &new).await;
    assert_eq!(elsewhere.root().await.unwrap().epochs, [1, 2]);
    assert_eq!(epochs_of(&parent, &new_key(&elsewhere).await), [2]);
    signs(&elsewhere, &old).await;

    // And the other way round, with what was retired.
    pass(&elsewhere, 100).await;
    elsewhere.rotate_root(2).await.unwrap();
    pass(&elsewhere, 100).await;
    elsewhere.retire_root(3).await.unwrap();
    signs_soon(&alice, &old).await;
    assert_eq!(alice.root().await.unwrap().epochs, [3]);
    // One for each boot, one for each rotation, and one for each epoch taken up.
    let mut actions = actions(&parent);
    actions.sort();
    assert_eq!(
        actions,
        [&["Decrypt"; 3][..], &["GenerateDataKey"; 3]].concat()
    );
}

#[tokio::test]
async fn two_enclaves_that_make_the_first_root_secret_at_once_end_with_the_same() {
    let mut parent = LyingParent::before_kms().await;
    parent.egress.cut(Cut::AtOnce);
    let mut second = second_enclave(&parent);
    parent.enclave.kill();
    second.kill();
    // Neither answer comes before both have seen that there is no root secret.
    parent
        .kms
        .emulator()
        .set_latency(Duration::from_millis(1500));
    parent.egress.be_honest();
    parent.enclave.restart_unready();
    second.restart_unready();
    parent.enclave.wait_until_ready();
    second.wait_until_ready();

    assert_eq!(parent.store.root_secret().len(), 1);
    assert_eq!(
        actions(&parent),
        ["GenerateDataKey", "GenerateDataKey", "Decrypt"]
    );
    let alice = parent.principal("alice").await;
    let elsewhere = parent.principal_at(&second, "alice").await;
    let (one, two) = (new_key(&alice).await, new_key(&elsewhere).await);
    for key in [&one, &two] {
        signs(&alice, key).await;
        signs(&elsewhere, key).await;
    }
}

/// After a restart these epochs are there, every key signs, and KMS was asked once.
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

/// A whole pass of resealing, with pages of this size, as the sum of its pages.
async fn pass(principal: &Principal, limit: u32) -> ResealedRecords {
    let mut sum = principal.reseal(&page("", limit)).await.unwrap();
    while let Some(next) = sum.next.take() {
        let page = principal.reseal(&page(&next, limit)).await.unwrap();
        sum.examined += page.examined;
        sum.resealed += page.resealed;
        sum.left += page.left;
        sum.next = page.next;
    }
    sum
}

fn page(after: &str, limit: u32) -> ResealRecords {
    ResealRecords {
        after: after.to_owned(),
        limit: Some(limit),
    }
}

/// The page that the store gives now.
async fn honest_page(parent: &LyingParent, principal: &Principal) -> Page {
    let (sender, receiver) = std::sync::mpsc::channel();
    parent.store.lie(move |_, honest| {
        if let StoreAnswer::Page(page) = &honest {
            sender.send(page.clone()).unwrap();
        }
        honest
    });
    principal.list_keys(None, None).await.unwrap();
    parent.store.be_honest();
    receiver.recv().unwrap()
}

async fn signs(principal: &Principal, key: &Key) {
    let signed = principal.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

/// Signs, after having been told at most for a while that the enclave is not ready for it.
async fn signs_soon(principal: &Principal, key: &Key) {
    let started = Instant::now();
    loop {
        let error = match principal.sign(&key.id, &message()).await {
            Ok(signed) => return assert!(is_signed_by(&signed, &key.group_public_key)),
            Err(error) => error,
        };
        assert!(started.elapsed() < PATIENCE, "{error}");
        assert!(error.to_string().contains("is being looked for"), "{error}");
        assert!(error.problem().unwrap().retry_after.is_some(), "{error:?}");
        assert_eq!(refusal::<()>(Err(error)), "not-ready");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What comes of a signature while the store gives the key's record as if it were sealed in this epoch.
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
        StoreRequest::Get { id, .. } if *id == forged => StoreAnswer::Record(next, bytes.clone()),
        _ => honest,
    });
    let refused = principal.sign(&key.id, &message()).await.unwrap_err();
    parent.store.be_honest();
    refused
}

fn is_write(request: &StoreRequest) -> bool {
    matches!(request, StoreRequest::Put { .. })
}

/// Waits until the enclave has logged this.
async fn logs(parent: &LyingParent, text: &str) {
    let started = Instant::now();
    while !parent.enclave.log().contains(text) {
        assert!(started.elapsed() < PATIENCE, "no {text:?} in its log");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The epochs that the versions of a key's record are sealed in.
fn epochs_of(parent: &LyingParent, key: &Key) -> Vec<u32> {
    let versions = parent.store.versions(&key.id);
    let epochs = versions
        .iter()
        .map(|bytes| Envelope::decode(bytes).unwrap().epoch);
    epochs.collect()
}

/// How many of the keys are sealed in this epoch.
fn in_epoch(parent: &LyingParent, keys: &[Key], epoch: u32) -> usize {
    keys.iter()
        .filter(|key| epochs_of(parent, key).last() == Some(&epoch))
        .count()
}

/// What KMS was asked for since it was started.
fn actions(parent: &LyingParent) -> Vec<String> {
    let calls = parent.kms.calls();
    assert!(calls.iter().all(|call| call.error.is_none()), "{calls:?}");
    calls.into_iter().map(|call| call.action).collect()
}

fn second_enclave(parent: &LyingParent) -> permafrost_tests::EnclaveProcess {
    parent.second_enclave("second", &binaries::enclave(), &parent.configuration())
}
