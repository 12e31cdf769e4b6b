//! The end of a key that is held apart.

use permafrost_client::{Error, IdempotencyKey, Principal};
use permafrost_common::api::replacement::{CosignReplacement, LinkReplacement, Replaced};
use permafrost_common::api::split::Cosigned;
use permafrost_common::api::{Custody, Key, KeyStatus, SignRequest};
use permafrost_tests::{HonestStack, Measured, message, new_key, refusal};

use crate::steps::{copies, participants, refreshed, signs, split_key};

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

/// Links two keys by a signature.
async fn linked(
    principal: &Principal,
    old: &str,
    new: &str,
    signature: Option<String>,
) -> Result<Replaced, Error> {
    let how = LinkReplacement {
        new_key_id: new.to_owned(),
        signature,
        disable_old: true,
    };
    principal.link_replacement(old, &how).await
}

#[tokio::test]
async fn a_split_key_signs_with_the_enclave_that_another_replaces_it() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let (old, shares) = split_key(&alice, 2, &["alice", "drawer", "server"]).await;
    let (new, new_shares) = split_key(&alice, 2, &["alice", "server"]).await;
    let made = alice.key(&new).await.unwrap();
    let drawer = &shares[1..];
    let statement = alice.sign_replacement(drawer, &made).await.unwrap();
    statement.verify().unwrap();
    // Signed, it is not linked, and a restart in between loses nothing.
    assert_eq!(
        refusal(alice.replacement(&old).await),
        "replacement-not-found"
    );
    stack.enclave.restart();
    signs(&alice, &shares[..1]).await;

    let signature = Some(statement.signature.to_string());
    let replaced = linked(&alice, &old, &new, signature.clone()).await.unwrap();
    assert_eq!(replaced.replacement, statement);
    assert_eq!(replaced.key.replaces.as_ref(), Some(&old));
    let ended = alice.key(&old).await.unwrap();
    assert_eq!(
        (ended.status, ended.replaced_by.as_ref()),
        (KeyStatus::Disabled, Some(&new))
    );
    stack.enclave.restart();
    let again = linked(&alice, &old, &new, signature).await.unwrap();
    assert_eq!(again, replaced);
    assert_eq!(alice.replacement(&old).await.unwrap(), statement);
    signs(&alice, &new_shares).await;
    // Refreshed shares of the new key, and the deletion of the old one, change nothing about it.
    refreshed(&alice, &new_shares).await;
    alice.delete(&old).await.unwrap();
    assert_eq!(alice.replacement(&old).await.unwrap(), statement);
    let refused = alice.sign_replacement(drawer, &made).await;
    assert_eq!(refusal(refused), "key-deleted");
}

#[tokio::test]
async fn without_a_statement_of_its_shares_a_split_key_is_not_replaced() {
    let stack = HonestStack::start(Measured::new("test"));
    let (alice, bob) = (stack.principal("alice").await, stack.principal("bob").await);
    let (old, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    let (new, new_shares) = split_key(&alice, 2, &["alice", "server"]).await;
    let (third, _) = split_key(&alice, 2, &["alice", "server"]).await;
    let key = async |id: &str| alice.key(id).await.unwrap();
    let refused = linked(&alice, &old, &new, None).await;
    assert_eq!(refusal(refused), "key-custody");
    let right = alice.sign_replacement(&shares, &key(&new).await).await;
    let right = right.unwrap();
    let of_another = alice.sign_replacement(&shares, &key(&third).await).await;
    let by_the_new = async |digest: [u8; 32]| {
        let digest = hex::encode(digest);
        let digest = SignRequest::Digest { digest };
        alice.sign_split(&new_shares, &digest).await.unwrap()
    };
    let by_the_new = by_the_new(right.unsigned().digest()).await;
    for forged in [
        of_another.unwrap().signature.to_string(),
        by_the_new.signature,
    ] {
        let refused = linked(&alice, &old, &new, Some(forged)).await;
        assert_eq!(refusal(refused), "invalid-request");
    }
    // Nor does the enclave cosign a statement about a key that is not the owner's, or that it does not have.
    let foreign = new_key(&bob).await;
    let refused = alice.sign_replacement(&shares, &foreign).await;
    assert_eq!(refusal(refused), "key-not-found");
    let invented = Key {
        group_public_key: foreign.group_public_key.clone(),
        ..key(&new).await
    };
    let refused = alice.sign_replacement(&shares, &invented).await;
    assert!(matches!(refused.unwrap_err(), Error::NoSignature(_)));
    assert_eq!(key(&old).await.replaced_by, None);

    let signature = Some(right.signature.to_string());
    linked(&alice, &old, &new, signature).await.unwrap();
    let refused = alice.sign_replacement(&shares, &key(&third).await).await;
    assert_eq!(refusal(refused), "key-replaced");
}

#[tokio::test]
async fn a_key_of_which_the_enclave_has_all_shares_hands_over_to_a_split_one() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let old = new_key(&alice).await;
    let (new, shares) = split_key(&alice, 2, &["alice", "server"]).await;
    let replaced = linked(&alice, &old.id, &new, None).await.unwrap();
    replaced.replacement.verify().unwrap();
    assert_eq!(
        replaced.replacement.old_public_key.to_string(),
        old.group_public_key
    );
    signs(&alice, &shares).await;
    // A statement of shares is one of keys that have shares elsewhere.
    let body = CosignReplacement {
        new_key_id: new.clone(),
        commitments: Vec::new(),
    };
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    let path = format!("/v1/keys/{}/cosign-replacement", new_key(&alice).await.id);
    let (third, _) = split_key(&alice, 2, &["alice", "server"]).await;
    let body = CosignReplacement {
        new_key_id: third,
        ..body
    };
    let body = serde_json::to_vec(&body).unwrap();
    let response = alice
        .request(http::Method::POST, &path, body, headers)
        .await;
    let refused = response.unwrap().json::<Cosigned>();
    assert_eq!(refusal(refused), "key-custody");
}
