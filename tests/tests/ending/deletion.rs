//! A deleted key is never a key again, whatever the store does.

use permafrost_client::{IdempotencyKey, Principal};
use permafrost_common::api::{Custody, Key, KeyStatus, ReplaceKey, ResealRecords};
use permafrost_tests::{
    EXCEPTIONS, HonestStack, LyingParent, Measured, StoreRequest, StoreResponse, message, new_key,
    refusal, two_of_three,
};

/// Disables and deletes a key.
async fn deleted(principal: &Principal, id: &str) -> Key {
    principal.disable(id).await.unwrap();
    principal.delete(id).await.unwrap()
}

/// Every use of a key is refused, and its shares do not come back.
async fn is_gone(principal: &Principal, id: &str) {
    let once = IdempotencyKey::random().unwrap();
    for refused in [
        refusal(principal.sign(id, &message()).await),
        refusal(principal.rotate(id).await),
        refusal(principal.replace(id, &ReplaceKey::default(), &once).await),
        refusal(principal.disable(id).await),
    ] {
        assert_eq!(refused, "key-deleted");
    }
}

#[tokio::test]
async fn a_deletion_takes_two_steps_and_leaves_everything_but_the_shares() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let once = IdempotencyKey::random().unwrap();
    let key = alice.create_key(&two_of_three(), &once).await.unwrap();
    assert_eq!(refusal(alice.delete(&key.id).await), "key-enabled");
    alice.sign(&key.id, &message()).await.unwrap();

    let gone = deleted(&alice, &key.id).await;
    let expected = Key {
        status: KeyStatus::Deleted,
        record_version: 3,
        ..key.clone()
    };
    assert_eq!(gone, expected);
    assert_eq!(gone.custody, Custody::Enclave);
    // Twice is once.
    assert_eq!(alice.delete(&key.id).await.unwrap(), gone);
    is_gone(&alice, &key.id).await;

    stack.enclave.restart();
    let alice = stack.principal("alice").await;
    is_gone(&alice, &key.id).await;
    assert_eq!(alice.key(&key.id).await.unwrap(), gone);
    assert_eq!(
        alice.list_keys(None, None).await.unwrap().keys,
        std::slice::from_ref(&gone)
    );
    // The request that made it makes no other key of that id.
    let again = alice.create_key(&two_of_three(), &once).await.unwrap();
    assert_eq!(again, gone);
    let bob = stack.principal("bob").await;
    assert_eq!(refusal(bob.delete(&key.id).await), "key-not-found");
}

#[tokio::test]
async fn the_record_of_a_deleted_key_has_room_for_no_share() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    deleted(&alice, &key.id).await;
    let length = |version| parent.store.version(&key.id, version).len();
    // Three serialised shares of 136 bytes with their heads of two bytes. The word for the state is one byte shorter.
    assert_eq!(length(2) - length(3), 3 * (136 + 2) + 1);
}

#[tokio::test]
async fn a_key_replaced_and_deleted_keeps_its_links() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let key = new_key(&alice).await;
    let (once, how) = (
        IdempotencyKey::random().unwrap(),
        ReplaceKey { disable_old: true },
    );
    let new = alice.replace(&key.id, &how, &once).await.unwrap().key;
    let gone = alice.delete(&key.id).await.unwrap();
    assert_eq!(gone.replaced_by.as_ref(), Some(&new.id));
    let new = deleted(&alice, &new.id).await;
    assert_eq!(new.replaces.as_ref(), Some(&key.id));
}

#[tokio::test]
async fn a_record_put_back_after_the_deletion_is_refused() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let before = parent.store.versions(&key.id);
    deleted(&alice, &key.id).await;
    let after = parent.store.versions(&key.id);

    parent.store.put_back(&key.id, before.clone());
    for refused in [
        refusal(alice.sign(&key.id, &message()).await),
        refusal(alice.key(&key.id).await),
        refusal(alice.delete(&key.id).await),
    ] {
        assert_eq!(refused, "record-rolled-back");
    }
    parent.store.lose(&key.id);
    assert_eq!(refusal(alice.key(&key.id).await), "record-lost");

    // Nor does the old record open in the place of the newest, for this boot or for the next.
    parent.store.put_back(&key.id, after);
    let enabled = before.first().unwrap().clone();
    for _ in 0..2 {
        let bytes = enabled.clone();
        parent.store.lie(move |request, honest| match request {
            StoreRequest::Get { .. } => StoreResponse::Record(3, bytes.clone()),
            _ => honest,
        });
        let refused = refusal(alice.sign(&key.id, &message()).await);
        assert_eq!(refused, "record-invalid");
        parent.store.be_honest();
        is_gone(&alice, &key.id).await;
        parent.enclave.restart();
    }
}

#[tokio::test]
async fn resealing_carries_a_deleted_key_into_the_next_epoch() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let gone = deleted(&alice, &key.id).await;
    alice.rotate_root(1).await.unwrap();
    let done = alice.reseal(&ResealRecords::default()).await.unwrap();
    let all = 1 + EXCEPTIONS;
    assert_eq!((done.examined, done.resealed, done.left), (all, all, 0));
    assert_eq!(alice.retire_root(2).await.unwrap().epochs, [2]);
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    let resealed = Key {
        record_version: gone.record_version + 1,
        ..gone
    };
    assert_eq!(alice.key(&key.id).await.unwrap(), resealed);
    is_gone(&alice, &key.id).await;
}
