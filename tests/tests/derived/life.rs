//! What an honest deployment does with derived keys.

use permafrost_client::Principal;
use permafrost_common::api::derived::{AddressPath, KeyPath};
use permafrost_common::api::{Custody, Key, KeyStatus, SignRequest};
use permafrost_tests::{LyingParent, Measured, StoreRequest, binaries, message, pass, refusal};

use crate::{derive, signs, user};

#[tokio::test]
async fn a_derived_key_is_shown_and_signs_and_nothing_is_stored_for_it() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    parent.store.take_requests();
    let key = derive(&alice, "carol").await;
    assert_eq!(key.custody, Custody::Derived);
    assert_eq!(key.path.as_deref(), Some("m/0'/users/carol"));
    assert_eq!((key.generation, key.created_at), (1, None));
    assert_eq!(alice.key(&key.id).await.unwrap(), key);
    signs(&alice, &key).await;
    // Read, never written; and a signature takes one round trip to the store.
    let requests = parent.store.take_requests();
    assert!(
        requests
            .iter()
            .all(|request| matches!(request, StoreRequest::Get { .. })),
        "{requests:?}"
    );
    signs(&alice, &key).await;
    assert_eq!(parent.store.take_requests().len(), 1);
    assert!(
        !alice
            .list_keys(None, None)
            .await
            .unwrap()
            .keys
            .contains(&key)
    );
}

/// The derived keys of these paths, whatever the versions of the records are that say which of them are changed.
async fn derived(principal: &Principal, paths: &[KeyPath]) -> Vec<Key> {
    let keys = principal.derive_keys(paths).await.unwrap().keys.into_iter();
    keys.map(|key| Key {
        record_version: 0,
        ..key
    })
    .collect()
}

#[tokio::test]
async fn rotations_retired_epochs_restarts_and_other_enclaves_change_no_derived_key() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let names: Vec<_> = (0..20).map(|n| user(&format!("user-{n}"))).collect();
    let before = derived(&alice, &names).await;
    let disabled = derive(&alice, "gone").await;
    alice.disable(&disabled.id).await.unwrap();
    let root = alice.root().await.unwrap().derivation_root;

    alice.rotate_root(1).await.unwrap();
    assert_eq!(pass(&alice, 5).await.left, 0);
    alice.retire_root(2).await.unwrap();
    assert_eq!(derived(&alice, &names).await, before);

    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    assert_eq!(alice.root().await.unwrap().derivation_root, root);
    assert_eq!(derived(&alice, &names).await, before);

    let configuration = parent.configuration();
    let second = parent.second_enclave("second", &binaries::enclave(), &configuration);
    second.wait_until_ready();
    let there = parent.principal_at(&second, "alice").await;
    assert_eq!(derived(&there, &names).await, before);
    assert_eq!(
        refusal(there.sign(&disabled.id, &message()).await),
        "key-disabled"
    );
    for key in &before[..3] {
        signs(&there, key).await;
    }
}

#[tokio::test]
async fn a_derived_key_of_one_deployment_is_none_of_another() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let other = parent.neighbour(Measured::new("other")).await;
    let here = derive(&parent.principal("alice").await, "carol").await;
    let there = derive(&other.principal("alice").await, "carol").await;
    assert_eq!(here.id, there.id);
    assert_ne!(here.group_public_key, there.group_public_key);
}

#[tokio::test]
async fn a_disabled_or_rotated_user_stays_so_after_a_restart() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (gone, rotated) = (
        derive(&alice, "gone").await,
        derive(&alice, "rotated").await,
    );
    let address = KeyPath {
        address: Some(AddressPath { chain: 0, index: 3 }),
        ..user("gone")
    };
    let of_address = alice.derive_keys(&[address]).await.unwrap().keys.remove(0);
    assert_eq!(
        alice.disable(&gone.id).await.unwrap().status,
        KeyStatus::Disabled
    );
    let second = alice.rotate(&rotated.id).await.unwrap();
    assert_eq!(second.generation, 2);
    assert_eq!(second.group_public_key, rotated.group_public_key);
    assert_ne!(second.participants, rotated.participants);

    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    assert_eq!(alice.key(&rotated.id).await.unwrap(), second);
    signs(&alice, &rotated).await;
    assert_eq!(derive(&alice, "gone").await.status, KeyStatus::Disabled);
    for (result, problem) in [
        (
            alice.sign(&gone.id, &message()).await.map(drop),
            "key-disabled",
        ),
        // An address goes with its user.
        (
            alice.sign(&of_address.id, &message()).await.map(drop),
            "key-disabled",
        ),
        (alice.rotate(&gone.id).await.map(drop), "key-disabled"),
        (alice.delete(&gone.id).await.map(drop), "key-custody"),
        (alice.wallet(&of_address.id).await.map(drop), "key-custody"),
    ] {
        assert_eq!(refusal(result), problem);
    }
    signs(&alice, &derive(&alice, "another").await).await;
}

/// The bitcoin crate derives the addresses from the descriptor's extended public key alone.
#[tokio::test]
async fn a_wallet_that_only_watches_finds_the_addresses_that_the_enclave_signs_for() {
    use bitcoin::bip32::{ChildNumber, Xpub};
    use bitcoin::secp256k1::Secp256k1;
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let key = derive(&alice, "carol").await;
    let wallet = alice.wallet(&key.id).await.unwrap();
    let xpub: Xpub = wallet.extended_public_key.parse().unwrap();
    assert!(wallet.receive.starts_with(&format!("tr({xpub}/0/*)#")));
    assert!(wallet.change.starts_with(&format!("tr({xpub}/1/*)#")));
    let secp = Secp256k1::verification_only();
    for (chain, index) in [(0, 0), (0, 1), (1, 500)] {
        let address = KeyPath {
            address: Some(AddressPath { chain, index }),
            ..user("carol")
        };
        let derived = alice.derive_keys(&[address]).await.unwrap().keys.remove(0);
        let steps = [chain, index].map(|step| ChildNumber::Normal { index: step });
        let child = xpub.derive_pub(&secp, &steps).unwrap();
        let internal = child.public_key.x_only_public_key().0;
        assert_eq!(derived.group_public_key, internal.to_string());
        let found = bitcoin::Address::p2tr(&secp, internal, None, bitcoin::KnownHrp::Mainnet);
        assert_eq!(derived.taproot.address, found.to_string());
        let spend = SignRequest::TaprootSpend {
            sighash: "07".repeat(32),
            merkle_root: None,
        };
        let signed = alice.sign(&derived.id, &spend).await.unwrap();
        assert_eq!(signed.public_key, derived.taproot.output_key);
    }
}
