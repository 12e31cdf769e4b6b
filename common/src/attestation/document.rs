//! The `COSE_Sign1` around an attestation document, and the step from parsed to verified.

use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use ciborium::Value;

use super::{
    VerifiedDocument, cbor,
    certificate::Key,
    error::{Error, Place, quoted},
    path::Path,
    payload::Payload,
    root_certificate::RootCertificate,
};

/// The longest document that is parsed, in bytes: 16 KiB. Real documents have 4 to 6 KiB.
pub const DOCUMENT_MAX: usize = 16 * 1024;

/// An attestation document that has been parsed and **not** verified.
///
/// [`Document::verify`] turns it into a [`VerifiedDocument`], whose fields can be trusted. [`Document::unverified`]
/// shows what a document says without verifying it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document {
    sha256: [u8; 32],
    protected: Vec<u8>,
    payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) fields: Payload,
}

/// The time at which the certificates must be valid and the document's age is computed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum At {
    /// This machine's clock, now: for clients.
    Now,
    /// A given time; before 1970 counts as 1970.
    Time(SystemTime),
    /// The document's own signed timestamp: was it valid when it was made? For audits of stored documents. It says
    /// nothing about freshness: a leaf key that leaks after its three hours can sign any timestamp within them.
    Signed,
}

impl Document {
    /// Parses a document: `COSE_Sign1` (RFC 9052 section 4.2) in CBOR (RFC 8949), tagged 18 or untagged, 1 to
    /// [`DOCUMENT_MAX`] bytes. Maps and arrays may have definite or indefinite length. Every syntax rule of AWS's
    /// "Nitro Enclaves Attestation Process" section 3.2.2 is checked here; the signature is not.
    ///
    /// # Errors
    ///
    /// The rules from `document-size` to `pcr-index` in [`Error::rule`]: the structure, the headers, and the type
    /// and length of each field. Unknown, missing and repeated fields and bytes after the end are refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if !(1..=DOCUMENT_MAX).contains(&bytes.len()) {
            return Err(Error::DocumentSize { found: bytes.len() });
        }
        let [protected, unprotected, payload, signature] = sign1(cbor::read(bytes, "document")?)?;

        let protected = byte_string(protected, "the protected header")?;
        let signature = byte_string(signature, "the signature")?;
        check_seal(&cbor::read(&protected, "protected header")?, &signature)?;
        match unprotected {
            Value::Map(entries) if entries.is_empty() => {}
            other => {
                return Err(Error::UnprotectedHeader {
                    found: shown(&other),
                });
            }
        }
        let payload = byte_string(payload, "the payload")?;
        Ok(Self {
            sha256: sha256(bytes),
            fields: Payload::parse(&payload)?,
            protected,
            payload,
            signature,
        })
    }

    /// Verifies the document: its certificates lead from `root` to the leaf, all are valid at `at`, and the leaf's key
    /// made the ES384 signature. [`VerifiedDocument::check`] judges what the document says.
    ///
    /// The path (AWS section 3.2.3, RFC 5280 section 6) is `cabundle[0]` = `root` byte for byte, then the rest of
    /// `cabundle`, then `certificate`. Each is issued and signed by the one before it with ecdsa-with-SHA384 under a
    /// P-384 key and is valid at `at`, both ends included. All but the leaf are CAs with keyCertSign and a path length
    /// that allows what follows; the leaf is not a CA and has digitalSignature. A critical extension other than basic
    /// constraints and key usage is refused. Revocation is not checked: AWS says not to.
    ///
    /// # Errors
    ///
    /// The rules from `root` to `document-signature` in [`Error::rule`].
    pub fn verify(self, root: &RootCertificate, at: At) -> Result<VerifiedDocument, Error> {
        let at_ms = match at {
            At::Now => unix_ms(SystemTime::now()),
            At::Time(time) => unix_ms(time),
            At::Signed => self.fields.timestamp_ms,
        };
        #[cfg(feature = "accept-unsigned-documents")]
        if root.is_unsigned() {
            return self.accept_unsigned(root, at_ms);
        }
        let path = Path::parse(root, &self.fields.cabundle, &self.fields.certificate)?;
        path.check_rules(i64::try_from(at_ms / 1000).unwrap_or(i64::MAX))?;
        // Before the path's own five: an altered document fails after one signature.
        self.check_signature(path.leaf_key())?;
        path.check_signatures()?;
        Ok(VerifiedDocument {
            document: self,
            root_sha256: *root.sha256(),
            judged_at_ms: at_ms,
        })
    }

    /// SHA-256 of the document, all its bytes.
    pub fn digest(&self) -> &[u8; 32] {
        &self.sha256
    }

    pub(super) fn is_debug(&self) -> bool {
        let pcr0 = self.fields.pcrs.get(&0);
        pcr0.is_none_or(|pcr0| pcr0.iter().all(|byte| *byte == 0))
    }

    fn check_signature(&self, leaf_key: &Key) -> Result<(), Error> {
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, leaf_key)
            .verify(
                &sig_structure(&self.protected, &self.payload),
                &self.signature,
            )
            .map_err(|_| Error::DocumentSignature {
                issuer: Place::Leaf,
            })
    }
}

/// The bytes that a `COSE_Sign1` signs (RFC 9052 section 4.4), without external data: what the NSM signs and
/// [`Document::verify`] checks.
pub fn sig_structure(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + protected.len() + 32);
    let structure = Value::Array(vec![
        "Signature1".into(),
        Value::Bytes(protected.to_vec()),
        Value::Bytes(Vec::new()),
        Value::Bytes(payload.to_vec()),
    ]);
    // Writing to a Vec cannot fail.
    let _ = ciborium::into_writer(&structure, &mut bytes);
    bytes
}

fn sign1(value: Value) -> Result<[Value; 4], Error> {
    let expected = "an array of four, untagged or with tag 18";
    let array = match value {
        Value::Tag(18, inner) => *inner,
        other => other,
    };
    match array {
        Value::Array(parts) => parts
            .try_into()
            .map_err(|parts: Vec<_>| Error::CoseStructure {
                found: format!("an array of {}", parts.len()),
                expected,
            }),
        Value::Tag(tag, _) => Err(Error::CoseStructure {
            found: format!("tagged {tag}"),
            expected,
        }),
        other => Err(Error::CoseStructure {
            found: cbor::kind(&other).to_owned(),
            expected,
        }),
    }
}

fn byte_string(value: Value, part: &'static str) -> Result<Vec<u8>, Error> {
    value.into_bytes().map_err(|other| Error::CoseStructure {
        found: format!("one where {part} is {}", cbor::kind(&other)),
        expected: "byte strings for the protected header, the payload and the signature",
    })
}

/// Checks the algorithm and the length of the signature, not the signature itself.
fn check_seal(protected: &Value, signature: &[u8]) -> Result<(), Error> {
    #[cfg(feature = "accept-unsigned-documents")]
    if super::unsigned::is_form(protected, signature) {
        return Ok(());
    }
    let es384 = [(Value::from(1), Value::from(-35))];
    match protected {
        Value::Map(entries) if *entries == es384 => {}
        other => {
            return Err(Error::ProtectedHeader {
                found: shown(other),
            });
        }
    }
    match signature.len() {
        96 => Ok(()),
        found => Err(Error::SignatureLength { found }),
    }
}

fn shown(value: &Value) -> String {
    quoted(&format!("{value:?}"))
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

fn unix_ms(time: SystemTime) -> u64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::forge::{self, PROTECTED, Path};
    use super::*;

    fn refusal(bytes: &[u8]) -> Error {
        Document::parse(bytes).unwrap_err()
    }

    fn good() -> Vec<u8> {
        forge::encode(&sign1())
    }

    fn sign1() -> Value {
        let payload = forge::encode(&Value::Map(forge::fields()));
        forge::sign1(&payload, &[0; 96])
    }

    fn with_part(index: usize, part: Value) -> Vec<u8> {
        let mut parts = sign1().into_array().unwrap();
        parts[index] = part;
        forge::encode(&Value::Array(parts))
    }

    #[test]
    fn a_document_is_accepted_untagged_and_with_tag_18() {
        let tagged = forge::encode(&Value::Tag(18, Box::new(sign1())));
        let untagged = Document::parse(&good()).unwrap();
        let tagged = Document::parse(&tagged).unwrap();
        assert_eq!(untagged.fields, tagged.fields);
        assert_ne!(untagged.digest(), tagged.digest());
    }

    #[test]
    fn a_tagged_document_verifies() {
        let (document, root) = Path::new().document();
        let tagged = [&[0xd2], document.as_slice()].concat();
        let verified = Document::parse(&tagged).unwrap().verify(&root, At::Signed);
        assert_eq!(verified.unwrap().digest(), &sha256(&tagged));
    }

    #[test]
    fn an_array_of_indefinite_length_is_accepted() {
        let mut bytes = good();
        bytes[0] = 0x9f;
        bytes.push(0xff);
        assert!(Document::parse(&bytes).is_ok());
    }

    #[test]
    fn input_is_capped_before_it_is_parsed() {
        assert_eq!(refusal(&[]), Error::DocumentSize { found: 0 });
        let found = DOCUMENT_MAX + 1;
        assert_eq!(refusal(&vec![0; found]), Error::DocumentSize { found });
        assert_ne!(refusal(&vec![0; DOCUMENT_MAX]).rule(), "document-size");
    }

    #[test]
    fn what_is_not_cbor_is_refused() {
        assert_eq!(refusal(&[0x1c]).rule(), "cbor");
        assert_eq!(refusal(&[0xff]).rule(), "cbor");
        assert_eq!(
            refusal(&with_part(0, vec![0xff_u8].into_value())).rule(),
            "cbor"
        );
        assert_eq!(
            refusal(&with_part(2, vec![0xff_u8].into_value())).rule(),
            "cbor"
        );
    }

    #[test]
    fn claimed_lengths_cost_nothing() {
        // A byte string, a text, an array and a map of 2^60 entries, and nothing in them.
        for head in [0x5b, 0x7b, 0x9b, 0xbb] {
            let bytes = [&[head, 0x10][..], &[0; 7]].concat();
            assert_eq!(refusal(&bytes).rule(), "cbor");
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_a_stack_overflow() {
        assert_eq!(refusal(&[0x81; DOCUMENT_MAX]).rule(), "cbor");
        assert_eq!(refusal(&[0xd2; DOCUMENT_MAX]).rule(), "cbor");
    }

    #[test]
    fn bytes_after_the_end_are_refused_in_every_part() {
        let outer = refusal(&[good(), vec![0]].concat());
        assert_eq!(
            outer,
            Error::TrailingBytes {
                part: "document",
                found: 1
            }
        );
        let header = [PROTECTED.as_slice(), &[0]].concat();
        assert_eq!(
            refusal(&with_part(0, header.into_value())).rule(),
            "trailing-bytes"
        );
        let payload = [forge::encode(&Value::Map(forge::fields())), vec![0xf6; 3]].concat();
        assert_eq!(
            refusal(&with_part(2, payload.into_value())),
            Error::TrailingBytes {
                part: "payload",
                found: 3
            }
        );
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = good();
        for end in 0..bytes.len() {
            assert!(Document::parse(&bytes[..end]).is_err(), "{end} bytes");
        }
    }

    #[test]
    fn what_is_not_a_sign1_is_refused() {
        let array = |length| forge::encode(&Value::Array(vec![Value::Null; length]));
        let tag = |tag, inner| forge::encode(&Value::Tag(tag, Box::new(inner)));
        for bytes in [
            forge::encode(&Value::Null),
            forge::encode(&Value::Map(vec![])),
            array(0),
            array(3),
            array(5),
            tag(17, sign1()),
            tag(18, Value::Tag(18, Box::new(sign1()))),
            with_part(0, Value::Map(vec![(1.into(), (-35).into())])),
            with_part(2, Value::Null),
            with_part(3, Value::Null),
        ] {
            assert_eq!(refusal(&bytes).rule(), "cose-structure", "{bytes:02x?}");
        }
    }

    #[test]
    fn only_es384_and_nothing_else_may_be_protected() {
        for header in [
            Value::Map(vec![]),
            Value::Map(vec![(1.into(), (-1).into())]),
            Value::Map(vec![(1.into(), (-7).into())]),
            Value::Map(vec![(1.into(), (-34).into())]),
            Value::Map(vec![(2.into(), (-35).into())]),
            Value::Map(vec![(1.into(), "ES384".into())]),
            Value::Map(vec![(1.into(), (-35).into()), (4.into(), 1.into())]),
            Value::Map(vec![(1.into(), (-35).into()), (1.into(), (-35).into())]),
            Value::Array(vec![]),
            Value::Null,
        ] {
            let bytes = with_part(0, forge::encode(&header).into_value());
            assert_eq!(refusal(&bytes).rule(), "protected-header", "{header:?}");
        }
    }

    #[test]
    fn nothing_may_be_unprotected() {
        let key_id = (Value::from(4), Value::Bytes(vec![1]));
        for header in [Value::Map(vec![key_id]), Value::Array(vec![]), Value::Null] {
            let error = refusal(&with_part(1, header));
            assert_eq!(error.rule(), "unprotected-header", "{error}");
        }
    }

    #[test]
    fn a_signature_has_96_bytes() {
        for found in [0, 32, 48, 64, 95, 97] {
            let bytes = with_part(3, vec![0_u8; found].into_value());
            assert_eq!(refusal(&bytes), Error::SignatureLength { found });
        }
    }

    trait IntoValue {
        fn into_value(self) -> Value;
    }

    impl IntoValue for Vec<u8> {
        fn into_value(self) -> Value {
            Value::Bytes(self)
        }
    }
}
