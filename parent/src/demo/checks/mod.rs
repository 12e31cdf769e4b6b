//! Everything in a [`Report`], checked by code that shares nothing with the signer: the `nostr` crate, libsecp256k1,
//! the `bitcoin` crate, and the verifier of attestation documents.

use std::collections::BTreeMap;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bitcoin::hashes::Hash;
use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{self, Message, Secp256k1, VerifyOnly, XOnlyPublicKey, schnorr};
use bitcoin::{Address, Network};
use permafrost_common::attestation::{At, Document, Policy, RootCertificate};
use permafrost_common::binding::Binding;

use super::{MESSAGE, Report, Spend};

/// A check that passed.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was checked.
    pub what: &'static str,
    /// The code that checked it.
    pub by: &'static str,
}

/// A check that failed: the enclave returned something wrong.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why} (checked by {by})")]
pub struct Failed {
    what: &'static str,
    by: &'static str,
    why: String,
}

const NOSTR: &str = "nostr crate";
const LIBSECP256K1: &str = "libsecp256k1";
const BITCOIN: &str = "bitcoin crate";
const ATTESTATION: &str = "attestation verifier";

/// Checks everything.
///
/// # Errors
/// The first check that fails.
pub fn check(report: &Report, spend: &Spend) -> Result<Vec<Check>, Failed> {
    let mut checks = Checks {
        report,
        spend,
        secp: Secp256k1::verification_only(),
        passed: Vec::new(),
    };
    checks.pass("the event's id and signature", NOSTR, Checks::event)?;
    checks.pass(
        "the event is by the key and says what was asked",
        NOSTR,
        Checks::event_content,
    )?;
    checks.pass("the message's signature", LIBSECP256K1, Checks::message)?;
    checks.pass("the output key and its address", BITCOIN, Checks::output)?;
    checks.pass(
        "the signature hash of the transaction",
        BITCOIN,
        Checks::sighash,
    )?;
    checks.pass(
        "the spend's signature by the output key",
        LIBSECP256K1,
        Checks::spend,
    )?;
    checks.pass(
        "the same key after the rotation, signing anew",
        LIBSECP256K1,
        Checks::rotated,
    )?;
    checks.pass(
        "the document, up to the development root",
        ATTESTATION,
        Checks::document,
    )?;
    Ok(checks.passed)
}

struct Checks<'a> {
    report: &'a Report,
    spend: &'a Spend,
    secp: Secp256k1<VerifyOnly>,
    passed: Vec<Check>,
}

impl Checks<'_> {
    fn pass(
        &mut self,
        what: &'static str,
        by: &'static str,
        check: impl FnOnce(&Self) -> Result<(), String>,
    ) -> Result<(), Failed> {
        check(self).map_err(|why| Failed { what, by, why })?;
        self.passed.push(Check { what, by });
        Ok(())
    }

    fn event(&self) -> Result<(), String> {
        self.parsed_event()?.verify().map_err(text)
    }

    fn event_content(&self) -> Result<(), String> {
        let event = self.parsed_event()?;
        same(
            "author",
            &event.pubkey.to_hex(),
            &self.report.group_public_key,
        )?;
        same("kind", &event.kind.as_u16().to_string(), "1")?;
        same("tags", &event.tags.len().to_string(), "1")
    }

    fn parsed_event(&self) -> Result<nostr::event::Event, String> {
        // Parsed from text, as a relay receives it.
        let json = serde_json::to_string(&self.report.nostr_event).map_err(text)?;
        serde_json::from_str(&json).map_err(text)
    }

    fn message(&self) -> Result<(), String> {
        let message = &self.report.message;
        same("message", &message.message, &hex::encode(MESSAGE))?;
        same(
            "public key",
            &message.public_key,
            &self.report.group_public_key,
        )?;
        self.verify(&message.signature, MESSAGE, &message.public_key)
    }

    fn output(&self) -> Result<(), String> {
        let internal = x_only(&self.report.group_public_key)?;
        let (output, _) = internal.tap_tweak(&self.secp, None);
        same(
            "output key",
            &self.report.taproot.output_key,
            &output.to_string(),
        )?;
        let address = Address::p2tr(&self.secp, internal, None, Network::Bitcoin);
        same(
            "address",
            &self.report.taproot.address,
            &address.to_string(),
        )
    }

    fn sighash(&self) -> Result<(), String> {
        let address = Address::from_script(&self.spend.spent.script_pubkey, Network::Bitcoin)
            .map_err(text)?;
        same(
            "spent output",
            &address.to_string(),
            &self.report.taproot.address,
        )?;
        let sighash = self.spend.sighash().map_err(text)?;
        same(
            "signature hash",
            &self.report.taproot.sighash,
            &hex::encode(sighash.to_byte_array()),
        )
    }

    /// The signature is taken from the transaction's witness, where a node would look for it.
    fn spend(&self) -> Result<(), String> {
        let witness = self
            .spend
            .transaction
            .input
            .first()
            .and_then(|input| input.witness.nth(0))
            .ok_or("the transaction has no witness")?;
        let signature = hex::encode(witness);
        same("signature", &signature, &self.report.taproot.signature)?;
        let sighash = self.spend.sighash().map_err(text)?.to_byte_array();
        self.verify(&signature, &sighash, &self.report.taproot.output_key)
    }

    fn rotated(&self) -> Result<(), String> {
        let rotated = &self.report.rotated;
        same(
            "key",
            &rotated.group_public_key,
            &self.report.group_public_key,
        )?;
        if rotated.signature == self.report.message.signature {
            return Err("the signature is the one from before".to_owned());
        }
        self.verify(&rotated.signature, MESSAGE, &rotated.group_public_key)
    }

    fn document(&self) -> Result<(), String> {
        let attestation = &self.report.attestation;
        let root = RootCertificate::from_pem(&attestation.root_pem).map_err(text)?;
        let nonce = hex::decode(&attestation.nonce).map_err(text)?;
        let bytes = STANDARD.decode(&attestation.document).map_err(text)?;
        let document = Document::parse(&bytes)
            .and_then(|document| document.verify(&root, At::Now))
            .map_err(text)?;
        document
            .check(&Policy::any_measurements().nonce(nonce))
            .map_err(text)?;
        let pcrs: BTreeMap<u8, String> = document
            .pcrs()
            .iter()
            .map(|(index, value)| (*index, hex::encode(value)))
            .collect();
        if pcrs != attestation.pcrs {
            return Err("the PCRs are not those of the document".to_owned());
        }
        let user_data = document.user_data().unwrap_or_default();
        let binding = Binding::from_user_data(user_data).map_err(text)?;
        same("deployment", &binding.deployment, "development")
    }

    fn verify(&self, signature: &str, digest: &[u8; 32], public_key: &str) -> Result<(), String> {
        let signature = schnorr::Signature::from_str(signature).map_err(text)?;
        self.secp
            .verify_schnorr(
                &signature,
                &Message::from_digest(*digest),
                &x_only(public_key)?,
            )
            .map_err(text)
    }
}

fn x_only(digits: &str) -> Result<XOnlyPublicKey, String> {
    XOnlyPublicKey::from_str(digits).map_err(|error: secp256k1::Error| error.to_string())
}

fn same(what: &str, found: &str, expected: &str) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what} is {found}, expected {expected}"))
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
