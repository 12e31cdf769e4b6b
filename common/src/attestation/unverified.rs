//! What a document says, unverified.

use std::collections::BTreeMap;

use super::{CertificateSummary, Document, Error, payload::Pcr};

/// The fields of a document, **unverified**: anyone can make one that says the same.
///
/// For looking at a document. Code that depends on a field reads it from a [`VerifiedDocument`](super::VerifiedDocument).
#[derive(Clone, Copy, Debug)]
pub struct Unverified<'a>(&'a Document);

impl Document {
    /// What the document says, unverified.
    pub fn unverified(&self) -> Unverified<'_> {
        Unverified(self)
    }
}

impl<'a> Unverified<'a> {
    /// The claimed NSM: at least 1 byte, any characters.
    pub fn module_id(&self) -> &'a str {
        &self.0.fields.module_id
    }

    /// Milliseconds since 1970. Not 0.
    pub fn timestamp_ms(&self) -> u64 {
        self.0.fields.timestamp_ms
    }

    /// PCRs: 1 to 32, by index (0 to 31), 48 bytes each.
    pub fn pcrs(&self) -> &'a BTreeMap<u8, Pcr> {
        &self.0.fields.pcrs
    }

    /// The nonce: 0 to 512 bytes.
    pub fn nonce(&self) -> Option<&'a [u8]> {
        self.0.fields.nonce.as_deref()
    }

    /// The user data: 0 to 512 bytes.
    pub fn user_data(&self) -> Option<&'a [u8]> {
        self.0.fields.user_data.as_deref()
    }

    /// The public key: 1 to 1024 bytes.
    pub fn public_key(&self) -> Option<&'a [u8]> {
        self.0.fields.public_key.as_deref()
    }

    /// Whether PCR0 is all zero or absent, as in the documents of an enclave in debug mode.
    pub fn is_debug(&self) -> bool {
        self.0.is_debug()
    }

    /// The certificates of `cabundle` in their order, then `certificate`.
    ///
    /// # Errors
    ///
    /// [`Error::CertificateSyntax`]: the first that is not an X.509 certificate in DER.
    pub fn path(&self) -> Result<Vec<CertificateSummary>, Error> {
        CertificateSummary::of_path(&self.0.fields)
    }
}

#[cfg(test)]
mod tests {
    use super::super::forge::Path;
    use super::super::{At, RootCertificate};
    use super::*;

    #[test]
    fn a_document_says_the_same_before_and_after_it_is_verified() {
        let (bytes, root) = Path::new().document();
        let document = Document::parse(&bytes).unwrap();
        let verified = document.clone().verify(&root, At::Signed).unwrap();
        let said = document.unverified();
        assert_eq!(said.module_id(), verified.module_id());
        assert_eq!(said.timestamp_ms(), verified.timestamp_ms());
        assert_eq!(said.pcrs(), verified.pcrs());
        assert_eq!(said.nonce(), verified.nonce());
        assert_eq!(said.user_data(), verified.user_data());
        assert_eq!(said.public_key(), verified.public_key());
        assert_eq!(said.is_debug(), verified.is_debug());
        assert_eq!(said.path(), verified.path());
    }

    #[test]
    fn a_document_that_does_not_verify_can_be_looked_at() {
        let (bytes, _) = Path::new().document();
        let document = Document::parse(&bytes).unwrap();
        let refused = document
            .clone()
            .verify(&RootCertificate::aws_nitro_g1(), At::Signed);
        assert_eq!(refused.unwrap_err().rule(), "root");
        assert!(!document.unverified().module_id().is_empty());
    }
}
