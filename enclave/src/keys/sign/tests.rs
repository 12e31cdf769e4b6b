//! Signatures of every kind, by every size of group, compared with other implementations.

use frost_secp256k1_tr::{self as frost, keys::KeyPackage, round1, round2};
use permafrost_common::api::{NostrEvent, SignRequest, UnsignedEvent};
use rand_core::OsRng;

use super::*;
use crate::keys::{
    PayloadKind,
    testing::{Repeating, record},
};

const MATRIX: [(u16, usize); 5] = [(2, 2), (2, 3), (3, 5), (7, 10), (32, 32)];

fn payloads() -> Vec<Payload> {
    let spend = |merkle_root| SignRequest::TaprootSpend {
        sighash: "5e".repeat(32),
        merkle_root,
    };
    let event = UnsignedEvent {
        pubkey: None,
        id: None,
        created_at: 1_800_000_000,
        kind: 1,
        tags: vec![vec!["t".to_owned(), "frost".to_owned()]],
        content: "signed by a threshold\n".to_owned(),
    };
    [
        SignRequest::Message {
            message: String::new(),
        },
        SignRequest::Message {
            message: "ab".repeat(65536),
        },
        SignRequest::Digest {
            digest: "d1".repeat(32),
        },
        SignRequest::NostrEvent { event },
        spend(None),
        spend(Some("3c".repeat(32))),
    ]
    .map(|request| Payload::parse(request).unwrap())
    .into()
}

/// The signed message, as a verifier that knows the payload computes it.
fn signed_message(payload: &Payload, signed: &api::Signed) -> Vec<u8> {
    match payload {
        Payload::Message(message) => message.clone(),
        Payload::Digest(digest) => digest.to_vec(),
        Payload::NostrEvent(_) => {
            let NostrEvent {
                id, sig, pubkey, ..
            } = signed.event.clone().unwrap();
            assert_eq!((&sig, &pubkey), (&signed.signature, &signed.public_key));
            hex::decode(id).unwrap()
        }
        Payload::TaprootSpend { sighash, .. } => {
            let output = signed.taproot.clone().unwrap();
            assert_eq!(output.output_key, signed.public_key);
            sighash.to_vec()
        }
    }
}

/// Verifies with libsecp256k1, which shares no code with FROST or `k256`.
fn libsecp256k1_verifies(public_key: &str, message: &[u8], signature: &str) -> bool {
    let bytes = |text: &str| hex::decode(text).unwrap();
    let key: [u8; 32] = bytes(public_key).try_into().unwrap();
    let signature: [u8; 64] = bytes(signature).try_into().unwrap();
    secp256k1::XOnlyPublicKey::from_byte_array(key)
        .unwrap()
        .verify(
            message,
            &secp256k1::schnorr::Signature::from_byte_array(signature),
        )
        .is_ok()
}

#[test]
fn every_payload_signed_by_every_group_verifies_with_libsecp256k1() {
    for (t, n) in MATRIX {
        let record = record(t, n);
        for payload in payloads() {
            let signed = record.sign(&payload, Network::Regtest, &mut OsRng).unwrap();
            let message = signed_message(&payload, &signed);
            assert!(
                libsecp256k1_verifies(&signed.public_key, &message, &signed.signature),
                "{t} of {n}, {:?}",
                payload.kind()
            );
            let group = hex::encode(record.public_key().as_bytes());
            assert_eq!(
                signed.public_key == group,
                payload.kind() != PayloadKind::TaprootSpend
            );
            assert_eq!(
                (signed.generation, signed.key_id),
                (1, record.id().to_string())
            );
        }
    }
}

#[test]
fn a_rotated_key_signs_under_the_same_public_key() {
    let old = record(3, 5);
    let new = old.rotate(&mut OsRng).unwrap();
    let payload = Payload::Digest([7; 32]);
    let signed = new.sign(&payload, Network::Bitcoin, &mut OsRng).unwrap();
    assert_eq!(signed.public_key, hex::encode(old.public_key().as_bytes()));
    assert_eq!(signed.generation, 2);
    assert!(libsecp256k1_verifies(
        &signed.public_key,
        &[7; 32],
        &signed.signature
    ));
}

#[test]
fn a_disabled_key_does_not_sign() {
    let disabled = record(2, 2).disabled().unwrap();
    let payload = Payload::Digest([7; 32]);
    assert_eq!(
        disabled.sign(&payload, Network::Bitcoin, &mut OsRng),
        Err(KeyError::Disabled { id: disabled.id() })
    );
}

#[test]
fn an_event_of_another_author_is_not_signed() {
    let event = UnsignedEvent {
        pubkey: Some("ab".repeat(32)),
        id: None,
        created_at: 0,
        kind: 1,
        tags: vec![],
        content: String::new(),
    };
    let payload = Payload::parse(SignRequest::NostrEvent { event }).unwrap();
    let refused = record(2, 2).sign(&payload, Network::Bitcoin, &mut OsRng);
    assert!(matches!(
        refused,
        Err(KeyError::Payload(error)) if error.field == "/event/pubkey"
    ));
}

/// The same rounds by the `frost` crate alone, each participant by itself.
fn frost_signature(
    material: &KeyMaterial,
    message: &[u8],
    merkle_root: Option<Option<&[u8]>>,
    rng: &mut Repeating,
) -> Vec<u8> {
    let signers = &material.packages().unwrap().keys[..material.signers.len()];
    let mut nonces = Vec::new();
    let mut commitments = BTreeMap::new();
    for signer in signers {
        let (nonce, commitment) = round1::commit(signer.signing_share(), rng);
        nonces.push(nonce);
        commitments.insert(*signer.identifier(), commitment);
    }
    let package = SigningPackage::new(commitments, message);
    let shares = signers
        .iter()
        .zip(&nonces)
        .map(|(signer, nonce)| {
            let share = match merkle_root {
                None => round2::sign(&package, nonce, signer),
                Some(root) => round2::sign_with_tweak(&package, nonce, signer, root),
            };
            (*signer.identifier(), share.unwrap())
        })
        .collect();
    let signature = match merkle_root {
        None => frost::aggregate(&package, &shares, &material.public().unwrap()),
        Some(root) => {
            frost::aggregate_with_tweak(&package, &shares, &material.public().unwrap(), root)
        }
    };
    signature.unwrap().serialize().unwrap()
}

#[test]
fn signatures_are_those_of_the_frost_crate_for_the_same_randomness() {
    let mut rng = Repeating::default();
    let group_sizes = [(2, 3), (3, 5), (7, 10)];
    // The y coordinates of group key, output key and nonce commitment are odd or even by chance: try many.
    for (round, (t, n)) in group_sizes.into_iter().cycle().take(24).enumerate() {
        let material =
            KeyMaterial::deal(crate::keys::testing::participants(t, n), &mut rng).unwrap();
        let message = vec![round as u8; round];

        let ours = material.sign(&message, &mut rng.clone()).unwrap();
        let theirs = frost_signature(&material, &message, None, &mut rng.clone());
        assert_eq!(ours.as_slice(), theirs);

        for root in [None, Some([0x3c; 32])] {
            let tweaked = TweakedKey::new(&material.public_key, root).unwrap();
            let ours = material
                .sign_tweaked(&message, &tweaked, &mut rng.clone())
                .unwrap();
            let root = root.as_ref().map(<[u8; 32]>::as_slice);
            let theirs = frost_signature(&material, &message, Some(root), &mut rng.clone());
            assert_eq!(ours.as_slice(), theirs);
        }
    }
}

/// A record after rotation in which one participant still has its old share.
fn mixed(old: &KeyRecord, stale: usize) -> KeyRecord {
    let new = old.rotate(&mut OsRng).unwrap();
    new.with_share(stale, &old.packages().keys[stale])
}

#[test]
fn an_old_share_among_new_ones_gives_no_signature_and_its_holder_is_named() {
    let mixed = mixed(&record(3, 5), 1);
    for payload in payloads() {
        assert_eq!(
            mixed.sign(&payload, Network::Bitcoin, &mut OsRng),
            Err(KeyError::SignatureInvalid {
                culprits: vec!["node-2".to_owned()]
            })
        );
    }
}

#[test]
fn the_frost_crate_refuses_an_old_share_among_new_ones_too() {
    let mixed = mixed(&record(2, 3), 0);
    let encoded = mixed.material().encoded().unwrap();
    let keys = encoded.keys.iter().take(2);
    let signers: Vec<_> = keys
        .map(|key| KeyPackage::deserialize(key).unwrap())
        .collect();
    let public = &mixed.material().public().unwrap();
    let rounds: Vec<_> = signers
        .iter()
        .map(|signer| round1::commit(signer.signing_share(), &mut OsRng))
        .collect();
    let identifiers = || signers.iter().map(|signer| *signer.identifier());
    let commitments = identifiers()
        .zip(rounds.iter().map(|round| round.1))
        .collect();
    let package = SigningPackage::new(commitments, b"message");
    let shares = signers
        .iter()
        .zip(&rounds)
        .map(|(signer, round)| {
            let share = round2::sign(&package, &round.0, signer).unwrap();
            (*signer.identifier(), share)
        })
        .collect();
    assert_eq!(
        frost::aggregate(&package, &shares, public),
        Err(Error::InvalidSignatureShare {
            culprits: vec![*signers[0].identifier()]
        })
    );
}

#[test]
fn two_signatures_over_one_message_have_different_nonces() {
    let record = record(2, 2);
    let sign = || record.material().sign(b"message", &mut OsRng).unwrap();
    assert_ne!(sign()[..32], sign()[..32]);
}
