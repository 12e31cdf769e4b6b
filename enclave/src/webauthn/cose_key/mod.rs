//! A passkey's public key: a `COSE_Key` (RFC 9052 section 7) as WebAuthn allows it (Level 3 section 5.8.5).

use std::fmt;

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{
        ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
        RsaPublicKeyComponents,
    },
};
use ciborium::Value;
use permafrost_common::http_signature::PublicKey;

use super::{WebauthnError, cbor};

/// A public key, checked when it was made.
///
/// Its bytes are a map in CTAP2 canonical CBOR with exactly the labels of its algorithm (RFC 9053 section 7, RFC 8230 section 4):
///
/// | algorithm | `kty` (1) | `alg` (3) | -1 | -2 | -3 |
/// |---|---|---|---|---|---|
/// | ES256 | 2 | -7 | `crv`: 1 (P-256) | x: 32 bytes | y: 32 bytes |
/// | EdDSA | 1 | -8 | `crv`: 6 (Ed25519) | x: 32 bytes | |
/// | RS256 | 3 | -257 | n: 256 to 1024 bytes, no leading zero | e: 1 to 4 bytes, no leading zero, odd, at least 3 | |
#[derive(Clone)]
pub struct CoseKey {
    algorithm: Algorithm,
    bytes: Vec<u8>,
    key: ParsedPublicKey,
}

/// How a passkey signs, by its name in the COSE registry of algorithms.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 9053 section 2.1). Signatures are DER (WebAuthn Level 3 section 6.5.5).
    Es256,
    /// Ed25519 (RFC 8032). Signatures have 64 bytes.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8812 section 2). Signatures are as long as the modulus.
    Rs256,
}

impl Algorithm {
    /// Every accepted algorithm, the preferred one first: the order for `pubKeyCredParams`.
    pub const ALL: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// The number in the COSE registry: what `pubKeyCredParams` takes as `alg`.
    pub const fn cose(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::EdDsa => -8,
            Self::Rs256 => -257,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        })
    }
}

impl CoseKey {
    /// Reads a key: the one CBOR item that `bytes` must be.
    ///
    /// # Errors
    /// The rules of the groups [`Malformed`](super::Group::Malformed) and [`Algorithm`](super::Group::Algorithm): an encoding that is not
    /// canonical, another algorithm, type, curve or set of labels, a point that is not on its curve or is of small order, an RSA modulus
    /// or exponent out of range.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WebauthnError> {
        Self::new(cbor::only(PART, bytes)?, bytes)
    }

    /// Reads the key that `bytes` begin with, and gives what follows it.
    pub(super) fn first(bytes: &[u8]) -> Result<(Self, &[u8]), WebauthnError> {
        let (value, rest) = cbor::first(PART, bytes)?;
        let own = bytes.strip_suffix(rest).unwrap_or(bytes);
        Ok((Self::new(value, own)?, rest))
    }

    /// The algorithm with which this key signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key in canonical CBOR, which [`Self::from_bytes`] reads. At most 1050 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of [`Self::as_bytes`].
    pub fn digest(&self) -> [u8; 32] {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, &self.bytes).as_ref());
        sha256
    }

    /// Checks a signature over `message`, in the form of the key's [`Algorithm`].
    ///
    /// # Errors
    /// [`WebauthnError::Signature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), WebauthnError> {
        self.key
            .verify_sig(message, signature)
            .map_err(|_| WebauthnError::Signature {
                algorithm: self.algorithm,
            })
    }

    fn new(value: Value, bytes: &[u8]) -> Result<Self, WebauthnError> {
        let labels = Labels::new(value)?;
        let algorithm = labels.algorithm()?;
        let key = match algorithm {
            Algorithm::Es256 => labels.es256(),
            Algorithm::EdDsa => labels.eddsa(),
            Algorithm::Rs256 => labels.rs256(),
        }?;
        Ok(Self {
            algorithm,
            bytes: bytes.to_vec(),
            key,
        })
    }
}

impl Eq for CoseKey {}

impl PartialEq for CoseKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

/// Names the algorithm only: the key identifies its user.
impl fmt::Debug for CoseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CoseKey({}, ..)", self.algorithm)
    }
}

/// The entries of the map, by label.
struct Labels(Vec<(i128, Value)>);

impl Labels {
    fn new(value: Value) -> Result<Self, WebauthnError> {
        let labelled = |(label, value): (Value, Value)| match label {
            Value::Integer(label) => Ok((label.into(), value)),
            other => Err(WebauthnError::Shape {
                part: PART,
                found: format!("a map with {} as a label", cbor::kind(&other)),
                accepted: "a map with integers as labels",
            }),
        };
        cbor::map(PART, value)?
            .into_iter()
            .map(labelled)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn get(&self, label: i128) -> Option<&Value> {
        self.0
            .iter()
            .find_map(|(key, value)| (*key == label).then_some(value))
    }

    fn algorithm(&self) -> Result<Algorithm, WebauthnError> {
        let found = self.get(ALG);
        Algorithm::ALL
            .into_iter()
            .find(|algorithm| found == Some(&algorithm.cose().into()))
            .ok_or_else(|| WebauthnError::Algorithm {
                found: shown(found),
            })
    }

    fn es256(&self) -> Result<ParsedPublicKey, WebauthnError> {
        let algorithm = Algorithm::Es256;
        self.check_labels(algorithm, 2, &[KTY, ALG, -1, -2, -3], "1, 3, -1, -2, -3")?;
        self.check_number(algorithm, "crv (-1)", -1, 1)?;
        let x: [u8; 32] = self.fixed(algorithm, "x (-2)", -2)?;
        let y: [u8; 32] = self.fixed(algorithm, "y (-3)", -3)?;
        let point = [&[UNCOMPRESSED][..], &x, &y].concat();
        ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
            .map_err(|_| unusable(algorithm, "x and y are not a point of P-256"))
    }

    fn eddsa(&self) -> Result<ParsedPublicKey, WebauthnError> {
        let algorithm = Algorithm::EdDsa;
        self.check_labels(algorithm, 1, &[KTY, ALG, -1, -2], "1, 3, -1, -2")?;
        self.check_number(algorithm, "crv (-1)", -1, 6)?;
        let x: [u8; 32] = self.fixed(algorithm, "x (-2)", -2)?;
        // Only this check refuses points of small order, for which anyone can sign.
        PublicKey::ed25519(&x).map_err(|_| {
            unusable(
                algorithm,
                "x is not a canonical point, or is one of small order",
            )
        })?;
        ParsedPublicKey::new(&ED25519, x)
            .map_err(|_| unusable(algorithm, "x is not a point of edwards25519"))
    }

    fn rs256(&self) -> Result<ParsedPublicKey, WebauthnError> {
        let algorithm = Algorithm::Rs256;
        self.check_labels(algorithm, 3, &[KTY, ALG, -1, -2], "1, 3, -1, -2")?;
        let n = self.number(algorithm, "n (-1)", -1)?;
        let e = self.number(algorithm, "e (-2)", -2)?;
        let bits = 8 * n.len() - n.first().map_or(0, |first| first.leading_zeros() as usize);
        if !(2048..=8192).contains(&bits) {
            return Err(unusable(
                algorithm,
                format!("n has {bits} bits, accepted: 2048 to 8192"),
            ));
        }
        if e.len() > 4 || e == [1] {
            return Err(unusable(algorithm, "e is not between 3 and 2^32"));
        }
        RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| unusable(algorithm, "n and e are not an RSA key"))
    }

    /// Checks `kty`, and that the map has exactly these labels. Canonical maps have one order.
    fn check_labels(
        &self,
        algorithm: Algorithm,
        kty: i8,
        labels: &[i128],
        accepted: &'static str,
    ) -> Result<(), WebauthnError> {
        self.check_number(algorithm, "kty (1)", KTY, kty)?;
        if self.0.iter().map(|(label, _)| label).eq(labels) {
            return Ok(());
        }
        let found: Vec<_> = self.0.iter().map(|(label, _)| label.to_string()).collect();
        Err(WebauthnError::KeyLabels {
            algorithm,
            found: cut(found.join(", ")),
            accepted,
        })
    }

    fn check_number(
        &self,
        algorithm: Algorithm,
        name: &'static str,
        label: i128,
        accepted: i8,
    ) -> Result<(), WebauthnError> {
        match self.get(label) {
            Some(Value::Integer(found)) if i128::from(*found) == i128::from(accepted) => Ok(()),
            found => Err(WebauthnError::KeyType {
                algorithm,
                label: name,
                found: shown(found),
                accepted,
            }),
        }
    }

    fn fixed(
        &self,
        algorithm: Algorithm,
        name: &'static str,
        label: i128,
    ) -> Result<[u8; 32], WebauthnError> {
        match self.get(label) {
            Some(Value::Bytes(bytes)) => bytes.as_slice().try_into().map_err(|_| {
                unusable(
                    algorithm,
                    format!("{name} has {} bytes, accepted: 32", bytes.len()),
                )
            }),
            other => Err(not_bytes(algorithm, name, other)),
        }
    }

    /// An odd number, big-endian, in as few bytes as possible.
    fn number(
        &self,
        algorithm: Algorithm,
        name: &'static str,
        label: i128,
    ) -> Result<&[u8], WebauthnError> {
        match self.get(label) {
            Some(Value::Bytes(bytes)) => match bytes.as_slice() {
                [] | [0, ..] => Err(unusable(
                    algorithm,
                    format!("{name} is empty or begins with a zero byte"),
                )),
                [.., last] if last % 2 == 0 => {
                    Err(unusable(algorithm, format!("{name} is an even number")))
                }
                bytes => Ok(bytes),
            },
            other => Err(not_bytes(algorithm, name, other)),
        }
    }
}

fn not_bytes(algorithm: Algorithm, name: &str, found: Option<&Value>) -> WebauthnError {
    unusable(
        algorithm,
        format!("{name} is {}, accepted: a byte string", shown(found)),
    )
}

fn unusable(algorithm: Algorithm, detail: impl Into<String>) -> WebauthnError {
    WebauthnError::KeyValue {
        algorithm,
        detail: detail.into(),
    }
}

fn shown(found: Option<&Value>) -> String {
    match found {
        None => "absent".to_owned(),
        Some(Value::Integer(number)) => i128::from(*number).to_string(),
        Some(other) => cbor::kind(other).to_owned(),
    }
}

/// The first 64 bytes of a text in ASCII.
fn cut(mut text: String) -> String {
    if text.len() > 64 {
        text.truncate(64);
        text.push_str("...");
    }
    text
}

const PART: &str = "the public key";

const KTY: i128 = 1;
const ALG: i128 = 3;

/// The first byte of an uncompressed point (SEC 1 section 2.3.3).
const UNCOMPRESSED: u8 = 4;

#[cfg(test)]
mod tests;
