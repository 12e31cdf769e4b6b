//! A key is replaced by one other, and by its own statement only.

use permafrost_client::{IdempotencyKey, Principal};
use permafrost_common::api::replacement::{LinkReplacement, Replacement};
use permafrost_common::api::{Key, KeyStatus, ReplaceKey, SignRequest};
use permafrost_common::http_signature::Algorithm;
use permafrost_common::replacement::UnsignedReplacement;
use permafrost_tests::{
    ALL_KEYS, HonestStack, LyingParent, Measured, StoreRequest, StoreResponse, message, new_key,
    refusal,
};

/// What a key has to sign for another to replace it.
fn statement(old: &Key, new: &Key, deployment: &str) -> UnsignedReplacement {
    UnsignedReplacement {
        old_key_id: old.id.parse().unwrap(),
        old_public_key: old.group_public_key.parse().unwrap(),
        new_key_id: new.id.parse().unwrap(),
        new_public_key: new.group_public_key.parse().unwrap(),
        deployment: deployment.to_owned(),
        created_at: new.created_at.unwrap(),
    }
}

fn link_to(new: &Key, signature: Option<String>, disable_old: bool) -> LinkReplacement {
    LinkReplacement {
        new_key_id: new.id.clone(),
        signature,
        disable_old,
    }
}

/// The statement is that of these keys, and libsecp256k1 verifies it.
fn is_of(replacement: &Replacement, old: &Key, new: &Key) {
    replacement.verify().unwrap();
    assert_eq!(replacement.unsigned(), statement(old, new, "test"));
    let key = replacement.old_public_key.0;
    let key = secp256k1::XOnlyPublicKey::from_byte_array(key).unwrap();
    let signature = secp256k1::schnorr::Signature::from_byte_array(replacement.signature.0);
    secp256k1::schnorr::verify(&signature, &replacement.unsigned().digest(), &key).unwrap();
}

async fn is_not_replaced(principal: &Principal, key: &Key) {
    assert_eq!(principal.key(&key.id).await.unwrap(), *key);
    let refused = principal.replacement(&key.id).await;
    assert_eq!(refusal(refused), "replacement-not-found");
}

#[tokio::test]
async fn a_replaced_key_leaves_a_statement_that_outlives_it() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let old = new_key(&alice).await;
    is_not_replaced(&alice, &old).await;
    let once = IdempotencyKey::random().unwrap();
    let how = ReplaceKey { disable_old: true };
    let replaced = alice.replace(&old.id, &how, &once).await.unwrap();
    is_of(&replaced.replacement, &old, &replaced.key);
    assert_eq!(replaced.key.replaces.as_ref(), Some(&old.id));

    stack.enclave.restart();
    let alice = stack.principal("alice").await;
    let kept = alice.replacement(&old.id).await.unwrap();
    assert_eq!(kept, replaced.replacement);
    let again = alice.replace(&old.id, &how, &once).await.unwrap();
    assert_eq!(again, replaced);
    alice.delete(&old.id).await.unwrap();
    assert_eq!(alice.replacement(&old.id).await.unwrap(), kept);
    let bob = stack.principal("bob").await;
    assert_eq!(refusal(bob.replacement(&old.id).await), "key-not-found");
}

#[tokio::test]
async fn a_disabled_key_signs_no_statement() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (old, new) = (new_key(&alice).await, new_key(&alice).await);
    alice.disable(&old.id).await.unwrap();
    let once = IdempotencyKey::random().unwrap();
    let refused = alice.replace(&old.id, &ReplaceKey::default(), &once).await;
    assert_eq!(refusal(refused), "key-disabled");
    let link = link_to(&new, None, false);
    let refused = alice.link_replacement(&old.id, &link).await;
    assert_eq!(refusal(refused), "key-disabled");
    assert_eq!(alice.list_keys(None, None).await.unwrap().keys.len(), 2);
}

#[tokio::test]
async fn a_key_made_before_replaces_one_of_the_same_owner_and_of_no_other() {
    let mut measured = Measured::new("test");
    measured.principal("admin", Algorithm::Ed25519, ALL_KEYS);
    let stack = HonestStack::start(measured);
    let (alice, bob) = (stack.principal("alice").await, stack.principal("bob").await);
    let admin = stack.principal("admin").await;
    let (old, new) = (new_key(&alice).await, new_key(&alice).await);
    let his = new_key(&bob).await;
    let by = |new: &Key| link_to(new, None, true);
    let refused = alice.link_replacement(&old.id, &by(&his)).await;
    assert_eq!(refusal(refused), "key-not-found");
    for new in [&his, &old] {
        let refused = admin.link_replacement(&old.id, &by(new)).await;
        assert_eq!(refusal(refused), "invalid-request");
    }
    is_not_replaced(&alice, &old).await;

    let replaced = alice.link_replacement(&old.id, &by(&new)).await.unwrap();
    is_of(&replaced.replacement, &old, &new);
    assert_eq!(replaced.key.replaces.as_ref(), Some(&old.id));
    let linked = alice.key(&old.id).await.unwrap();
    assert_eq!(
        (linked.replaced_by.as_ref(), linked.status),
        (Some(&new.id), KeyStatus::Disabled)
    );
    let again = alice.link_replacement(&old.id, &by(&new)).await.unwrap();
    assert_eq!(again, replaced);

    let third = new_key(&alice).await;
    let refused = alice.link_replacement(&old.id, &by(&third)).await;
    assert_eq!(refusal(refused), "key-replaced");
    // Nor does one key replace two, or a key its own successor.
    let refused = alice.link_replacement(&third.id, &by(&new)).await;
    assert_eq!(refusal(refused), "invalid-request");
    let refused = alice.link_replacement(&new.id, &by(&old)).await;
    assert_eq!(refusal(refused), "invalid-request");
    is_not_replaced(&alice, &third).await;
}

#[tokio::test]
async fn a_forged_statement_links_nothing() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (old, new) = (new_key(&alice).await, new_key(&alice).await);
    let other = new_key(&alice).await;
    let signed = async |by: &Key, statement: UnsignedReplacement| {
        let digest = hex::encode(statement.digest());
        let signed = alice.sign(&by.id, &SignRequest::Digest { digest }).await;
        signed.unwrap().signature
    };
    let right = statement(&old, &new, "test");
    let mut swapped = right.clone();
    std::mem::swap(&mut swapped.old_key_id, &mut swapped.new_key_id);
    let mut later = right.clone();
    later.created_at += 1;
    for forged in [
        signed(&new, right.clone()).await,
        signed(&other, right.clone()).await,
        signed(&old, statement(&old, &new, "other")).await,
        signed(&old, statement(&old, &other, "test")).await,
        signed(&old, statement(&new, &old, "test")).await,
        signed(&old, swapped).await,
        signed(&old, later).await,
        "00".repeat(64),
        "00".repeat(63),
        String::new(),
    ] {
        let link = link_to(&new, Some(forged), true);
        let refused = alice.link_replacement(&old.id, &link).await;
        assert_eq!(refusal(refused), "invalid-request");
    }
    is_not_replaced(&alice, &old).await;
    assert_eq!(alice.key(&new.id).await.unwrap(), new);
    alice.sign(&old.id, &message()).await.unwrap();

    let link = link_to(&new, Some(signed(&old, right).await), true);
    let replaced = alice.link_replacement(&old.id, &link).await.unwrap();
    is_of(&replaced.replacement, &old, &new);
}

#[tokio::test]
async fn a_record_with_a_statement_links_no_other_keys() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (one, other) = (new_key(&alice).await, new_key(&alice).await);
    alice.rotate(&other.id).await.unwrap();
    let once = IdempotencyKey::random().unwrap();
    let how = ReplaceKey::default();
    let replaced = alice.replace(&one.id, &how, &once).await.unwrap();
    let linked = parent.store.version(&one.id, 2);
    parent.store.lie(move |request, honest| match request {
        StoreRequest::Get { .. } => StoreResponse::Record(2, linked.clone()),
        _ => honest,
    });
    assert_eq!(
        refusal(alice.replacement(&other.id).await),
        "record-invalid"
    );
    // Nor is a replaced key shown as it was before.
    let before = parent.store.version(&one.id, 1);
    parent.store.lie(move |request, honest| match request {
        StoreRequest::Get { .. } => StoreResponse::Record(1, before.clone()),
        _ => honest,
    });
    assert_eq!(
        refusal(alice.replacement(&one.id).await),
        "record-rolled-back"
    );
    parent.store.be_honest();
    let kept = alice.replacement(&one.id).await.unwrap();
    assert_eq!(kept, replaced.replacement);
}

#[tokio::test]
async fn a_replacement_cut_off_between_its_two_records_is_completed_by_the_same_request() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (old, new) = (new_key(&alice).await, new_key(&alice).await);
    fail_before_writing(&parent, &new);
    let link = link_to(&new, None, true);
    let cut = alice.link_replacement(&old.id, &link).await;
    assert_eq!(refusal(cut), "store-unavailable");
    recover(&mut parent, &new);
    // The old key has made its statement, and nothing else replaces it.
    let kept = alice.replacement(&old.id).await.unwrap();
    assert_eq!(alice.key(&new.id).await.unwrap().replaces, None);
    let third = new_key(&alice).await;
    let other = link_to(&third, None, true);
    let refused = alice.link_replacement(&old.id, &other).await;
    assert_eq!(refusal(refused), "key-replaced");
    let replaced = alice.link_replacement(&old.id, &link).await.unwrap();
    assert_eq!(replaced.replacement, kept);
    assert_eq!(replaced.key.replaces.as_ref(), Some(&old.id));

    // Where the enclave makes the new key, it writes that first.
    fail_before_writing(&parent, &third);
    let once = IdempotencyKey::random().unwrap();
    let how = ReplaceKey { disable_old: true };
    let cut = alice.replace(&third.id, &how, &once).await;
    assert_eq!(refusal(cut), "store-unavailable");
    recover(&mut parent, &third);
    is_not_replaced(&alice, &third).await;
    let keys = alice.list_keys(None, None).await.unwrap().keys;
    let mut made = keys
        .iter()
        .filter(|key| key.replaces.as_ref() == Some(&third.id));
    let made = made.next().unwrap();
    let replaced = alice.replace(&third.id, &how, &once).await.unwrap();
    assert_eq!(replaced.key, *made);
    is_of(&replaced.replacement, &third, made);
}

/// The store fails from the moment at which this key's record is to be written.
fn fail_before_writing(parent: &LyingParent, key: &Key) {
    let (id, mut is_down) = (key.id.clone(), false);
    parent.store.lie(move |request, honest| {
        is_down |= matches!(request, StoreRequest::Put { id: of, .. } if *of == id);
        match is_down {
            true => StoreResponse::Raw(500, Vec::new()),
            false => honest,
        }
    });
}

/// The store works again, without what it was to write when it failed, and the enclave restarts.
fn recover(parent: &mut LyingParent, key: &Key) {
    parent.store.be_honest();
    parent
        .store
        .put_back(&key.id, vec![parent.store.version(&key.id, 1)]);
    parent.enclave.restart();
}
