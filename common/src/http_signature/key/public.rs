//! Keys that verify.

use std::{fmt, str::FromStr};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, VerificationAlgorithm,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Algorithm, KeyError, SIGNATURE_LEN, ed25519_point};

/// A key that verifies signatures, checked when it was made.
///
/// As text (`Display`, `FromStr`, serde): `ed25519:` and 64 hex digits, or `ecdsa-p256-sha256:` and 130
/// hex digits, which are the uncompressed point of SEC 1 section 2.3.3. Digits are lower-case.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: Algorithm,
    // Kept parsed, to avoid a decompression for each signature.
    key: ParsedPublicKey,
}

impl PublicKey {
    /// An Ed25519 key: 32 bytes, as RFC 8032 section 5.1.2 encodes a point.
    ///
    /// # Errors
    /// [`KeyError::InvalidPoint`] when y is not below the field's prime, or the point is one of the eight of
    /// small order (anyone can sign for those). A y that no point has is not refused here, but no signature verifies under it.
    pub fn ed25519(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        if let Some(reason) = ed25519_point::fault(bytes) {
            return Err(invalid(Algorithm::Ed25519, bytes, reason));
        }
        Self::parse(Algorithm::Ed25519, bytes)
    }

    /// An ECDSA P-256 key: 65 bytes, the uncompressed point of SEC 1 section 2.3.3 (`04`, x, y).
    ///
    /// # Errors
    /// [`KeyError::InvalidPoint`] when it is not a point of the curve in that form.
    pub fn ecdsa_p256(bytes: &[u8; 65]) -> Result<Self, KeyError> {
        if bytes.first() != Some(&4) {
            return Err(invalid(
                Algorithm::EcdsaP256,
                bytes,
                "it does not start with 04",
            ));
        }
        Self::parse(Algorithm::EcdsaP256, bytes)
    }

    /// The algorithm of this key's signatures.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key: 32 bytes for Ed25519, 65 for ECDSA P-256.
    pub fn as_bytes(&self) -> &[u8] {
        self.key.as_ref()
    }

    /// Checks a signature of [`SIGNATURE_LEN`] bytes.
    ///
    /// # Errors
    /// [`KeyError::BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> Result<(), KeyError> {
        self.key
            .verify_sig(message, signature)
            .map_err(|_| KeyError::BadSignature {
                algorithm: self.algorithm,
            })
    }

    pub(super) fn parse(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        let key = ParsedPublicKey::new(verification(algorithm), bytes)
            .map_err(|_| invalid(algorithm, bytes, "it is not a point of the curve"))?;
        Ok(Self { algorithm, key })
    }
}

impl Eq for PublicKey {}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, hex::encode(self.as_bytes()))
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || KeyError::UnknownAlgorithm(start(text));
        let (name, digits) = text.split_once(':').ok_or_else(unknown)?;
        let algorithm = Algorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(unknown)?;
        match algorithm {
            Algorithm::Ed25519 => Self::ed25519(&from_hex(algorithm, digits)?),
            Algorithm::EcdsaP256 => Self::ecdsa_p256(&from_hex(algorithm, digits)?),
        }
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

fn invalid(algorithm: Algorithm, bytes: &[u8], reason: &'static str) -> KeyError {
    KeyError::InvalidPoint {
        algorithm,
        key: hex::encode(bytes),
        reason,
    }
}

fn from_hex<const N: usize>(algorithm: Algorithm, digits: &str) -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    if digits.bytes().any(|b| b.is_ascii_uppercase())
        || hex::decode_to_slice(digits, &mut bytes).is_err()
    {
        return Err(KeyError::NotHex {
            algorithm,
            expected: 2 * N,
            came: digits.chars().count(),
            text: start(digits),
        });
    }
    Ok(bytes)
}

/// The beginning of a text, enough to recognise it in an error.
fn start(text: &str) -> String {
    text.chars().take(32).collect()
}

fn verification(algorithm: Algorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        Algorithm::Ed25519 => &ED25519,
        Algorithm::EcdsaP256 => &ECDSA_P256_SHA256_FIXED,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::SigningKey, *};

    #[test]
    fn other_texts_of_a_public_key_are_refused() {
        for algorithm in Algorithm::ALL {
            let text = SigningKey::generate(algorithm)
                .unwrap()
                .public_key()
                .unwrap()
                .to_string();
            let (name, digits) = text.split_once(':').unwrap();
            for other in [
                digits.to_owned(),
                format!("rsa-pss-sha512:{digits}"),
                format!("{}:{digits}", name.to_uppercase()),
                format!("{name}:{}", &digits[2..]),
                format!("{name}:{digits}00"),
                format!("{name}:{}g", &digits[1..]),
                format!("{name}: {digits}"),
                format!("{name}:A{}", &digits[1..]),
            ] {
                let error = other.parse::<PublicKey>().unwrap_err().to_string();
                assert!(error.contains("public key"), "{error}");
            }
        }
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let mut point: [u8; 65] = SigningKey::generate(Algorithm::EcdsaP256)
            .unwrap()
            .public_key()
            .unwrap()
            .as_bytes()
            .try_into()
            .unwrap();
        point[64] ^= 1;
        assert!(matches!(
            PublicKey::ecdsa_p256(&point),
            Err(KeyError::InvalidPoint { .. })
        ));
        assert!(PublicKey::ecdsa_p256(&[0; 65]).is_err());
    }
}
