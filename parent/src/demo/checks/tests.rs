//! Each check fails for what it is there to notice. The reports are signed by a key of this test. Their attestation
//! document is invalid, so a report that is otherwise correct fails at the last check.

use std::collections::BTreeMap;

use bitcoin::hashes::sha256;
use bitcoin::key::{Keypair, TapTweak, TweakedKeypair};
use bitcoin::secp256k1::All;
use permafrost_common::api::NostrEvent;

use super::*;
use crate::demo::{AttestationReport, MessageReport, RotatedReport, TaprootReport};

struct Signer {
    secp: Secp256k1<All>,
    keypair: Keypair,
}

impl Signer {
    fn new() -> Self {
        let secp = Secp256k1::new();
        let keypair = Keypair::from_seckey_slice(&secp, &[7; 32]).unwrap();
        Self { secp, keypair }
    }

    fn public_key(&self) -> XOnlyPublicKey {
        self.keypair.x_only_public_key().0
    }

    fn sign(&self, digest: [u8; 32], aux: u8) -> String {
        let message = Message::from_digest(digest);
        self.secp
            .sign_schnorr_with_aux_rand(&message, &self.keypair, &[aux; 32])
            .to_string()
    }

    fn event(&self) -> NostrEvent {
        let pubkey = self.public_key().to_string();
        let tags = vec![vec!["t".to_owned(), "permafrost".to_owned()]];
        let serialised =
            serde_json::json!([0, pubkey, 1_700_000_000, 1, tags, "hello"]).to_string();
        let id = sha256::Hash::hash(serialised.as_bytes()).to_byte_array();
        NostrEvent {
            id: hex::encode(id),
            pubkey,
            created_at: 1_700_000_000,
            kind: 1,
            tags,
            content: "hello".to_owned(),
            sig: self.sign(id, 0),
        }
    }

    fn report(&self) -> (Report, Spend) {
        let group_public_key = self.public_key().to_string();
        let tweaked: TweakedKeypair = self.keypair.tap_tweak(&self.secp, None);
        let address = Address::p2tr(&self.secp, self.public_key(), None, Network::Bitcoin);
        let mut spend = Spend::of(&address.to_string()).unwrap();
        let sighash = Message::from_digest(spend.sighash().unwrap().to_byte_array());
        let signature = self
            .secp
            .sign_schnorr_no_aux_rand(&sighash, &tweaked.to_keypair())
            .to_string();
        spend.complete(&signature).unwrap();
        let report = Report {
            threshold: 2,
            participants: Vec::new(),
            nostr_event: self.event(),
            message: MessageReport {
                message: hex::encode(MESSAGE),
                public_key: group_public_key.clone(),
                signature: self.sign(*MESSAGE, 1),
            },
            taproot: TaprootReport {
                sighash: spend.sighash_hex(),
                output_key: tweaked.to_keypair().x_only_public_key().0.to_string(),
                address: address.to_string(),
                signature,
            },
            rotated: RotatedReport {
                group_public_key: group_public_key.clone(),
                signature: self.sign(*MESSAGE, 2),
            },
            attestation: AttestationReport::of(b"none", b"", String::new(), &BTreeMap::new()),
            group_public_key,
        };
        (report, spend)
    }
}

/// The check that fails once `alter` has changed something.
fn failing(alter: impl FnOnce(&mut Report, &mut Spend)) -> &'static str {
    let (mut report, mut spend) = Signer::new().report();
    alter(&mut report, &mut spend);
    check(&report, &spend).unwrap_err().what
}

/// The same text with another last hex digit.
fn flip(digits: &mut String) {
    let last = digits.pop().unwrap();
    digits.push(if last == '0' { '1' } else { '0' });
}

#[test]
fn a_report_that_is_right_passes_every_check_but_the_documents() {
    assert_eq!(
        failing(|_, _| {}),
        "the document, up to the development root"
    );
}

#[test]
fn an_altered_event_is_noticed() {
    let noticed = "the event's id and signature";
    assert_eq!(
        failing(|report, _| report.nostr_event.content.push('!')),
        noticed
    );
    assert_eq!(failing(|report, _| report.nostr_event.kind = 7), noticed);
    assert_eq!(
        failing(|report, _| flip(&mut report.nostr_event.sig)),
        noticed
    );
    assert_eq!(
        failing(|report, _| flip(&mut report.nostr_event.id)),
        noticed
    );
}

#[test]
fn an_event_of_another_key_is_noticed() {
    let other = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    assert_eq!(
        failing(|report, _| report.group_public_key = other.to_owned()),
        "the event is by the key and says what was asked"
    );
}

#[test]
fn an_altered_message_is_noticed() {
    let noticed = "the message's signature";
    assert_eq!(
        failing(|report, _| flip(&mut report.message.signature)),
        noticed
    );
    assert_eq!(
        failing(|report, _| flip(&mut report.message.message)),
        noticed
    );
    assert_eq!(
        failing(|report, _| flip(&mut report.message.public_key)),
        noticed
    );
}

#[test]
fn another_output_is_noticed() {
    let noticed = "the output key and its address";
    assert_eq!(
        failing(|report, _| flip(&mut report.taproot.output_key)),
        noticed
    );
    assert_eq!(
        failing(|report, _| flip(&mut report.taproot.address)),
        noticed
    );
    // The key without its tweak is not the output key.
    let untweaked =
        |report: &mut Report| report.taproot.output_key = report.group_public_key.clone();
    assert_eq!(failing(|report, _| untweaked(report)), noticed);
}

#[test]
fn another_transaction_is_noticed() {
    let noticed = "the signature hash of the transaction";
    let pay_more =
        |spend: &mut Spend| spend.transaction.output[0].value += bitcoin::Amount::ONE_SAT;
    assert_eq!(failing(|_, spend| pay_more(spend)), noticed);
    assert_eq!(
        failing(|report, _| flip(&mut report.taproot.sighash)),
        noticed
    );
}

#[test]
fn a_spend_signed_by_the_key_without_its_tweak_is_noticed() {
    let untweaked = |report: &mut Report, spend: &mut Spend| {
        let sighash = spend.sighash().unwrap().to_byte_array();
        report.taproot.signature = Signer::new().sign(sighash, 0);
        spend.complete(&report.taproot.signature).unwrap();
    };
    assert_eq!(
        failing(untweaked),
        "the spend's signature by the output key"
    );
}

#[test]
fn a_rotation_that_changes_the_key_or_signs_nothing_is_noticed() {
    let noticed = "the same key after the rotation, signing anew";
    assert_eq!(
        failing(|report, _| flip(&mut report.rotated.group_public_key)),
        noticed
    );
    assert_eq!(
        failing(|report, _| flip(&mut report.rotated.signature)),
        noticed
    );
    let kept = |report: &mut Report| report.rotated.signature = report.message.signature.clone();
    assert_eq!(failing(|report, _| kept(report)), noticed);
}
