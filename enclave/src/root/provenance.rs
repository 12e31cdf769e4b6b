//! Proof that a root secret was generated inside an enclave of this deployment; without it the secret is refused.
//!
//! KMS does not distinguish a ciphertext that `GenerateDataKey` made from one that `Encrypt` or `ReEncrypt` made of a secret that
//! someone knows. A key policy can deny those calls, but not undo the time before it did. So the enclave that generates a root
//! secret has the NSM sign a [`statement`] about it, and an enclave opens only a secret about which an enclave of its own
//! measurements, or of a predecessor that its configuration names, has made such a statement. The statement is the document's
//! `user_data`, which no request can choose.

use ciborium::Value;
use permafrost_common::attestation::{At, Document, Pcr, RootCertificate as TrustAnchor};
use permafrost_common::kms::KeyArn;

use crate::attestor::{AttestError, Attestor};
use crate::sealing::Epoch;

/// The most documents stored with one root secret: the latest are kept.
pub(super) const DOCUMENTS_MAX: usize = 8;

/// Distinguishes the statement from every other `user_data`.
const PURPOSE: &str = "permafrost: a root secret that was generated or taken over in here";

/// Which enclaves' statements are accepted.
#[derive(Clone, Debug)]
pub struct Lineage {
    /// PCR0 of this enclave.
    pub own: Pcr,
    /// PCR0 of the releases before it, from the measured configuration.
    pub predecessors: Vec<Pcr>,
    /// Whether the statement of any enclave under the trust anchor is accepted: for development, where every build is another enclave.
    pub any: bool,
}

/// What the NSM signs: deterministic CBOR of `[purpose, deployment, epoch, key ARN, SHA-256 of the blob]`, at most 512
/// bytes.
pub fn statement(deployment: &str, epoch: Epoch, key: &KeyArn, blob: &[u8]) -> Vec<u8> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, blob);
    let array = Value::Array(vec![
        PURPOSE.into(),
        deployment.into(),
        epoch.into(),
        key.as_str().into(),
        Value::Bytes(digest.as_ref().to_vec()),
    ]);
    let mut bytes = Vec::new();
    // Writing to a Vec has no error to give.
    let _ = ciborium::into_writer(&array, &mut bytes);
    bytes
}

/// Has the NSM sign a statement. Blocks on the NSM.
pub(super) fn attest(attestor: &Attestor, statement: &[u8]) -> Result<Vec<u8>, AttestError> {
    Ok(attestor.nsm.attest(Some(statement), None, None)?)
}

impl Lineage {
    /// Checks that one of the documents makes this statement and is of an accepted enclave.
    ///
    /// # Errors
    /// What is wrong with each document.
    pub(super) fn check(
        &self,
        documents: &[Vec<u8>],
        statement: &[u8],
        anchor: &TrustAnchor,
    ) -> Result<(), String> {
        if documents.is_empty() {
            return Err("it has no document".to_owned());
        }
        let mut wrong = Vec::new();
        for document in documents {
            match self.check_one(document, statement, anchor) {
                Ok(()) => return Ok(()),
                Err(reason) => wrong.push(reason),
            }
        }
        Err(wrong.join("; "))
    }

    /// Whether one of the documents is of this very enclave image.
    pub(super) fn has_own(
        &self,
        documents: &[Vec<u8>],
        statement: &[u8],
        anchor: &TrustAnchor,
    ) -> bool {
        let own = Self {
            predecessors: Vec::new(),
            any: false,
            ..self.clone()
        };
        own.check(documents, statement, anchor).is_ok()
    }

    fn check_one(
        &self,
        document: &[u8],
        statement: &[u8],
        anchor: &TrustAnchor,
    ) -> Result<(), String> {
        // Made when the secret was generated, whenever that was: its age says nothing.
        let verified = Document::parse(document)
            .and_then(|parsed| parsed.verify(anchor, At::Signed))
            .map_err(|error| format!("a document does not verify: {error}"))?;
        if verified.user_data() != Some(statement) {
            return Err("a document makes another statement".to_owned());
        }
        let zero = [0; 48];
        let pcr0 = verified.pcrs().get(&0).unwrap_or(&zero);
        let is_debug = verified.is_debug() && self.own != zero;
        if !is_debug && (self.any || *pcr0 == self.own || self.predecessors.contains(pcr0)) {
            return Ok(());
        }
        Err(format!(
            "a document is of the enclave with PCR0 {}, which is neither this one nor in root.predecessors",
            hex::encode(pcr0)
        ))
    }
}
