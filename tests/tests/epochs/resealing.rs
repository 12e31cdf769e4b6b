//! Resealing: all records, whatever happens meanwhile, and never an old version in the place of a newer one.

use std::time::Duration;

use ciborium::Value;
use permafrost_common::api::Key;
use permafrost_enclave::sealing::{Place, open, seal};
use permafrost_tests::{
    EXCEPTIONS, LyingParent, StoreRequest, StoreResponse, message, new_key, pass, refusal,
};

use crate::steps::{epochs_of, honest_page, is_write, page, second_enclave, signs};

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
    assert_eq!((done.epoch, done.examined), (2, 4 + EXCEPTIONS));
    assert_eq!((done.resealed, done.left), (3 + EXCEPTIONS, 0));
    for key in &old {
        assert_eq!(epochs_of(&parent, key), [1, 2]);
        let resealed = Key {
            record_version: key.record_version + 1,
            ..key.clone()
        };
        assert_eq!(alice.key(&key.id).await.unwrap(), resealed);
        signs(&alice, key).await;
    }
    assert_eq!(epochs_of(&parent, &new), [2]);
    let again = pass(&alice, 2).await;
    assert_eq!((again.examined, again.resealed), (4 + EXCEPTIONS, 0));
    assert_eq!(parent.kms.calls().len(), calls);
}

#[tokio::test]
async fn resealing_cut_off_in_the_middle_of_a_listing_resumes_where_it_was() {
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

    // The second record of the next listing is written, and the enclave is killed before it gets the response.
    let mut writes = 0;
    parent.store.lie(move |request, honest| {
        writes += usize::from(matches!(request, StoreRequest::Put { .. }));
        match writes {
            0 | 1 => honest,
            _ => StoreResponse::Silence,
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
    assert_eq!(
        (rest.examined, rest.resealed, rest.left),
        (4 + EXCEPTIONS, 2 + EXCEPTIONS, 0)
    );
    assert_eq!(in_epoch(&parent, &keys, 2), 6);
    for key in &keys {
        signs(&alice, key).await;
    }
    // This boot has seen the pass only from its middle.
    assert_eq!(refusal(alice.retire_root(2).await), "epoch-in-use");
    let whole = pass(&alice, 100).await;
    assert_eq!((whole.examined, whole.resealed), (6 + EXCEPTIONS, 0));
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

    // The listing is from before the other enclave, which does not know the new epoch yet, changed a record in it.
    let stale = honest_page(&parent, &alice).await;
    elsewhere.rotate(&changed.id).await.unwrap();
    assert_eq!(epochs_of(&parent, &changed), [1, 1]);
    let mut stale = Some(stale);
    parent.store.lie(move |request, honest| match request {
        // The first listing is that of keys.
        StoreRequest::List => stale.take().map_or(honest, StoreResponse::Listing),
        _ => honest,
    });
    let done = alice.reseal(&page("", 100)).await.unwrap();
    assert_eq!(
        (done.resealed, done.left, done.next),
        (1 + EXCEPTIONS, 1, None)
    );
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
async fn a_record_rolled_back_is_not_resealed() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let stale = honest_page(&parent, &alice).await;
    alice.disable(&key.id).await.unwrap();
    alice.rotate_root(1).await.unwrap();
    parent.store.lie(move |request, honest| match request {
        StoreRequest::List => StoreResponse::Listing(stale.clone()),
        _ => honest,
    });
    parent.store.take_requests();
    let refused = refusal(alice.reseal(&page("", 100)).await);
    assert_eq!(refused, "record-rolled-back");
    assert!(!parent.store.take_requests().iter().any(is_write));
    assert_eq!(refusal(alice.retire_root(2).await), "epoch-in-use");

    parent.store.be_honest();
    assert_eq!(pass(&alice, 100).await.resealed, 1 + EXCEPTIONS);
    assert_eq!(epochs_of(&parent, &key), [1, 1, 2]);
    let refused = alice.sign(&key.id, &message()).await;
    assert_eq!(refusal(refused), "key-disabled");
}

/// How many of the keys' records are sealed in this epoch.
fn in_epoch(parent: &LyingParent, keys: &[Key], epoch: u32) -> usize {
    keys.iter()
        .filter(|key| epochs_of(parent, key).last() == Some(&epoch))
        .count()
}

/// The seal vouches for a record, not for its shares: they are checked before it is sealed again.
#[tokio::test]
async fn a_record_whose_shares_do_not_belong_together_signs_nothing_and_is_not_resealed() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    alice.rotate(&key.id).await.unwrap();
    let before = parent.store.root_secret().pop().unwrap();
    let secrets = parent.kms.root_secrets(&before, 1);
    let place = |version| Place {
        deployment: "test",
        kind: "key",
        id: &key.id,
        version,
    };
    let opened = |version| {
        let sealed = parent.store.version(&key.id, version);
        open(&secrets, &place(version), &sealed).unwrap()
    };
    let mixed = with_first_share_of(&opened(1), &opened(2));
    let mut versions = parent.store.versions(&key.id);
    versions.push(seal(&secrets, &place(3), &mixed).unwrap());
    parent.store.put_back(&key.id, versions);
    alice.rotate_root(1).await.unwrap();
    parent.store.take_requests();

    assert_eq!(refusal(alice.sign(&key.id, &message()).await), "internal");
    let resealed = alice.reseal(&page("", 100)).await;
    assert_eq!(refusal(resealed), "record-invalid");
    assert_eq!(refusal(alice.disable(&key.id).await), "internal");
    assert!(!parent.store.take_requests().iter().any(is_write));
    assert_eq!(epochs_of(&parent, &key), [1, 1, 1]);
}

/// The plaintext `new` of a record with the first share of `old`.
fn with_first_share_of(old: &[u8], new: &[u8]) -> Vec<u8> {
    let entries = |plaintext: &[u8]| -> Vec<(Value, Value)> {
        let record: Value = ciborium::from_reader(plaintext).unwrap();
        record.into_map().unwrap()
    };
    let is_shares = |(key, _): &&mut (Value, Value)| key.as_text() == Some("shares");
    let (mut old, mut new) = (entries(old), entries(new));
    let first = old.iter_mut().find(is_shares).unwrap().1.as_array_mut();
    let into = new.iter_mut().find(is_shares).unwrap().1.as_array_mut();
    into.unwrap()[0] = first.unwrap()[0].clone();
    let mut bytes = Vec::new();
    ciborium::into_writer(&Value::Map(new), &mut bytes).unwrap();
    bytes
}
