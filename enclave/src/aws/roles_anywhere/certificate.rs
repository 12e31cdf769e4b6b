//! Certificates (RFC 5280) with keys on P-256, signed with ECDSA and SHA-256 (RFC 5758): that of the authority, and those that it issues.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair};
use time::OffsetDateTime;

use super::der::{
    TRUE, bit_string, element, integer, object_identifier, octet_string, sequence, set, utf8_string,
};

/// Random, so that no two certificates have the same one: 1 to 2^127 - 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SerialNumber(u128);

/// Who a certificate is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Subject {
    /// The authority, which may sign certificates of those that may sign none.
    Authority,
    /// An enclave, which may sign messages.
    Enclave,
}

/// From and until when a certificate is valid, in seconds since 1970.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Validity {
    pub(super) from: u64,
    pub(super) until: u64,
}

/// The certificate of `subject`, a deployment's, for a key; the authority signs it.
pub(super) fn certificate(
    subject: Subject,
    deployment: &str,
    key: &EcdsaKeyPair,
    authority: &EcdsaKeyPair,
    serial: SerialNumber,
    validity: Validity,
) -> Result<Vec<u8>, Unspecified> {
    let algorithm = sequence(&[object_identifier(ECDSA_WITH_SHA256)]);
    let contents = sequence(&[
        // Version 3.
        element(0xa0, &integer(&[2])),
        integer(&serial.0.to_be_bytes()),
        algorithm.clone(),
        Subject::Authority.name(deployment),
        sequence(&[time(validity.from)?, time(validity.until)?]),
        subject.name(deployment),
        key.public_key().as_der()?.as_ref().to_vec(),
        element(0xa3, &sequence(&subject.extensions(key, authority))),
    ]);
    let signature = authority.sign(&SystemRandom::new(), &contents)?;
    Ok(sequence(&[
        contents,
        algorithm,
        bit_string(0, signature.as_ref()),
    ]))
}

impl SerialNumber {
    pub(super) fn random() -> Result<Self, Unspecified> {
        let mut bytes = [0; 16];
        fill(&mut bytes)?;
        Ok(Self((u128::from_be_bytes(bytes) >> 1).max(1)))
    }
}

/// In decimal, as the scope of a signature has it.
impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Subject {
    /// AWS gives the parts of a name to policies: `aws:PrincipalTag/x509Subject/CN`.
    pub(super) fn name(self, deployment: &str) -> Vec<u8> {
        let unit = match self {
            Self::Authority => "store authority",
            Self::Enclave => "enclave",
        };
        let parts = [
            (ORGANIZATION, "Permafrost"),
            (ORGANIZATIONAL_UNIT, unit),
            (COMMON_NAME, deployment),
        ];
        let parts = parts
            .map(|(kind, text)| set(&[sequence(&[object_identifier(kind), utf8_string(text)])]));
        sequence(&parts)
    }

    /// What a trust anchor and a signing certificate must have (IAM Roles Anywhere User Guide, "Signature validation"), and the key
    /// identifiers, by which an authority's certificate and its successor are told apart.
    fn extensions(self, key: &EcdsaKeyPair, authority: &EcdsaKeyPair) -> Vec<Vec<u8>> {
        let (constraints, usage) = match self {
            Self::Authority => (
                sequence(&[TRUE.to_vec(), integer(&[0])]),
                // keyCertSign
                bit_string(2, &[0x04]),
            ),
            Self::Enclave => (
                sequence(&[]),
                // digitalSignature
                bit_string(7, &[0x80]),
            ),
        };
        let authority = sequence(&[element(0x80, &key_identifier(authority))]);
        vec![
            extension(BASIC_CONSTRAINTS, true, &constraints),
            extension(KEY_USAGE, true, &usage),
            extension(
                SUBJECT_KEY_IDENTIFIER,
                false,
                &octet_string(&key_identifier(key)),
            ),
            extension(AUTHORITY_KEY_IDENTIFIER, false, &authority),
        ]
    }
}

fn extension(kind: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![object_identifier(kind)];
    if critical {
        parts.push(TRUE.to_vec());
    }
    parts.push(octet_string(value));
    sequence(&parts)
}

/// The first 160 bits of the public key's SHA-256 (RFC 7093 section 2, method 1).
fn key_identifier(key: &EcdsaKeyPair) -> Vec<u8> {
    let digest = digest(&SHA256, key.public_key().as_ref());
    digest.as_ref().iter().take(20).copied().collect()
}

/// `UTCTime` until 2049, then `GeneralizedTime` (RFC 5280 section 4.1.2.5).
fn time(seconds: u64) -> Result<Vec<u8>, Unspecified> {
    let seconds = i64::try_from(seconds).map_err(|_| Unspecified)?;
    let time = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| Unspecified)?;
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    Ok(match time.year() {
        year @ 1950..=2049 => element(0x17, format!("{:02}{rest}", year % 100).as_bytes()),
        year => element(0x18, format!("{year:04}{rest}").as_bytes()),
    })
}

/// 1.2.840.10045.4.3.2
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.4.10
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
/// 2.5.4.11
const ORGANIZATIONAL_UNIT: &[u8] = &[0x55, 0x04, 0x0b];
/// 2.5.29.14
const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x0e];
/// 2.5.29.15
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
/// 2.5.29.19
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
/// 2.5.29.35
const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x23];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_digits_of_the_year_until_2049_and_four_after() {
        for (seconds, expected) in [
            (1_766_966_400, element(0x17, b"251229000000Z")),
            (2_524_607_999, element(0x17, b"491231235959Z")),
            (2_524_608_000, element(0x18, b"20500101000000Z")),
        ] {
            assert_eq!(time(seconds).unwrap(), expected);
        }
    }
}
