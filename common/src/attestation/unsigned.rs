//! Unsigned documents, as QEMU's NSM makes them: for tests of booted images.
//!
//! QEMU's `nitro-enclave` machine measures its image and responds as the device does, but has no key to sign with: the
//! algorithm of its documents is -1, and the signature, the certificate and the only certificate of the bundle are 64 zero bytes
//! each (`hw/virtio/virtio-nsm.c`). Anyone can make such a document, so this module is not in any production build: it
//! requires the feature `accept-unsigned-documents`, and in addition a [`RootCertificate`] that accepts them explicitly.

use ciborium::Value;

use super::{Document, Error, RootCertificate, VerifiedDocument};

/// The label of the PEM block that takes the place of a root certificate.
pub(super) const LABEL: &str = "ACCEPT UNSIGNED DOCUMENTS";

/// What the block holds: whose unsigned documents.
pub(super) const CONTENT: &[u8] = b"QEMU";

const ZEROS: [u8; 64] = [0; 64];

/// Whether a document's header and signature are those of QEMU's NSM.
pub(super) fn is_form(protected: &Value, signature: &[u8]) -> bool {
    let no_algorithm = [(Value::from(1), Value::from(-1))];
    matches!(protected, Value::Map(entries) if *entries == no_algorithm) && signature == ZEROS
}

impl Document {
    /// Accepts the document as it is, if it has the form of QEMU's. A signed one is refused: a verifier with this root has not
    /// named a certificate that it trusts.
    pub(super) fn accept_unsigned(
        self,
        root: &RootCertificate,
        at_ms: u64,
    ) -> Result<VerifiedDocument, Error> {
        let unsigned = self.signature == ZEROS
            && self.fields.certificate == ZEROS
            && self.fields.cabundle == [ZEROS];
        if !unsigned {
            return Err(Error::NotUnsigned);
        }
        Ok(VerifiedDocument {
            document: self,
            root_sha256: *root.sha256(),
            judged_at_ms: at_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::forge::{self, Path, set};
    use super::super::{At, RootCertificateError};
    use super::*;

    const ROOT: &str = include_str!("../../../image/accept-unsigned-documents.pem");

    /// A document as QEMU 10.0 makes it, with a change to its fields.
    fn unsigned(change: impl FnOnce(&mut forge::Fields)) -> Vec<u8> {
        let mut fields = forge::fields();
        set(&mut fields, "certificate", Value::Bytes(ZEROS.to_vec()));
        let bundle = Value::Array(vec![Value::Bytes(ZEROS.to_vec())]);
        set(&mut fields, "cabundle", bundle);
        change(&mut fields);
        let payload = forge::encode(&Value::Map(fields));
        with_parts(&[0xa1, 0x01, 0x20], &payload, &ZEROS)
    }

    fn with_parts(protected: &[u8], payload: &[u8], signature: &[u8]) -> Vec<u8> {
        forge::encode(&Value::Array(vec![
            Value::Bytes(protected.to_vec()),
            Value::Map(Vec::new()),
            Value::Bytes(payload.to_vec()),
            Value::Bytes(signature.to_vec()),
        ]))
    }

    fn judge(bytes: &[u8], root: &RootCertificate) -> Result<VerifiedDocument, Error> {
        Document::parse(bytes)?.verify(root, At::Signed)
    }

    #[test]
    fn an_unsigned_document_is_accepted_with_the_root_for_it_and_with_no_other() {
        let document = unsigned(|_| ());
        let accepted = judge(&document, &RootCertificate::unsigned_documents_of_qemu()).unwrap();
        assert!(!accepted.is_signed());
        let (_, root) = Path::new().document();
        for root in [RootCertificate::aws_nitro_g1(), root] {
            assert_eq!(judge(&document, &root).unwrap_err().rule(), "root");
        }
    }

    #[test]
    fn where_unsigned_documents_are_accepted_signed_ones_are_not() {
        let (document, _) = Path::new().document();
        let refused = judge(&document, &RootCertificate::unsigned_documents_of_qemu());
        assert_eq!(refused.unwrap_err(), Error::NotUnsigned);
    }

    #[test]
    fn only_the_exact_form_of_qemus_documents_is_accepted() {
        let root = RootCertificate::unsigned_documents_of_qemu();
        let payload = forge::encode(&Value::Map(forge::fields()));
        for (bytes, rule) in [
            // Another algorithm, another signature, and both of a signed document's lengths.
            (
                with_parts(&[0xa1, 0x01, 0x21], &payload, &ZEROS),
                "protected-header",
            ),
            (with_parts(&[0xa0], &payload, &ZEROS), "protected-header"),
            (
                with_parts(&[0xa1, 0x01, 0x20], &payload, &[0; 96]),
                "protected-header",
            ),
            (
                with_parts(&[0xa1, 0x01, 0x20], &payload, &[1; 64]),
                "protected-header",
            ),
            (
                with_parts(&[0xa1, 0x01, 0x38, 0x22], &payload, &ZEROS),
                "signature-length",
            ),
            // Certificates that are there.
            (
                with_parts(&[0xa1, 0x01, 0x20], &payload, &ZEROS),
                "not-unsigned",
            ),
            (
                unsigned(|fields| set(fields, "certificate", Value::Bytes(vec![0; 63]))),
                "not-unsigned",
            ),
            (
                unsigned(|fields| {
                    let bundle = vec![Value::Bytes(ZEROS.to_vec()); 2];
                    set(fields, "cabundle", Value::Array(bundle));
                }),
                "not-unsigned",
            ),
        ] {
            assert_eq!(judge(&bytes, &root).unwrap_err().rule(), rule);
        }
    }

    #[test]
    fn the_root_for_unsigned_documents_reads_from_its_pem_block() {
        let root = RootCertificate::from_pem(ROOT).unwrap();
        assert_eq!(root, RootCertificate::unsigned_documents_of_qemu());
        assert!(format!("{root:?}").contains("unsigned"), "{root:?}");
        let of_others = ROOT.replace("UUVNVQ==", "QVdT");
        assert!(matches!(
            RootCertificate::from_pem(&of_others),
            Err(RootCertificateError::Pem(_))
        ));
    }
}
