//! The main job through `permafrost serve`, with KMS in the loop.

use bitcoin::hex::FromHex;
use bitcoin::key::{TapTweak, XOnlyPublicKey};
use bitcoin::secp256k1::{Message, Secp256k1, schnorr::Signature};
use permafrost_client::Principal;
use permafrost_common::api::{Key, SignRequest, UnsignedEvent};
use permafrost_tests::{HonestStack, Measured, is_signed_by, message, new_key};

#[tokio::test]
async fn a_key_signs_on_after_its_machine_was_switched_off() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let key = new_key(&alice).await;
    signs_everything(&alice, &key).await;
    let rotated = alice.rotate(&key.id).await.unwrap();
    assert_eq!(rotated.generation, 2);
    signs_everything(&alice, &rotated).await;
    let calls = stack.kms.calls().len();

    stack.enclave.restart();

    let alice = stack.principal("alice").await;
    assert_eq!(alice.key(&key.id).await.unwrap(), rotated);
    signs_everything(&alice, &rotated).await;
    let again = alice.rotate(&key.id).await.unwrap();
    assert_eq!(again.group_public_key, key.group_public_key);
    signs_everything(&alice, &again).await;

    let calls = &stack.kms.calls()[calls..];
    let actions: Vec<_> = calls.iter().map(|call| call.action.as_str()).collect();
    assert_eq!(actions, ["Decrypt"], "a boot takes one call of KMS");
}

/// A message, a Nostr event and a Taproot spend, each verified by a library that is not ours.
async fn signs_everything(principal: &Principal, key: &Key) {
    let signed = principal.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
    assert_eq!(signed.generation, key.generation);

    let event = SignRequest::NostrEvent {
        event: UnsignedEvent {
            pubkey: None,
            id: None,
            created_at: 1_700_000_000,
            kind: 1,
            tags: vec![vec!["t".to_owned(), "permafrost".to_owned()]],
            content: "from a booted image".to_owned(),
        },
    };
    let signed = principal.sign(&key.id, &event).await.unwrap();
    let event = serde_json::to_string(&signed.event).unwrap();
    let event: nostr::event::Event = serde_json::from_str(&event).unwrap();
    event.verify().unwrap();
    assert_eq!(event.pubkey.to_hex(), key.group_public_key);

    let sighash = [0x5a; 32];
    let spend = SignRequest::TaprootSpend {
        sighash: hex::encode(sighash),
        merkle_root: None,
    };
    let signed = principal.sign(&key.id, &spend).await.unwrap();
    let secp = Secp256k1::verification_only();
    let internal: XOnlyPublicKey = key.group_public_key.parse().unwrap();
    let (output, _) = internal.tap_tweak(&secp, None);
    let signature = Vec::<u8>::from_hex(&signed.signature).unwrap();
    let signature = Signature::from_slice(&signature).unwrap();
    secp.verify_schnorr(
        &signature,
        &Message::from_digest(sighash),
        &output.to_x_only_public_key(),
    )
    .unwrap();
}
