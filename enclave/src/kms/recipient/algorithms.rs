//! The algorithm identifiers that KMS sends (RFC 3565, RFC 4055, RFC 5652), and no other.

use super::CmsError;
use super::ber::{CONSTRUCTED, CONTEXT_0, NULL, OCTET_STRING, ObjectIdentifier, Reader, SEQUENCE};

/// The length of the IV of AES-CBC, in bytes.
pub(super) const IV_LEN: usize = 16;

/// keyEncryptionAlgorithm: RSAES-OAEP with SHA-256, MGF1 with SHA-256 and the empty label (RFC 4055 section 4.1).
///
/// A field that is absent means SHA-1, so both must be there.
pub(super) fn rsaes_oaep_sha256(reader: &mut Reader<'_>) -> Result<(), CmsError> {
    let mut algorithm = algorithm(reader, &ID_RSAES_OAEP, "keyEncryptionAlgorithm")?;
    let mut parameters = algorithm.enter(SEQUENCE, "RSAES-OAEP-params")?;

    let mut hash = parameters.enter(CONTEXT_0 | CONSTRUCTED, "hashFunc")?;
    sha256(&mut hash, "hashAlgorithm of hashFunc")?;
    hash.end()?;

    let mut mask = parameters.enter(CONTEXT_1 | CONSTRUCTED, "maskGenFunc")?;
    let mut mgf1 = self::algorithm(&mut mask, &ID_MGF1, "maskGenAlgorithm")?;
    sha256(&mut mgf1, "hashAlgorithm of maskGenFunc")?;
    mgf1.end()?;
    mask.end()?;

    if parameters.peek() == Some(CONTEXT_2 | CONSTRUCTED) {
        let mut source = parameters.enter(CONTEXT_2 | CONSTRUCTED, "pSourceFunc")?;
        let mut specified = self::algorithm(&mut source, &ID_P_SPECIFIED, "pSourceAlgorithm")?;
        let [] = specified.fixed(OCTET_STRING, "the OAEP label")?;
        specified.end()?;
        source.end()?;
    }
    parameters.end()?;
    algorithm.end()
}

/// contentEncryptionAlgorithm: AES-256-CBC; gives the IV (RFC 3565 section 4.1).
pub(super) fn aes256_cbc(reader: &mut Reader<'_>) -> Result<[u8; IV_LEN], CmsError> {
    let mut algorithm = algorithm(reader, &ID_AES256_CBC, "contentEncryptionAlgorithm")?;
    let iv = algorithm.fixed(OCTET_STRING, "AES-IV")?;
    algorithm.end()?;
    Ok(iv)
}

/// The parameters are NULL or absent: both must be accepted (RFC 4055 section 2.1).
fn sha256(reader: &mut Reader<'_>, element: &'static str) -> Result<(), CmsError> {
    let mut algorithm = algorithm(reader, &ID_SHA256, element)?;
    if algorithm.peek().is_some() {
        let null = algorithm.enter(NULL, "the parameters of SHA-256")?;
        null.end()?;
    }
    algorithm.end()
}

/// The parameters of the next element, an AlgorithmIdentifier.
fn algorithm<'a>(
    reader: &mut Reader<'a>,
    expected: &ObjectIdentifier,
    element: &'static str,
) -> Result<Reader<'a>, CmsError> {
    let mut algorithm = reader.enter(SEQUENCE, element)?;
    algorithm.object_identifier(expected, element)?;
    Ok(algorithm)
}

const CONTEXT_1: u8 = 0x81;
const CONTEXT_2: u8 = 0x82;

const ID_RSAES_OAEP: ObjectIdentifier = ObjectIdentifier {
    name: "id-RSAES-OAEP",
    octets: &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07],
};
const ID_MGF1: ObjectIdentifier = ObjectIdentifier {
    name: "id-mgf1",
    octets: &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08],
};
const ID_P_SPECIFIED: ObjectIdentifier = ObjectIdentifier {
    name: "id-pSpecified",
    octets: &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x09],
};
const ID_SHA256: ObjectIdentifier = ObjectIdentifier {
    name: "id-sha256",
    octets: &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
};
const ID_AES256_CBC: ObjectIdentifier = ObjectIdentifier {
    name: "id-aes256-CBC",
    octets: &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a],
};
