//! Root certificates.

use std::fmt;

use x509_parser::{parse_x509_certificate, pem::Pem};

use super::document::sha256;
#[cfg(feature = "accept-unsigned-documents")]
use super::unsigned;

const AWS_NITRO_G1: &str = include_str!("aws-nitro-root-g1.pem");

/// The certificate with which a document's `cabundle` must begin, byte for byte.
///
/// There is no default. A verifier of production enclaves uses [`RootCertificate::aws_nitro_g1`]; a verifier of development
/// enclaves reads the root certificate of that very emulator. Reading one judges nothing: [`Document::verify`] applies the
/// rules for every certificate of the path to it, including validity.
///
/// [`Document::verify`]: super::Document::verify
#[derive(Clone, Eq, PartialEq)]
pub struct RootCertificate {
    der: Vec<u8>,
    sha256: [u8; 32],
    #[cfg(feature = "accept-unsigned-documents")]
    unsigned: bool,
}

/// Why bytes are not a [`RootCertificate`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RootCertificateError {
    /// The text is not one PEM block.
    #[error("the root certificate is not PEM: {0}, accepted: one block, BEGIN CERTIFICATE")]
    Pem(String),
    /// The bytes are not one X.509 certificate in DER.
    #[error("the root certificate is not a certificate: {0}, accepted: X.509 in DER")]
    Der(String),
}

impl RootCertificate {
    /// The AWS Nitro Enclaves root certificate G1 of the commercial partitions, as AWS publishes it. SHA-256 of the DER:
    /// `641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b`. Valid until 2049-10-28.
    pub fn aws_nitro_g1() -> Self {
        // The embedded text does not change and a test reads it, so callers have no error to handle. If it were broken,
        // the empty certificate would match no document: each certificate of a bundle has at least one byte.
        Self::from_pem(AWS_NITRO_G1).unwrap_or(Self::of(Vec::new(), [0; 32]))
    }

    /// Not a certificate: accepts unsigned documents in the form of QEMU's NSM, and no others. Anyone can make one. Only with
    /// the feature `accept-unsigned-documents`, for tests of booted images.
    #[cfg(feature = "accept-unsigned-documents")]
    pub fn unsigned_documents_of_qemu() -> Self {
        Self {
            unsigned: true,
            ..Self::of(Vec::new(), [0; 32])
        }
    }

    /// A root certificate from PEM (RFC 7468): one `CERTIFICATE` block; text before it is skipped.
    ///
    /// # Errors
    ///
    /// [`RootCertificateError::Pem`] without such a block or with more than one, [`RootCertificateError::Der`] if its content is not a certificate.
    pub fn from_pem(pem: &str) -> Result<Self, RootCertificateError> {
        let mut blocks = Pem::iter_from_buffer(pem.as_bytes());
        let block = blocks
            .next()
            .ok_or_else(|| RootCertificateError::Pem("there is no block".to_owned()))?
            .map_err(|error| RootCertificateError::Pem(error.to_string()))?;
        #[cfg(feature = "accept-unsigned-documents")]
        if block.label == unsigned::LABEL && block.contents == unsigned::CONTENT {
            return Ok(Self::unsigned_documents_of_qemu());
        }
        if block.label != "CERTIFICATE" {
            return Err(RootCertificateError::Pem(format!(
                "the block is {:?}",
                block.label
            )));
        }
        if blocks.next().is_some() {
            return Err(RootCertificateError::Pem(
                "there is more than one block".to_owned(),
            ));
        }
        Self::from_der(&block.contents)
    }

    /// A root certificate from DER: one X.509 certificate and nothing after it.
    ///
    /// # Errors
    ///
    /// [`RootCertificateError::Der`].
    pub fn from_der(der: &[u8]) -> Result<Self, RootCertificateError> {
        let (rest, _) = parse_x509_certificate(der)
            .map_err(|error| RootCertificateError::Der(error.to_string()))?;
        if !rest.is_empty() {
            return Err(RootCertificateError::Der(format!(
                "{} bytes follow it",
                rest.len()
            )));
        }
        Ok(Self::of(der.to_vec(), sha256(der)))
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the DER.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    #[cfg(feature = "accept-unsigned-documents")]
    pub(super) fn is_unsigned(&self) -> bool {
        self.unsigned
    }

    fn of(der: Vec<u8>, sha256: [u8; 32]) -> Self {
        Self {
            der,
            sha256,
            #[cfg(feature = "accept-unsigned-documents")]
            unsigned: false,
        }
    }
}

impl fmt::Debug for RootCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "accept-unsigned-documents")]
        if self.unsigned {
            return f.write_str("RootCertificate(unsigned documents of QEMU)");
        }
        write!(f, "RootCertificate({})", hex::encode(self.sha256))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_root_certificate_is_the_one_that_aws_publishes() {
        assert_eq!(
            hex::encode(RootCertificate::aws_nitro_g1().sha256()),
            "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"
        );
    }

    #[test]
    fn a_root_certificate_reads_from_pem_and_der_alike() {
        let root = RootCertificate::aws_nitro_g1();
        assert_eq!(RootCertificate::from_der(root.der()), Ok(root.clone()));
        assert_eq!(
            RootCertificate::from_pem(&format!("AWS\n{AWS_NITRO_G1}\n\n")),
            Ok(root)
        );
    }

    #[test]
    fn what_is_not_exactly_one_certificate_is_no_root() {
        let pem_error = |pem: &str| {
            matches!(
                RootCertificate::from_pem(pem),
                Err(RootCertificateError::Pem(_))
            )
        };
        assert!(pem_error(""));
        assert!(pem_error("no block"));
        assert!(pem_error(&AWS_NITRO_G1.repeat(2)));
        assert!(pem_error(
            &AWS_NITRO_G1.replace("CERTIFICATE", "PUBLIC KEY")
        ));
        assert!(pem_error(&AWS_NITRO_G1.replace("MII", "M!I")));
        #[cfg(not(feature = "accept-unsigned-documents"))]
        assert!(pem_error(include_str!(
            "../../../image/accept-unsigned-documents.pem"
        )));

        let der = RootCertificate::aws_nitro_g1().der().to_vec();
        for end in 0..der.len() {
            assert!(matches!(
                RootCertificate::from_der(&der[..end]),
                Err(RootCertificateError::Der(_))
            ));
        }
        assert!(matches!(
            RootCertificate::from_der(&[der, vec![0]].concat()),
            Err(RootCertificateError::Der(_))
        ));
    }
}
