//! The malicious parent and the record store: swapped, moved, altered, rolled back and lost records.
//!
//! Each lie ends in a refusal with its own problem type, and once the store is honest again nothing is lost.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use permafrost_client::{IdempotencyKey, Principal};
use permafrost_common::api::Key;
use permafrost_common::store::Listing;
use permafrost_tests::{
    LyingParent, Measured, StoreRequest, StoreResponse, is_signed_by, message, new_key, refusal,
    two_of_three,
};

/// With an honest store, the key signs.
async fn signs(principal: &Principal, key: &Key) {
    let signed = principal.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

/// The refusal of a signature while the store gives these bytes, as this version, for every key.
async fn refused_with(
    parent: &LyingParent,
    principal: &Principal,
    key: &Key,
    version: u64,
    bytes: Vec<u8>,
) -> String {
    parent.store.lie(move |request, honest| match request {
        StoreRequest::Get { .. } => StoreResponse::Record(version, bytes.clone()),
        _ => honest,
    });
    let refused = refusal(principal.sign(&key.id, &message()).await);
    parent.store.be_honest();
    refused
}

#[tokio::test]
async fn a_record_swapped_with_another_users_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let (alice, bob) = (
        parent.principal("alice").await,
        parent.principal("bob").await,
    );
    let (hers, his) = (new_key(&alice).await, new_key(&bob).await);
    let his_record = parent.store.version(&his.id, 1);
    let refused = refused_with(&parent, &alice, &hers, 1, his_record).await;
    assert_eq!(refused, "record-invalid");
    signs(&alice, &hers).await;
    signs(&bob, &his).await;
}

#[tokio::test]
async fn a_record_moved_to_another_key_of_the_same_user_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let (one, two) = (new_key(&alice).await, new_key(&alice).await);
    let moved = parent.store.version(&two.id, 1);
    let refused = refused_with(&parent, &alice, &one, 1, moved).await;
    assert_eq!(refused, "record-invalid");
    signs(&alice, &one).await;
}

#[tokio::test]
async fn a_record_copied_to_an_id_that_was_never_assigned_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let mut other = key.id.clone();
    other.replace_range(40..44, "0000");
    parent
        .store
        .put_back(&other, parent.store.versions(&key.id));
    assert_eq!(
        refusal(alice.sign(&other, &message()).await),
        "record-invalid"
    );
    signs(&alice, &key).await;
}

#[tokio::test]
async fn a_truncated_record_is_refused_at_every_length() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let record = parent.store.version(&key.id, 1);
    // Restarted, the enclave has nothing in its cache to compare with.
    for length in (0..record.len()).step_by(37).chain([record.len() - 1]) {
        let refused = refused_with(&parent, &alice, &key, 1, record[..length].to_vec()).await;
        assert_eq!(refused, "record-invalid", "{length} bytes");
    }
    signs(&alice, &key).await;
}

#[tokio::test]
async fn a_flipped_bit_in_a_record_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let record = parent.store.version(&key.id, 1);
    for at in (0..record.len()).step_by(29) {
        let mut altered = record.clone();
        altered[at] ^= 1 << (at % 8);
        let refused = refused_with(&parent, &alice, &key, 1, altered).await;
        assert_eq!(refused, "record-invalid", "byte {at}");
    }
    signs(&alice, &key).await;
}

#[tokio::test]
async fn a_record_rolled_back_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    alice.rotate(&key.id).await.unwrap();
    let old = parent.store.version(&key.id, 1);
    let as_it_is = refused_with(&parent, &alice, &key, 1, old.clone()).await;
    assert_eq!(as_it_is, "record-rolled-back");
    let renumbered = refused_with(&parent, &alice, &key, 2, old).await;
    assert_eq!(renumbered, "record-invalid");
    signs(&alice, &key).await;
    assert_eq!(alice.key(&key.id).await.unwrap().generation, 2);
}

#[tokio::test]
async fn shares_from_before_a_rotation_are_refused_afterwards() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let before = parent.store.versions(&key.id);
    alice.rotate(&key.id).await.unwrap();
    let after = parent.store.versions(&key.id);
    parent.store.put_back(&key.id, before);
    let slug = refusal(alice.sign(&key.id, &message()).await);
    assert_eq!(slug, "record-rolled-back");
    assert_eq!(refusal(alice.rotate(&key.id).await), "record-rolled-back");
    parent.store.put_back(&key.id, after);
    signs(&alice, &key).await;
}

#[tokio::test]
async fn a_lost_record_is_refused_as_lost() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let versions = parent.store.versions(&key.id);
    parent.store.lose(&key.id);
    for refused in [
        refusal(alice.sign(&key.id, &message()).await),
        refusal(alice.key(&key.id).await),
        refusal(alice.rotate(&key.id).await),
    ] {
        assert_eq!(refused, "record-lost");
    }
    parent.store.put_back(&key.id, versions);
    signs(&alice, &key).await;
}

#[tokio::test]
async fn a_key_that_was_lost_is_not_made_again_under_its_id() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let idempotency_key = IdempotencyKey::random().unwrap();
    let key = alice
        .create_key(&two_of_three(), &idempotency_key)
        .await
        .unwrap();
    let versions = parent.store.versions(&key.id);
    parent.store.lose(&key.id);
    let again = alice.create_key(&two_of_three(), &idempotency_key).await;
    assert_eq!(refusal(again), "record-lost");
    assert!(parent.store.versions(&key.id).is_empty());
    parent.store.put_back(&key.id, versions);
    let again = alice.create_key(&two_of_three(), &idempotency_key).await;
    assert_eq!(again.unwrap(), key);
}

#[tokio::test]
async fn a_write_that_was_acknowledged_and_dropped_is_noticed() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    parent.store.drop_writes();
    alice.rotate(&key.id).await.unwrap();
    parent.store.be_honest();
    assert_eq!(refusal(alice.key(&key.id).await), "record-rolled-back");

    parent.store.drop_writes();
    let lost = new_key(&alice).await;
    parent.store.be_honest();
    assert_eq!(refusal(alice.key(&lost.id).await), "record-lost");
}

#[tokio::test]
async fn a_record_of_another_deployment_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let neighbour = parent.neighbour(Measured::new("other")).await;
    let stranger = neighbour.principal("alice").await;
    let other = new_key(&stranger).await;
    let foreign = parent.store.version(&key.id, 1);
    let refused = refused_with(&neighbour, &stranger, &other, 1, foreign).await;
    assert_eq!(refused, "record-invalid");
    signs(&alice, &key).await;
    signs(&stranger, &other).await;
}

#[tokio::test]
async fn a_record_that_never_was_changed_cannot_be_claimed_unasked() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let mut unknown = key.id.clone();
    unknown.replace_range(40..44, "0000");
    parent.store.lie(|_, _| StoreResponse::NotModified(1));
    assert_eq!(refusal(alice.key(&unknown).await), "store-unavailable");
    parent.store.be_honest();
    signs(&alice, &key).await;
}

#[tokio::test]
async fn connections_cut_in_the_middle_of_a_write_lose_nothing() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let idempotency_key = IdempotencyKey::random().unwrap();
    // The store writes the record, and the response never arrives.
    parent.store.lie(|request, honest| match request {
        StoreRequest::Put { .. } => StoreResponse::Cut,
        _ => honest,
    });
    let made = alice.create_key(&two_of_three(), &idempotency_key).await;
    parent.store.be_honest();
    let again = alice
        .create_key(&two_of_three(), &idempotency_key)
        .await
        .unwrap();
    if let Ok(made) = made {
        assert_eq!(made, again);
    }
    assert_eq!(parent.store.versions(&again.id).len(), 1);
    signs(&alice, &again).await;

    parent.store.lie(|request, honest| match request {
        StoreRequest::Put { .. } => StoreResponse::Cut,
        _ => honest,
    });
    let rotated = alice.rotate(&again.id).await.unwrap();
    assert_eq!(rotated.generation, 2, "the record was found to be there");
    parent.store.be_honest();
    signs(&alice, &again).await;
}

#[tokio::test]
async fn a_write_that_did_not_happen_is_not_acknowledged() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    for lie in [
        StoreResponse::Cut,
        StoreResponse::Stored(7),
        StoreResponse::Stored(1),
        StoreResponse::Conflict(None),
        StoreResponse::Conflict(Some(1)),
        StoreResponse::Raw(500, b"no".to_vec()),
        StoreResponse::Raw(200, Vec::new()),
        StoreResponse::Raw(204, Vec::new()),
    ] {
        let response = lie.clone();
        parent.store.drop_writes();
        parent.store.lie(move |request, honest| match request {
            StoreRequest::Put { .. } => response.clone(),
            _ => honest,
        });
        let refused = refusal(alice.rotate(&key.id).await);
        assert!(
            ["store-unavailable", "key-conflict"].contains(&refused.as_str()),
            "{lie:?}: {refused}"
        );
        parent.store.be_honest();
        signs(&alice, &key).await;
    }
    assert_eq!(alice.key(&key.id).await.unwrap(), key);
}

#[tokio::test]
async fn what_is_not_a_response_of_the_store_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    for lie in [
        StoreResponse::Raw(200, b"no ETag".to_vec()),
        StoreResponse::Raw(302, Vec::new()),
        StoreResponse::Record(0, b"version 0".to_vec()),
        StoreResponse::Record(1, vec![0; 300 * 1024]),
        StoreResponse::Cut,
    ] {
        let response = lie.clone();
        parent.store.lie(move |_, _| response.clone());
        let refused = refusal(alice.sign(&key.id, &message()).await);
        assert_eq!(refused, "store-unavailable", "{lie:?}");
        parent.store.be_honest();
        signs(&alice, &key).await;
    }
}

#[tokio::test]
async fn a_silent_store_times_out() {
    let measured = Measured::new("test").limits("store_timeout_ms = 300");
    let parent = LyingParent::with(measured).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    parent.store.lie(|_, _| StoreResponse::Silence);
    let refused = refusal(alice.sign(&key.id, &message()).await);
    assert_eq!(refused, "store-unavailable");
    parent.store.be_honest();
    signs(&alice, &key).await;
}

#[tokio::test]
async fn a_listing_with_foreign_or_altered_records_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let (alice, bob) = (
        parent.principal("alice").await,
        parent.principal("bob").await,
    );
    let (hers, his) = (new_key(&alice).await, new_key(&bob).await);
    let honest = alice.list_keys(None, None).await.unwrap();
    assert!(honest.keys.contains(&hers));
    assert!(honest.keys.iter().all(|key| key.owner == "alice"));

    let (id, foreign) = (hers.id.clone(), parent.store.version(&his.id, 1));
    let record = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(&foreign)
    };
    parent
        .store
        .lie(move |request, honest| match (request, honest) {
            (StoreRequest::List, StoreResponse::Listing(mut page)) => {
                let listed = page.records.iter_mut().find(|listed| listed.id == id);
                let listed = listed.expect("her key is listed");
                listed.version += 1;
                listed.record.clone_from(&record);
                StoreResponse::Listing(page)
            }
            (_, honest) => honest,
        });
    let refused = refusal(alice.list_keys(None, None).await);
    assert_eq!(refused, "record-invalid");

    parent.store.lie(|request, honest| match (request, honest) {
        (StoreRequest::List, StoreResponse::Listing(page)) => {
            let records = [page.records.clone(), page.records].concat();
            StoreResponse::Listing(Listing {
                records,
                more: false,
            })
        }
        (_, honest) => honest,
    });
    let refused = refusal(alice.list_keys(None, None).await);
    assert_eq!(refused, "store-unavailable", "the same id twice");
    parent.store.be_honest();
    signs(&alice, &hers).await;
}

#[tokio::test]
async fn a_signature_costs_one_store_round_trip_and_opens_its_record_once() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    parent.store.take_requests();
    for _ in 0..3 {
        signs(&alice, &key).await;
    }
    let known = StoreRequest::Get {
        id: key.id.clone(),
        known: Some(1),
    };
    assert_eq!(
        parent.store.take_requests(),
        [known.clone(), known.clone(), known]
    );
}
