//! What `permafrost demo --json` prints: everything that a third party needs to check the demo.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use permafrost_common::api::NostrEvent;
use permafrost_common::attestation::Pcr;
use serde::Serialize;

/// One JSON object; hex is lower case.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The BIP-340 public key: 32 bytes, x-only, hex.
    pub group_public_key: String,
    /// How many participants a signature takes.
    pub threshold: u16,
    /// The participants' names.
    pub participants: Vec<String>,
    /// A complete Nostr event (NIP-01).
    pub nostr_event: NostrEvent,
    /// A signed message.
    pub message: MessageReport,
    /// A signed Taproot key-path spend.
    pub taproot: TaprootReport,
    /// The same message, signed after the shares were refreshed.
    pub rotated: RotatedReport,
    /// What the enclave is.
    pub attestation: AttestationReport,
}

/// A BIP-340 signature over bytes.
#[derive(Clone, Debug, Serialize)]
pub struct MessageReport {
    /// The 32 bytes that were signed, hex.
    pub message: String,
    /// 32 bytes, x-only, hex.
    pub public_key: String,
    /// 64 bytes, hex.
    pub signature: String,
}

/// A BIP-341 key-path spend.
#[derive(Clone, Debug, Serialize)]
pub struct TaprootReport {
    /// The signature hash of the input, 32 bytes, hex.
    pub sighash: String,
    /// The tweaked key: 32 bytes, x-only, hex.
    pub output_key: String,
    /// The bech32m address of the output that is spent.
    pub address: String,
    /// The BIP-340 signature by the output key, 64 bytes, hex.
    pub signature: String,
}

/// After the rotation.
#[derive(Clone, Debug, Serialize)]
pub struct RotatedReport {
    /// The key, which a rotation does not change: 32 bytes, x-only, hex.
    pub group_public_key: String,
    /// Over the same message as before: 64 bytes, hex.
    pub signature: String,
}

/// An attestation document and what it was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct AttestationReport {
    /// COSE_Sign1, standard base64.
    pub document: String,
    /// The nonce that it repeats, 32 bytes, hex.
    pub nonce: String,
    /// The development root's certificate, PEM.
    pub root_pem: String,
    /// PCR index to 48 bytes, hex.
    pub pcrs: BTreeMap<u8, String>,
}

impl AttestationReport {
    /// The report of one document.
    pub fn of(document: &[u8], nonce: &[u8], root_pem: String, pcrs: &BTreeMap<u8, Pcr>) -> Self {
        Self {
            document: STANDARD.encode(document),
            nonce: hex::encode(nonce),
            root_pem,
            pcrs: pcrs
                .iter()
                .map(|(index, value)| (*index, hex::encode(value)))
                .collect(),
        }
    }
}
