//! Labels, and listings of the keys that match a filter.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod command_line;
mod lies;

use permafrost_client::{IdempotencyKey, Principal};
use permafrost_common::api::batch::CreateKeys;
use permafrost_common::api::{CreateKey, Custody, Key, KeyFilter, KeyStatus};
use permafrost_common::http_signature::Algorithm;
use permafrost_tests::{ALL_KEYS, LyingParent, Measured, new_key, refusal, two_of_three};

/// A new key with this label.
async fn labelled(principal: &Principal, label: &str) -> Key {
    let wanted = CreateKey {
        label: Some(label.to_owned()),
        ..two_of_three()
    };
    let once = IdempotencyKey::random().unwrap();
    principal.create_key(&wanted, &once).await.unwrap()
}

fn with_label(label: &str) -> KeyFilter {
    KeyFilter {
        label: Some(label.to_owned()),
        ..KeyFilter::default()
    }
}

/// The ids of all keys that match, listing by listing of this many, and how many listings there were.
async fn found(principal: &Principal, filter: &KeyFilter, limit: u32) -> (Vec<String>, usize) {
    let (mut ids, mut after, mut listings) = (Vec::new(), None, 0);
    loop {
        let listing = principal.find_keys(filter, after.as_deref(), Some(limit));
        let listing = listing.await.unwrap();
        listings += 1;
        ids.extend(listing.keys.into_iter().map(|key| key.id));
        match listing.next {
            Some(next) => after = Some(next),
            None => return (ids, listings),
        }
    }
}

async fn ids(principal: &Principal, filter: &KeyFilter) -> Vec<String> {
    found(principal, filter, 100).await.0
}

fn sorted<const N: usize>(keys: [&Key; N]) -> Vec<String> {
    let mut ids = keys.map(|key| key.id.clone()).to_vec();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn each_filter_finds_the_keys_of_its_value_and_filters_add_up() {
    let mut measured = Measured::new("test");
    measured.principal("auditor", Algorithm::Ed25519, ALL_KEYS);
    let parent = LyingParent::with(measured).await;
    let (alice, bob) = (
        parent.principal("alice").await,
        parent.principal("bob").await,
    );
    let auditor = parent.principal("auditor").await;
    let (red, other_red) = (labelled(&alice, "red").await, labelled(&alice, "red").await);
    let (blue, plain) = (labelled(&alice, "blue").await, new_key(&alice).await);
    let his_red = labelled(&bob, "red").await;
    alice.disable(&other_red.id).await.unwrap();
    bob.disable(&his_red.id).await.unwrap();
    bob.delete(&his_red.id).await.unwrap();

    let status = |status| KeyFilter {
        status: Some(status),
        ..KeyFilter::default()
    };
    let red_and = |status| KeyFilter {
        status: Some(status),
        ..with_label("red")
    };
    let key = |key: &Key| KeyFilter {
        group_public_key: Some(key.group_public_key.parse().unwrap()),
        ..KeyFilter::default()
    };
    let custody = |custody| KeyFilter {
        custody: Some(custody),
        ..KeyFilter::default()
    };
    let of = |owner: &str| KeyFilter {
        owner: Some(owner.to_owned()),
        ..KeyFilter::default()
    };
    let none = || sorted([]);
    for (filter, hers, of_all) in [
        (
            KeyFilter::default(),
            sorted([&red, &other_red, &blue, &plain]),
            sorted([&red, &other_red, &blue, &plain, &his_red]),
        ),
        (
            with_label("red"),
            sorted([&red, &other_red]),
            sorted([&red, &other_red, &his_red]),
        ),
        (with_label("re"), none(), none()),
        (
            status(KeyStatus::Enabled),
            sorted([&red, &blue, &plain]),
            sorted([&red, &blue, &plain]),
        ),
        (status(KeyStatus::Deleted), none(), sorted([&his_red])),
        (
            red_and(KeyStatus::Disabled),
            sorted([&other_red]),
            sorted([&other_red]),
        ),
        (key(&blue), sorted([&blue]), sorted([&blue])),
        (key(&his_red), none(), sorted([&his_red])),
        (
            custody(Custody::Enclave),
            sorted([&red, &other_red, &blue, &plain]),
            sorted([&red, &other_red, &blue, &plain, &his_red]),
        ),
        (custody(Custody::Split), none(), none()),
        (of("bob"), none(), sorted([&his_red])),
        (
            KeyFilter {
                label: Some("red".to_owned()),
                ..of("alice")
            },
            sorted([&red, &other_red]),
            sorted([&red, &other_red]),
        ),
    ] {
        assert_eq!(ids(&alice, &filter).await, hers, "{filter:?}");
        assert_eq!(ids(&auditor, &filter).await, of_all, "{filter:?}");
    }
}

#[tokio::test]
async fn a_filtered_listing_goes_on_from_its_cursor_and_reads_no_other_records() {
    let parent = LyingParent::with(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let many = |label: &str, count| CreateKeys {
        count,
        threshold: 2,
        participants: two_of_three().participants,
        label: Some(label.to_owned()),
    };
    let once = || IdempotencyKey::random().unwrap();
    let rare = alice.create_keys(&many("rare", 5), &once()).await.unwrap();
    alice
        .create_keys(&many("common", 60), &once())
        .await
        .unwrap();
    let mut expected: Vec<String> = rare.keys.into_iter().map(|key| key.id).collect();
    expected.sort_unstable();
    assert_eq!(
        found(&alice, &with_label("rare"), 2).await,
        (expected, 3),
        "two, two and one"
    );
    // Compared by the enclave: every listing of the store has two keys with the label, and here none of them matches.
    let disabled = KeyFilter {
        status: Some(KeyStatus::Disabled),
        ..with_label("rare")
    };
    assert_eq!(found(&alice, &disabled, 2).await, (Vec::new(), 3));
}

#[tokio::test]
async fn a_label_is_changed_and_taken_away_and_stays_through_everything_else() {
    let mut parent = LyingParent::with(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = labelled(&alice, "red").await;
    assert_eq!(key.label.as_deref(), Some("red"));
    let blue = alice.label(&key.id, Some("blue")).await.unwrap();
    assert_eq!(blue.label.as_deref(), Some("blue"));
    assert!(ids(&alice, &with_label("red")).await.is_empty());

    alice.rotate(&key.id).await.unwrap();
    let replaced = alice
        .replace(
            &key.id,
            &Default::default(),
            &IdempotencyKey::random().unwrap(),
        )
        .await
        .unwrap();
    assert_eq!(replaced.key.label.as_deref(), Some("blue"));
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    alice.disable(&key.id).await.unwrap();
    alice.delete(&key.id).await.unwrap();
    let found = ids(&alice, &with_label("blue")).await;
    assert_eq!(found, sorted([&key, &replaced.key]));

    let plain = alice.label(&key.id, None).await.unwrap();
    assert_eq!(plain.label, None);
    let found = ids(&alice, &with_label("blue")).await;
    assert_eq!(found, sorted([&replaced.key]));
}

#[tokio::test]
async fn a_request_repeated_with_another_label_is_refused_and_one_whose_key_was_labelled_anew_is_not()
 {
    let parent = LyingParent::with(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let once = IdempotencyKey::random().unwrap();
    let with = |label: Option<&str>| CreateKey {
        label: label.map(str::to_owned),
        ..two_of_three()
    };
    let made = alice.create_key(&with(Some("red")), &once).await.unwrap();
    for other in [None, Some("blue")] {
        let refused = refusal(alice.create_key(&with(other), &once).await);
        assert_eq!(refused, "idempotency-key-reused", "{other:?}");
    }
    let blue = alice.label(&made.id, Some("blue")).await.unwrap();
    let again = alice.create_key(&with(Some("red")), &once).await.unwrap();
    assert_eq!(again, blue);
}

#[tokio::test]
async fn values_that_no_key_can_have_are_refused_by_field() {
    let parent = LyingParent::with(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let long = "l".repeat(65);
    for label in ["", "a b", "é", long.as_str()] {
        let wanted = CreateKey {
            label: Some(label.to_owned()),
            ..two_of_three()
        };
        let once = IdempotencyKey::random().unwrap();
        for refused in [
            alice.create_key(&wanted, &once).await,
            alice.label(&key.id, Some(label)).await,
        ] {
            let error = refused.unwrap_err();
            let problem = format!("{:?}", error.problem().unwrap());
            assert!(problem.contains("\"/label\""), "{problem}");
        }
    }
    for (name, value) in [
        ("owner", ""),
        ("label", ""),
        ("status", "Enabled"),
        ("status", "lost"),
        ("custody", "derived"),
        ("group_public_key", "00"),
        ("colour", "red"),
    ] {
        let target = format!("/v1/keys?{name}={value}");
        let (body, headers) = (Vec::new(), Default::default());
        let response = alice.request(http::Method::GET, &target, body, headers);
        let response = response.await.unwrap();
        assert_eq!(response.status, 400, "{target}");
        let problem = String::from_utf8_lossy(&response.body);
        assert!(problem.contains(&format!("query:{name}")), "{problem}");
    }
    assert_eq!(alice.key(&key.id).await.unwrap(), key);
}

#[tokio::test]
async fn keys_are_still_found_after_the_epoch_has_changed() {
    let parent = LyingParent::with(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = labelled(&alice, "red").await;
    let before = parent.store.tags(&key.id);
    alice.rotate_root(1).await.unwrap();
    let resealed = alice.reseal(&Default::default()).await.unwrap();
    assert!(resealed.resealed >= 1, "{resealed:?}");
    assert_eq!(parent.store.versions(&key.id).len(), 2);
    assert_eq!(parent.store.tags(&key.id), before);
    assert_eq!(ids(&alice, &with_label("red")).await, sorted([&key]));
}
