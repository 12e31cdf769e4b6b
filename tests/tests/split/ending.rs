//! The end of a key that is held apart.

use permafrost_client::IdempotencyKey;
use permafrost_common::api::{Custody, KeyStatus};
use permafrost_tests::{HonestStack, Measured, message, refusal};

use crate::steps::{copies, participants, signs};

#[tokio::test]
async fn a_deleted_key_takes_the_enclaves_share_with_it_and_keeps_its_certificate() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let once = IdempotencyKey::random().unwrap();
    let names = participants(&["alice", "server"]);
    let wanted: Vec<_> = names
        .iter()
        .map(|(name, key)| {
            let copy = key
                .as_ref()
                .map(|key| permafrost_frost::ParticipantKey::from_bytes(&key.to_bytes()).unwrap());
            (name.clone(), copy)
        })
        .collect();
    let made = alice.generate_split_key(2, names, &once).await.unwrap();
    let certificate = made.confirm().await.unwrap();
    let shares = copies(made.shares());
    let id = made.outcome().parameters.key_id.to_string();
    let key = alice.key(&id).await.unwrap();
    signs(&alice, &shares).await;

    // A ceremony that began before ends with the key.
    let begun = alice.refresh_split_key(copies(&shares)).await.unwrap();
    assert_eq!(refusal(alice.delete(&id).await), "key-enabled");
    alice.disable(&id).await.unwrap();
    let gone = alice.delete(&id).await.unwrap();
    assert_eq!(
        (gone.custody, gone.status),
        (Custody::Split, KeyStatus::Deleted)
    );
    assert_eq!(gone.participants, key.participants);
    assert_eq!(refusal(begun.confirm().await), "ceremony-not-found");

    for _ in 0..2 {
        let alice = stack.principal("alice").await;
        for refused in [
            refusal(alice.sign_split(&shares, &message()).await),
            refusal(alice.refresh_split_key(copies(&shares)).await),
            refusal(alice.sign(&id, &message()).await),
            refusal(alice.rotate(&id).await),
            refusal(alice.wrapped_shares(&id).await),
        ] {
            assert_eq!(refused, "key-deleted");
        }
        let kept = alice.certificate(&id).await.unwrap();
        assert_eq!(kept, certificate);
        assert_eq!(alice.key(&id).await.unwrap(), gone);
        stack.enclave.restart();
    }
    // The request that made it begins no other ceremony of that key.
    let alice = stack.principal("alice").await;
    assert!(alice.generate_split_key(2, wanted, &once).await.is_err());
    assert_eq!(
        alice.list_keys(None, None).await.unwrap().keys,
        std::slice::from_ref(&gone)
    );
}
