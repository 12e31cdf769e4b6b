//! What reveals an old copy of the store: every response about a key states the version of its record, and whoever has seen a newer one demands
//! at least that.

use permafrost_client::{Error, IdempotencyKey, RecordVersions};
use permafrost_common::api::replacement::LinkReplacement;
use permafrost_common::api::{KeyStatus, ReplaceKey};
use permafrost_common::problem::ProblemType;
use permafrost_tests::{Fork, LyingParent, StoreRequest, message, new_key, refusal};

use crate::rights::{
    Deleted, DerivedDisabled, Disabled, KeyRight, OldShare, Replaced, Side, Signing, carol,
};

/// A client that has seen the version after the change is refused by the second enclave, before anything is done; one that has seen nothing
/// is served. The version in the refusal is that of the client.
async fn is_revealed<R: KeyRight>() {
    let parent = LyingParent::start().await;
    let first = Side::new(&parent.enclave, parent.key("alice"));
    let mut right = R::granted(&first).await;
    let fork = parent.forked_enclave("fork");
    right.take_away(&first).await;
    let known = first.seen.highest(right.key_id());
    assert!(known > 1);

    let mut second = Side::new(&fork.enclave, parent.key("alice"));
    right.used(&second).await.expect("nothing was seen");
    second.seen = first.seen.clone();
    fork.store.take_requests();
    let refused = right.used(&second).await.unwrap_err();
    let problem = refused.problem().expect("the enclave refuses");
    let rolled_back = ProblemType::RecordRolledBack;
    assert_eq!(problem.kind(), Some(rolled_back), "{problem}");
    assert!(problem_names(&problem.detail, known), "{problem}");
    assert!(only_reads(&fork));
    // What it was refused is none of the versions that exist.
    assert_eq!(second.seen.highest(right.key_id()), known);
}

fn problem_names(detail: &str, known: u64) -> bool {
    detail.contains(&format!("version {known} or later"))
        && (1..known).any(|older| detail.contains(&format!("in version {older};")))
}

fn only_reads(fork: &Fork) -> bool {
    let requests = fork.store.take_requests();
    let mut requests = requests.iter();
    requests.all(|request| matches!(request, StoreRequest::Get { .. }))
}

#[tokio::test]
async fn the_receipt_of_a_disabled_key_reveals_an_old_copy() {
    is_revealed::<Signing<Disabled>>().await;
}

#[tokio::test]
async fn the_receipt_of_a_replaced_key_reveals_an_old_copy() {
    is_revealed::<Signing<Replaced>>().await;
}

#[tokio::test]
async fn the_receipt_of_a_deleted_key_reveals_an_old_copy() {
    is_revealed::<Signing<Deleted>>().await;
}

#[tokio::test]
async fn the_receipt_of_a_disabled_derived_key_reveals_an_old_copy() {
    is_revealed::<Signing<DerivedDisabled>>().await;
}

#[tokio::test]
async fn the_receipt_of_a_refreshed_key_reveals_an_old_copy() {
    is_revealed::<OldShare>().await;
}

#[tokio::test]
async fn a_listing_made_from_an_old_copy_is_refused_by_a_client_that_has_seen_more() {
    let parent = LyingParent::start().await;
    let first = Side::new(&parent.enclave, parent.key("alice"));
    let alice = first.alice().await;
    let (key, derived) = (
        new_key(&alice).await,
        alice.derive_keys(&[carol()]).await.unwrap(),
    );
    let fork = parent.forked_enclave("fork");
    alice.disable(&key.id).await.unwrap();
    alice.disable(&derived.keys[0].id).await.unwrap();

    let stranger = parent.principal_at(&fork.enclave, "alice").await;
    let listed = stranger.list_keys(None, None).await.unwrap();
    assert_eq!(listed.keys[0].status, KeyStatus::Enabled);
    let knows = stranger.with_record_versions(first.seen.clone());
    for refused in [
        knows.list_keys(None, None).await.unwrap_err(),
        knows.derive_keys(&[carol()]).await.unwrap_err(),
    ] {
        assert!(
            matches!(&refused, Error::RolledBack { came, seen, .. } if came < seen),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn versions_that_a_program_has_kept_reveal_an_old_copy_to_its_next_run() {
    let parent = LyingParent::start().await;
    let first = Side::new(&parent.enclave, parent.key("alice"));
    let alice = first.alice().await;
    let key = new_key(&alice).await;
    let fork = parent.forked_enclave("fork");
    alice.rotate(&key.id).await.unwrap();
    let kept = serde_json::to_string(&alice.record_versions().all()).unwrap();

    let all: std::collections::BTreeMap<String, u64> = serde_json::from_str(&kept).unwrap();
    let next = parent.principal_at(&fork.enclave, "alice").await;
    let next = next.with_record_versions(all.into_iter().collect::<RecordVersions>());
    assert_eq!(refusal(next.key(&key.id).await), "record-rolled-back");
}

#[tokio::test]
async fn every_response_about_a_key_states_the_version_that_the_store_has() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let stored = |id: &str| parent.store.versions(id).len() as u64;
    assert_eq!((key.record_version, stored(&key.id)), (1, 1));
    let rotated = alice.rotate(&key.id).await.unwrap();
    assert_eq!(rotated.record_version, 2);
    let labelled = alice.label(&key.id, Some("cold")).await.unwrap();
    assert_eq!(labelled.record_version, 3);
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert_eq!(signed.record_version, 3);
    let listed = alice.list_keys(None, None).await.unwrap();
    assert_eq!(listed.keys[0].record_version, 3);

    let once = IdempotencyKey::random().unwrap();
    let how = ReplaceKey { disable_old: false };
    let replaced = alice.replace(&key.id, &how, &once).await.unwrap();
    assert_eq!(replaced.record_version, 4);
    assert_eq!(replaced.key.record_version, 1);
    let shown = alice.key(&key.id).await.unwrap();
    assert_eq!((shown.record_version, stored(&key.id)), (4, 4));
    let disabled = alice.disable(&key.id).await.unwrap();
    assert_eq!(disabled.record_version, 5);
    // What changes nothing makes no version.
    assert_eq!(alice.disable(&key.id).await.unwrap(), disabled);
    let deleted = alice.delete(&key.id).await.unwrap();
    assert_eq!((deleted.record_version, stored(&key.id)), (6, 6));
}

#[tokio::test]
async fn a_replacements_other_key_is_no_part_of_what_a_request_demands() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (old, new) = (new_key(&alice).await, new_key(&alice).await);
    for label in ["a", "b", "c"] {
        alice.label(&old.id, Some(label)).await.unwrap();
    }
    // Version 4 of the old key is demanded; the new one has version 1.
    let how = LinkReplacement {
        new_key_id: new.id.clone(),
        signature: None,
        disable_old: true,
    };
    let linked = alice.link_replacement(&old.id, &how).await.unwrap();
    assert_eq!(linked.record_version, 5);
    assert_eq!(linked.key.record_version, 2);
}

#[tokio::test]
async fn concurrent_requests_of_one_client_are_no_fork() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let rotates = async {
        for _ in 0..10 {
            alice.rotate(&key.id).await.unwrap();
        }
    };
    let signs = async {
        for _ in 0..40 {
            alice.sign(&key.id, &message()).await.unwrap();
        }
    };
    tokio::join!(rotates, signs);
    assert_eq!(alice.record_versions().highest(&key.id), 11);
}
