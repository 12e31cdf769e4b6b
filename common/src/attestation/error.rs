//! Every reason why a document is refused.

use std::fmt;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::document::DOCUMENT_MAX;

/// The rule that a document broke, what came and what would have been accepted.
///
/// [`Error::rule`] is for programs, [`fmt::Display`] for people. Neither ever contains a secret: an attestation
/// document has no secrets. Text from the document is quoted and escaped, and long text is cut.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// The input is empty or longer than [`DOCUMENT_MAX`]; nothing was parsed.
    #[error("the document has {found} bytes, accepted: 1 to {DOCUMENT_MAX}")]
    DocumentSize {
        /// Its length in bytes.
        found: usize,
    },
    /// A part is not one well-formed CBOR item (RFC 8949).
    #[error("the {part} is not well-formed CBOR: {detail}")]
    Cbor {
        /// Which part of the document.
        part: &'static str,
        /// What the decoder reports, with the offset if it is known.
        detail: String,
    },
    /// Bytes follow the CBOR item of a part.
    #[error("{found} bytes follow the {part}, accepted: none")]
    TrailingBytes {
        /// Which part of the document.
        part: &'static str,
        /// How many bytes follow.
        found: usize,
    },
    /// The document is not a `COSE_Sign1` array of four, untagged or with tag 18 (RFC 9052 section 4.2).
    #[error("the document is {found}, accepted: {expected}")]
    CoseStructure {
        /// What came.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The protected header is not `{1: -35}`: the algorithm ES384 and nothing else.
    #[error("the protected header is {found}, accepted: {{1: -35}} (ES384)")]
    ProtectedHeader {
        /// What came.
        found: String,
    },
    /// The unprotected header is not an empty map.
    #[error("the unprotected header is {found}, accepted: an empty map")]
    UnprotectedHeader {
        /// What came.
        found: String,
    },
    /// The signature does not have the length of an ES384 signature.
    #[error("the signature has {found} bytes, accepted: 96")]
    SignatureLength {
        /// Its length in bytes.
        found: usize,
    },

    /// The payload lacks a mandatory field, or the field is null.
    #[error("the field {field} is missing")]
    FieldMissing {
        /// The field's name.
        field: &'static str,
    },
    /// The payload has a field that AWS does not define.
    #[error("the field {field} is not one of an attestation document")]
    FieldUnknown {
        /// The field's name, quoted, at most 64 characters of it.
        field: String,
    },
    /// A field, or a PCR index, comes twice.
    #[error("{field} comes twice")]
    FieldDuplicate {
        /// The field's name, or the PCR.
        field: String,
    },
    /// A field has the wrong CBOR type.
    #[error("{field} is {found}, accepted: {expected}")]
    FieldType {
        /// The field's name, with its place inside the field.
        field: String,
        /// The type that came.
        found: &'static str,
        /// The type it must have.
        expected: &'static str,
    },
    /// A field is shorter or longer than AWS allows.
    #[error("{field} has {found} {unit}, accepted: {min} to {max}")]
    FieldLength {
        /// The field's name, with its place inside the field.
        field: String,
        /// The unit of the length: bytes, entries.
        unit: &'static str,
        /// The length that came.
        found: usize,
        /// The least that is accepted.
        min: usize,
        /// The most that is accepted.
        max: usize,
    },
    /// The digest is not SHA384.
    #[error("the digest is {found}, accepted: \"SHA384\"")]
    Digest {
        /// The digest's name, quoted, at most 64 characters of it.
        found: String,
    },
    /// The timestamp is not positive, or beyond 64 bits.
    #[error("the timestamp is {found}, accepted: 1 to 2^64 - 1 milliseconds since 1970")]
    Timestamp {
        /// What came.
        found: i128,
    },
    /// A PCR index is out of range.
    #[error("a PCR has the index {found}, accepted: 0 to 31")]
    PcrIndex {
        /// What came.
        found: i128,
    },

    /// The bundle's first certificate is not the root certificate that the verifier trusts.
    #[error("the document's root certificate has SHA-256 {found}, accepted: {expected}")]
    Root {
        /// SHA-256 of `cabundle[0]`, hex.
        found: String,
        /// SHA-256 of the trusted root certificate, hex.
        expected: String,
    },
    /// A certificate is not one DER certificate, or an extension that is checked cannot be read.
    #[error("{place} is not a certificate: {detail}, accepted: DER, X.509 version 3")]
    CertificateSyntax {
        /// Which certificate.
        place: Place,
        /// What the parser reports.
        detail: String,
    },
    /// A certificate is signed with an algorithm other than ecdsa-with-SHA384.
    #[error("{place} is signed with {found}, accepted: ecdsa-with-SHA384 (1.2.840.10045.4.3.3)")]
    CertificateAlgorithm {
        /// Which certificate.
        place: Place,
        /// The algorithm's object identifier.
        found: String,
    },
    /// A certificate's key is not an uncompressed point on P-384.
    #[error("{place} has a key of {found}, accepted: P-384 (1.3.132.0.34), 97 bytes, uncompressed")]
    CertificateKey {
        /// Which certificate.
        place: Place,
        /// The algorithm, curve and length that came.
        found: String,
    },
    /// A certificate's issuer is not the subject of the certificate before it.
    #[error("{place} was issued by {found}, the certificate before it is {expected}")]
    CertificateIssuer {
        /// Which certificate.
        place: Place,
        /// Its issuer, quoted.
        found: String,
        /// The subject of the certificate before it in the path, quoted.
        expected: String,
    },
    /// A certificate was not valid yet at the time of judgement.
    #[error("{place} is not valid before {}, judged at {}", utc(*not_before), utc(*at))]
    CertificateNotYetValid {
        /// Which certificate.
        place: Place,
        /// The start of its validity, seconds since 1970.
        not_before: i64,
        /// The time of judgement, seconds since 1970.
        at: i64,
    },
    /// A certificate was no longer valid at the time of judgement.
    #[error("{place} expired after {}, judged at {}", utc(*not_after), utc(*at))]
    CertificateExpired {
        /// Which certificate.
        place: Place,
        /// The end of its validity, seconds since 1970.
        not_after: i64,
        /// The time of judgement, seconds since 1970.
        at: i64,
    },
    /// A certificate's basic constraints do not fit its place (RFC 5280 section 4.2.1.9).
    #[error("{place} has basic constraints {found}, accepted: {expected}")]
    CertificateBasicConstraints {
        /// Which certificate.
        place: Place,
        /// What came.
        found: String,
        /// What its place requires.
        expected: &'static str,
    },
    /// More CA certificates follow than a certificate's path length constraint allows.
    #[error("{found} CA certificates follow {place}, its path length constraint allows {allowed}")]
    CertificatePathLength {
        /// Which certificate.
        place: Place,
        /// How many CA certificates follow.
        found: usize,
        /// How many are allowed.
        allowed: u32,
    },
    /// A certificate's key usage does not fit its place (RFC 5280 section 4.2.1.3).
    #[error("{place} has the key usage {found}, accepted: one with {expected}")]
    CertificateKeyUsage {
        /// Which certificate.
        place: Place,
        /// What came.
        found: String,
        /// The usage that its place requires.
        expected: &'static str,
    },
    /// A certificate has a critical extension that this verifier does not check (RFC 5280 section 4.2).
    #[error("{place} has the critical extension {found}, accepted: {expected}")]
    CertificateCriticalExtension {
        /// Which certificate.
        place: Place,
        /// The extension's object identifier.
        found: String,
        /// The extensions that are checked.
        expected: &'static str,
    },
    /// A certificate's signature does not verify under the key of the one before it.
    #[error("the signature of {place} does not verify under the key of {issuer}")]
    CertificateSignature {
        /// Which certificate.
        place: Place,
        /// Whose key was tried.
        issuer: Place,
    },
    /// The document's signature does not verify under the leaf certificate's key: it was altered, or signed by another key.
    #[error("the document's ES384 signature does not verify under the key of {issuer}")]
    DocumentSignature {
        /// Whose key was tried.
        issuer: Place,
    },
    /// The verifier accepts only QEMU's unsigned documents, and this is not one of them.
    #[cfg(feature = "accept-unsigned-documents")]
    #[error("the document has a signature or certificates, accepted: unsigned documents of QEMU")]
    NotUnsigned,

    /// The enclave runs in debug mode, where AWS measures nothing and the parent reads its console.
    #[error("the enclave is in debug mode: PCR0 is {found}, accepted: a measured PCR0")]
    DebugMode {
        /// PCR0: all zero, or missing.
        found: String,
    },
    /// The PCRs are not those of any accepted release.
    #[error(
        "the PCRs are not those of any accepted release: {}",
        releases(mismatches)
    )]
    Measurements {
        /// The first PCR that differs, for each accepted release in their order; empty if no release is accepted.
        mismatches: Vec<PcrMismatch>,
    },
    /// The nonce is not the required one.
    #[error("the nonce is {found}, expected {expected}")]
    Nonce {
        /// Hex, or `absent`.
        found: String,
        /// Hex.
        expected: String,
    },
    /// The user data is not the required value.
    #[error("the user data is {found}, expected {expected}")]
    UserData {
        /// Hex, or `absent`.
        found: String,
        /// Hex.
        expected: String,
    },
    /// The public key is not the required one.
    #[error("the public key is {found}, expected {expected}")]
    PublicKey {
        /// Hex, or `absent`.
        found: String,
        /// Hex.
        expected: String,
    },
    /// The document is older than the policy allows.
    #[error("the document is {found_ms} ms old, accepted: at most {max_ms} ms")]
    TooOld {
        /// Its age at the time of judgement, in milliseconds.
        found_ms: u64,
        /// The most that the policy allows, in milliseconds.
        max_ms: u64,
    },
    /// The document is from after the time of judgement, by more than a difference of clocks.
    #[error(
        "the document is from {found_ms} ms after the time of judgement, accepted: at most {max_ms} ms"
    )]
    FromTheFuture {
        /// How far ahead it is, in milliseconds.
        found_ms: u64,
        /// The most that is accepted, in milliseconds.
        max_ms: u64,
    },
}

impl Error {
    /// The rule that was broken, as a short name that does not change between releases.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::DocumentSize { .. } => "document-size",
            Self::Cbor { .. } => "cbor",
            Self::TrailingBytes { .. } => "trailing-bytes",
            Self::CoseStructure { .. } => "cose-structure",
            Self::ProtectedHeader { .. } => "protected-header",
            Self::UnprotectedHeader { .. } => "unprotected-header",
            Self::SignatureLength { .. } => "signature-length",
            Self::FieldMissing { .. } => "field-missing",
            Self::FieldUnknown { .. } => "field-unknown",
            Self::FieldDuplicate { .. } => "field-duplicate",
            Self::FieldType { .. } => "field-type",
            Self::FieldLength { .. } => "field-length",
            Self::Digest { .. } => "digest",
            Self::Timestamp { .. } => "timestamp",
            Self::PcrIndex { .. } => "pcr-index",
            Self::Root { .. } => "root",
            Self::CertificateSyntax { .. } => "certificate-syntax",
            Self::CertificateAlgorithm { .. } => "certificate-algorithm",
            Self::CertificateKey { .. } => "certificate-key",
            Self::CertificateIssuer { .. } => "certificate-issuer",
            Self::CertificateNotYetValid { .. } => "certificate-not-yet-valid",
            Self::CertificateExpired { .. } => "certificate-expired",
            Self::CertificateBasicConstraints { .. } => "certificate-basic-constraints",
            Self::CertificatePathLength { .. } => "certificate-path-length",
            Self::CertificateKeyUsage { .. } => "certificate-key-usage",
            Self::CertificateCriticalExtension { .. } => "certificate-critical-extension",
            Self::CertificateSignature { .. } => "certificate-signature",
            Self::DocumentSignature { .. } => "document-signature",
            #[cfg(feature = "accept-unsigned-documents")]
            Self::NotUnsigned => "not-unsigned",
            Self::DebugMode { .. } => "debug-mode",
            Self::Measurements { .. } => "measurements",
            Self::Nonce { .. } => "nonce",
            Self::UserData { .. } => "user-data",
            Self::PublicKey { .. } => "public-key",
            Self::TooOld { .. } => "too-old",
            Self::FromTheFuture { .. } => "from-the-future",
        }
    }
}

/// The place of a certificate in the document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// `cabundle` at this index; the root certificate is at 0.
    Bundle(usize),
    /// `certificate`: the leaf, whose key signs the document.
    Leaf,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle(index) => write!(f, "cabundle[{index}]"),
            Self::Leaf => f.write_str("certificate"),
        }
    }
}

/// A PCR that differs from a release's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PcrMismatch {
    /// 0 to 31.
    pub index: u8,
    /// What the document has, hex, or `absent`.
    pub found: String,
    /// What the release has, hex.
    pub expected: String,
}

impl fmt::Display for PcrMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            index,
            found,
            expected,
        } = self;
        write!(f, "PCR{index} is {found}, expected {expected}")
    }
}

/// Text from the document as an error shows it: quoted, escaped, at most 64 characters of it.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(64) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

fn releases(mismatches: &[PcrMismatch]) -> String {
    if mismatches.is_empty() {
        return "no release is accepted".to_owned();
    }
    let each: Vec<_> = mismatches.iter().map(PcrMismatch::to_string).collect();
    each.join("; or ")
}

fn utc(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{seconds} s since 1970"))
}
