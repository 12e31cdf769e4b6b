//! A document whose signature and certificates have been verified.

use std::collections::BTreeMap;

use super::{CertificateSummary, Document, Error, Policy, payload::Pcr};

/// An attestation document that has been verified up to a root certificate: an NSM under it stated all of this.
///
/// [`VerifiedDocument::check`] judges whether it is the *right* enclave.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedDocument {
    pub(super) document: Document,
    pub(super) root_sha256: [u8; 32],
    pub(super) judged_at_ms: u64,
}

impl VerifiedDocument {
    /// Judges the document by a policy: debug mode, measurements, nonce, user data, public key, age, in this order.
    ///
    /// # Errors
    ///
    /// The rules from `debug-mode` to `from-the-future` in [`Error::rule`]; the first that is broken.
    pub fn check(&self, policy: &Policy) -> Result<(), Error> {
        policy.check(self)
    }

    /// The NSM that made the document: the instance's id and the enclave's, as
    /// `i-0123456789abcdef0-enc0123456789abcdef`. Not empty.
    pub fn module_id(&self) -> &str {
        &self.document.fields.module_id
    }

    /// When the NSM made the document, in milliseconds since 1970, by the NSM's clock. Not 0.
    pub fn timestamp_ms(&self) -> u64 {
        self.document.fields.timestamp_ms
    }

    /// The PCRs that were locked when the document was made: 1 to 32, by index (0 to 31), SHA-384 values of 48 bytes.
    pub fn pcrs(&self) -> &BTreeMap<u8, Pcr> {
        &self.document.fields.pcrs
    }

    /// The caller's nonce: 0 to 512 bytes.
    pub fn nonce(&self) -> Option<&[u8]> {
        self.document.fields.nonce.as_deref()
    }

    /// What the enclave had signed: 0 to 512 bytes. In Permafrost a [`Binding`](crate::binding::Binding).
    pub fn user_data(&self) -> Option<&[u8]> {
        self.document.fields.user_data.as_deref()
    }

    /// The key that AWS KMS encrypts to: 1 to 1024 bytes, by convention SubjectPublicKeyInfo in DER.
    pub fn public_key(&self) -> Option<&[u8]> {
        self.document.fields.public_key.as_deref()
    }

    /// The leaf certificate: X.509 in DER, 1 to 1024 bytes.
    pub fn certificate(&self) -> &[u8] {
        &self.document.fields.certificate
    }

    /// The certificates of the document's path, from the root certificate to the leaf.
    ///
    /// # Errors
    ///
    /// [`Error::CertificateSyntax`] if the document is not signed: it has no path then.
    pub fn path(&self) -> Result<Vec<CertificateSummary>, Error> {
        CertificateSummary::of_path(&self.document.fields)
    }

    /// Whether the enclave runs in debug mode: PCR0 is all zero or absent. In both cases nothing was measured.
    pub fn is_debug(&self) -> bool {
        self.document.is_debug()
    }

    /// Whether an NSM signed it: always, except in builds with the feature `accept-unsigned-documents` and with a root that accepts
    /// unsigned ones.
    pub fn is_signed(&self) -> bool {
        self.document.signature.len() == 96
    }

    /// SHA-256 of the root certificate that the document was verified against; 32 zero bytes if it is not signed.
    pub fn root_sha256(&self) -> &[u8; 32] {
        &self.root_sha256
    }

    /// The time at which it was judged, in milliseconds since 1970; the document's own for [`At::Signed`](super::At::Signed).
    pub fn judged_at_ms(&self) -> u64 {
        self.judged_at_ms
    }

    /// SHA-256 of the whole document, all its bytes: the value of `X-Enclave-Attestation`.
    pub fn digest(&self) -> &[u8; 32] {
        self.document.digest()
    }
}
