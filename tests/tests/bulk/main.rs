//! Many stored keys made by one request.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod command_line;

use std::collections::BTreeSet;

use permafrost_client::{IdempotencyKey, Principal};
use permafrost_common::api::batch::CreateKeys;
use permafrost_tests::{
    LyingParent, Measured, StoreRequest, StoreResponse, is_signed_by, message, refusal,
    two_of_three,
};

/// The request for this many 2-of-3 keys.
fn batch(count: u16) -> CreateKeys {
    let one = two_of_three();
    CreateKeys {
        count,
        threshold: one.threshold,
        participants: one.participants,
        label: None,
    }
}

/// The ids of all keys of this principal.
async fn listed(principal: &Principal) -> BTreeSet<String> {
    let listing = principal.list_keys(None, None).await.unwrap();
    assert_eq!(listing.next, None);
    listing.keys.into_iter().map(|key| key.id).collect()
}

#[tokio::test]
async fn a_batch_that_is_repeated_gives_the_same_keys_in_the_same_order() {
    let parent = LyingParent::with(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let once = IdempotencyKey::random().unwrap();
    let made = alice.create_keys(&batch(10), &once).await.unwrap();
    let ids: BTreeSet<String> = made.keys.iter().map(|key| key.id.clone()).collect();
    assert_eq!((made.keys.len(), ids.len()), (10, 10));
    assert_eq!(alice.create_keys(&batch(10), &once).await.unwrap(), made);
    assert_eq!(listed(&alice).await, ids);
    for key in &made.keys {
        let signed = alice.sign(&key.id, &message()).await.unwrap();
        assert!(is_signed_by(&signed, &key.group_public_key));
    }
}

#[tokio::test]
async fn another_body_with_the_same_idempotency_key_is_refused_and_makes_nothing() {
    let parent = LyingParent::with(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let once = IdempotencyKey::random().unwrap();
    alice.create_keys(&batch(3), &once).await.unwrap();
    let before = listed(&alice).await;
    let mut others = [batch(2), batch(9), batch(3), batch(3)];
    others[2].threshold = 3;
    others[3].participants[0] = "four".to_owned();
    for other in others {
        let refused = refusal(alice.create_keys(&other, &once).await);
        assert_eq!(refused, "idempotency-key-reused", "{other:?}");
    }
    assert_eq!(listed(&alice).await, before);
}

#[tokio::test]
async fn counts_of_0_and_101_are_refused_by_field() {
    let parent = LyingParent::with(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    for count in [0, 101] {
        let once = IdempotencyKey::random().unwrap();
        let error = alice.create_keys(&batch(count), &once).await.unwrap_err();
        let problem = format!("{:?}", error.problem().unwrap());
        assert!(problem.contains("\"/count\""), "{problem}");
        assert!(problem.contains("1 to 100"), "{problem}");
    }
    assert!(listed(&alice).await.is_empty());
    let once = IdempotencyKey::random().unwrap();
    let made = alice.create_keys(&batch(100), &once).await.unwrap();
    assert_eq!(made.keys.len(), 100);
}

#[tokio::test]
async fn a_batch_in_whose_middle_the_enclave_is_killed_is_completed_when_repeated() {
    let mut parent = LyingParent::with(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let once = IdempotencyKey::random().unwrap();
    let (kill, mut writes) = (parent.enclave.killer(), 0);
    parent.store.lie(move |request, honest| {
        writes += u32::from(matches!(request, StoreRequest::Put { .. }));
        if writes < 8 {
            return honest;
        }
        kill();
        StoreResponse::Cut
    });
    alice.create_keys(&batch(30), &once).await.unwrap_err();
    parent.store.be_honest();
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    let left = listed(&alice).await;
    assert!((7..30).contains(&left.len()), "{}", left.len());

    let made = alice.create_keys(&batch(30), &once).await.unwrap();
    let ids: BTreeSet<String> = made.keys.iter().map(|key| key.id.clone()).collect();
    assert_eq!((made.keys.len(), ids.len()), (30, 30));
    assert!(left.is_subset(&ids));
    assert_eq!(listed(&alice).await, ids);
}
