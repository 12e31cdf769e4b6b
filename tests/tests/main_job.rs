//! The main job on real processes: `permafrost serve` in front of `permafrost-enclave`.

use permafrost_client::IdempotencyKey;
use permafrost_common::api::{KeyStatus, ReplaceKey};
use permafrost_common::http_signature::Algorithm;
use permafrost_tests::{
    ALL_KEYS, HonestStack, Measured, is_signed_by, message, new_key, refusal, two_of_three,
};

#[tokio::test]
async fn a_key_is_made_used_rotated_replaced_and_disabled() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;

    let key = new_key(&alice).await;
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));

    let rotated = alice.rotate(&key.id).await.unwrap();
    assert_eq!(rotated.generation, 2);
    assert_eq!(rotated.group_public_key, key.group_public_key);
    for (old, new) in key.participants.iter().zip(&rotated.participants) {
        assert_ne!(old.verifying_share, new.verifying_share);
    }
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
    assert_eq!(signed.generation, 2);

    let idempotency_key = IdempotencyKey::random().unwrap();
    let how = ReplaceKey { disable_old: true };
    let replaced = alice
        .replace(&key.id, &how, &idempotency_key)
        .await
        .unwrap();
    let new = replaced.key.clone();
    assert_eq!(new.replaces.as_ref(), Some(&key.id));
    assert_ne!(new.group_public_key, key.group_public_key);
    let old = alice.key(&key.id).await.unwrap();
    assert_eq!(old.replaced_by.as_ref(), Some(&new.id));
    assert_eq!(old.status, KeyStatus::Disabled);
    let refused = alice.sign(&key.id, &message()).await;
    assert_eq!(refusal(refused), "key-disabled");
    let again = alice.replace(&key.id, &how, &idempotency_key).await;
    assert_eq!(again.unwrap(), replaced);
    let another = IdempotencyKey::random().unwrap();
    let refused = alice.replace(&key.id, &how, &another).await;
    assert_eq!(refusal(refused), "key-replaced");
    let signed = alice.sign(&new.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &new.group_public_key));
}

#[tokio::test]
async fn a_creating_request_repeated_gives_the_same_key_and_never_a_second_one() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let idempotency_key = IdempotencyKey::random().unwrap();
    let mut wanted = two_of_three();
    let first = alice.create_key(&wanted, &idempotency_key).await.unwrap();
    let again = alice.create_key(&wanted, &idempotency_key).await.unwrap();
    assert_eq!(first, again);

    wanted.threshold = 3;
    let refused = alice.create_key(&wanted, &idempotency_key).await;
    assert_eq!(refusal(refused), "idempotency-key-reused");
    assert_eq!(alice.list_keys(None, None).await.unwrap().keys, [first]);
}

#[tokio::test]
async fn keys_survive_both_programs_and_are_listed_in_parts() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let mut made = Vec::new();
    let alice = stack.principal("alice").await;
    for _ in 0..5 {
        made.push(new_key(&alice).await);
    }
    made.sort_by(|a, b| a.id.cmp(&b.id));
    stack.enclave.restart();
    stack.restart_parent();

    let alice = stack.principal("alice").await;
    let first = alice.list_keys(None, Some(3)).await.unwrap();
    assert_eq!(first.keys, made[..3]);
    let second = alice
        .list_keys(first.next.as_deref(), Some(3))
        .await
        .unwrap();
    assert_eq!(second.keys, made[3..]);
    assert_eq!(second.next, None);
    for key in &made {
        let signed = alice.sign(&key.id, &message()).await.unwrap();
        assert!(is_signed_by(&signed, &key.group_public_key));
    }
}

#[tokio::test]
async fn one_principals_keys_do_not_exist_for_another() {
    let stack = HonestStack::start(Measured::new("test"));
    let (alice, bob) = (stack.principal("alice").await, stack.principal("bob").await);
    let key = new_key(&alice).await;
    assert!(bob.list_keys(None, None).await.unwrap().keys.is_empty());
    for refused in [
        bob.key(&key.id).await.map(|_| ()),
        bob.sign(&key.id, &message()).await.map(|_| ()),
        bob.rotate(&key.id).await.map(|_| ()),
        bob.disable(&key.id).await.map(|_| ()),
    ] {
        assert_eq!(refusal(refused), "key-not-found");
    }
    assert_eq!(alice.key(&key.id).await.unwrap(), key);
}

#[tokio::test]
async fn a_key_that_another_principal_replaces_stays_its_owners() {
    let mut measured = Measured::new("test");
    measured.principal("admin", Algorithm::Ed25519, ALL_KEYS);
    let stack = HonestStack::start(measured);
    let (alice, admin) = (
        stack.principal("alice").await,
        stack.principal("admin").await,
    );
    let old = new_key(&alice).await;
    let replace = ReplaceKey { disable_old: false };
    let idempotency_key = IdempotencyKey::random().unwrap();
    let new = admin
        .replace(&old.id, &replace, &idempotency_key)
        .await
        .unwrap()
        .key;
    let signed = alice.sign(&new.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &new.group_public_key));
    let mut listed: Vec<_> = alice.list_keys(None, None).await.unwrap().keys;
    listed.sort_by_key(|key| key.id != old.id);
    assert_eq!(listed.len(), 2);
    assert_eq!((&listed[1].id, &listed[1].owner), (&new.id, &old.owner));
}
