//! What the parent does with the tags by which it finds records.

use permafrost_common::api::{KeyFilter, KeyStatus};
use permafrost_tests::{LyingParent, Measured, StoreRequest, StoreResponse, new_key, refusal};

use super::{ids, labelled, sorted, with_label};

#[tokio::test]
async fn a_key_that_the_parent_lists_under_a_foreign_label_is_refused() {
    let parent = LyingParent::with(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let (red, blue) = (
        labelled(&alice, "red").await,
        labelled(&alice, "blue").await,
    );
    let tags = parent.store.tags(&red.id);
    for tag in &tags {
        parent.store.add_tag(&blue.id, tag);
    }
    let listed = alice.find_keys(&with_label("red"), None, None).await;
    assert_eq!(refusal(listed), "record-invalid");
    assert_eq!(ids(&alice, &with_label("blue")).await, sorted([&blue]));
}

#[tokio::test]
async fn a_disabled_key_whose_old_record_is_listed_as_enabled_is_refused() {
    let parent = LyingParent::with(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let enabled = KeyFilter {
        status: Some(KeyStatus::Enabled),
        ..KeyFilter::default()
    };
    let before = alice.find_keys(&enabled, None, None).await.unwrap();
    assert_eq!(before.keys, std::slice::from_ref(&key));
    let listing = parent.store.listing_now();
    alice.disable(&key.id).await.unwrap();
    parent.store.lie(move |request, honest| match request {
        StoreRequest::List => StoreResponse::Listing(listing.clone()),
        _ => honest,
    });
    let listed = alice.find_keys(&enabled, None, None).await;
    assert_eq!(refusal(listed), "record-rolled-back");
}

#[tokio::test]
async fn a_tag_says_which_keys_have_the_same_value_and_only_the_deployments_own_secret_makes_it() {
    let tags = async || {
        let parent = LyingParent::with(Measured::new("test")).await;
        let alice = parent.principal("alice").await;
        let keys = [labelled(&alice, "red").await, labelled(&alice, "red").await];
        let tags = keys.map(|key| parent.store.tags(&key.id));
        let shared = tags[0].iter().filter(|tag| tags[1].contains(tag)).count();
        // Label, status and custody; the public keys differ.
        assert_eq!((tags[0].len(), tags[1].len(), shared), (4, 4, 3));
        tags.concat()
    };
    // The same names and values under another root secret: whoever has only those cannot compute a tag.
    let (one, other) = (tags().await, tags().await);
    assert!(one.iter().all(|tag| !other.contains(tag)));
}

#[tokio::test]
async fn records_that_a_listing_repeats_or_brings_from_another_owner_are_refused() {
    let parent = LyingParent::with(Measured::new("test")).await;
    let (alice, bob) = (
        parent.principal("alice").await,
        parent.principal("bob").await,
    );
    let (hers, his) = (labelled(&alice, "red").await, labelled(&bob, "red").await);
    for repeated in [true, false] {
        let (hers, his) = (hers.id.clone(), his.id.clone());
        let listing = parent.store.listing_now();
        parent.store.lie(move |request, honest| match request {
            StoreRequest::List => {
                let mut lie = listing.clone();
                lie.records.retain(|entry| match repeated {
                    true => entry.id == hers,
                    false => entry.id == his,
                });
                lie.records.extend(lie.records.clone());
                lie.records.truncate(if repeated { 2 } else { 1 });
                StoreResponse::Listing(lie)
            }
            _ => honest,
        });
        let listed = alice.find_keys(&with_label("red"), None, None).await;
        assert_eq!(refusal(listed), "store-unavailable", "{repeated}");
    }
    parent.store.be_honest();
    assert_eq!(ids(&alice, &with_label("red")).await, sorted([&hers]));
}

#[tokio::test]
async fn a_key_that_a_listing_leaves_out_is_still_there_under_its_id() {
    let parent = LyingParent::with(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = labelled(&alice, "red").await;
    parent.store.lie(|request, honest| match request {
        StoreRequest::List => StoreResponse::Listing(Default::default()),
        _ => honest,
    });
    // The documented limit: listings are not evidence that a key does not exist.
    assert!(ids(&alice, &with_label("red")).await.is_empty());
    assert_eq!(alice.key(&key.id).await.unwrap(), key);
}
