//! The keys that sign requests and answers: Ed25519 (RFC 8032) and ECDSA P-256 with SHA-256 (FIPS 186-5).

use std::{fmt, str::FromStr};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair, ParsedPublicKey, VerificationAlgorithm,
    },
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

use super::pem;

/// The length of every signature, in bytes: R and S of Ed25519, or r and s of ECDSA, 32 bytes each
/// (RFC 9421 sections 3.3.4 and 3.3.6).
pub const SIGNATURE_LEN: usize = 64;

/// A key that verifies signatures, checked when it was made.
///
/// As text (`Display`, `FromStr`, serde): `ed25519:` and 64 hex digits, or `ecdsa-p256-sha256:` and 130
/// hex digits, which are the uncompressed point of SEC 1 section 2.3.3. Digits are lower-case.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: Algorithm,
    // Kept parsed: that spares a decompression for each signature.
    key: ParsedPublicKey,
}

/// How a key signs, under its name in the registry of RFC 9421 section 6.2.2.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Algorithm {
    /// `ed25519`: RFC 9421 section 3.3.6.
    Ed25519,
    /// `ecdsa-p256-sha256`: RFC 9421 section 3.3.4.
    EcdsaP256,
}

/// Why there is no key, or no signature.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// The text does not start with the name of an algorithm.
    #[error("a public key is ed25519:<64 hex> or ecdsa-p256-sha256:<130 hex>, not {0:?}")]
    UnknownAlgorithm(String),
    /// What follows the name is not lower-case hex of the right length.
    #[error(
        "an {algorithm} public key is {expected} lower-case hex digits; came {came} characters: {text:?}"
    )]
    NotHex {
        /// The algorithm named.
        algorithm: Algorithm,
        /// How many hex digits it takes.
        expected: usize,
        /// How many characters came.
        came: usize,
        /// The first of them.
        text: String,
    },
    /// The bytes are not a point of the curve, not in canonical form, or of small order.
    #[error("{key} is not a valid {algorithm} public key: {reason}")]
    InvalidPoint {
        /// The algorithm named.
        algorithm: Algorithm,
        /// The bytes, in hex.
        key: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// The text is not a PEM block `PRIVATE KEY`.
    #[error(
        "not a PEM block \"-----BEGIN PRIVATE KEY-----\": {0}; `openssl pkcs8 -topk8 -nocrypt` converts other forms"
    )]
    NotPem(String),
    /// The bytes are not an unencrypted PKCS#8 key of one of the two algorithms.
    #[error(
        "not a PKCS#8 private key (RFC 5958) for Ed25519 or ECDSA P-256, or its public key does not belong to it"
    )]
    NotPkcs8,
    /// The library could not make a key, sign, or write a key.
    #[error("the cryptographic library refused to {0}")]
    Library(&'static str),
    /// The signature does not verify.
    #[error("the signature is not one of {algorithm} by this key")]
    BadSignature {
        /// The key's algorithm.
        algorithm: Algorithm,
    },
}

impl PublicKey {
    /// An Ed25519 key: 32 bytes, as RFC 8032 section 5.1.2 encodes a point.
    ///
    /// # Errors
    /// [`KeyError::InvalidPoint`] when y is not below the field's prime, or the point is one of the eight of
    /// small order (anyone can sign for those). A y that no point has is not noticed here: no signature verifies.
    pub fn ed25519(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        if let Some(reason) = ed25519_fault(bytes) {
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

    /// How this key signs.
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

    fn parse(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        let key = ParsedPublicKey::new(algorithm.verification(), bytes)
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

impl Algorithm {
    /// Both algorithms.
    pub const ALL: [Self; 2] = [Self::Ed25519, Self::EcdsaP256];

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256-sha256",
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Ed25519 => &ED25519,
            Self::EcdsaP256 => &ECDSA_P256_SHA256_FIXED,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A key that signs. Its memory is wiped by the library when it is dropped, and `Debug` shows the public key only.
#[derive(Clone)]
pub struct SigningKey(Pair);

#[derive(Clone)]
enum Pair {
    Ed25519(Ed25519KeyPair),
    EcdsaP256(EcdsaKeyPair),
}

impl SigningKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`KeyError::Library`] when the library has no randomness to give.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let pair = match algorithm {
            Algorithm::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
            Algorithm::EcdsaP256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::EcdsaP256)
            }
        };
        pair.map(Self).map_err(|_| KeyError::Library("make a key"))
    }

    /// Reads an unencrypted PKCS#8 key (RFC 5958, DER).
    ///
    /// # Errors
    /// [`KeyError::NotPkcs8`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return Ok(Self(Pair::Ed25519(pair)));
        }
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map(|pair| Self(Pair::EcdsaP256(pair)))
            .map_err(|_| KeyError::NotPkcs8)
    }

    /// Reads a file as `openssl genpkey` writes it: PKCS#8 in PEM, `-----BEGIN PRIVATE KEY-----`.
    ///
    /// # Errors
    /// [`KeyError::NotPem`], [`KeyError::NotPkcs8`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8(&pem::decode(text)?)
    }

    /// The key as PKCS#8 (RFC 5958, DER, version 1 as OpenSSL reads it).
    ///
    /// # Errors
    /// [`KeyError::Library`].
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let document = match &self.0 {
            Pair::Ed25519(pair) => pair.to_pkcs8v1(),
            Pair::EcdsaP256(pair) => pair.to_pkcs8v1(),
        };
        document
            .map(|der| Zeroizing::new(der.as_ref().to_vec()))
            .map_err(|_| KeyError::Library("write a key"))
    }

    /// The key as PKCS#8 in PEM.
    ///
    /// # Errors
    /// [`KeyError::Library`].
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        Ok(pem::encode(&self.to_pkcs8()?))
    }

    /// How this key signs.
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Pair::Ed25519(_) => Algorithm::Ed25519,
            Pair::EcdsaP256(_) => Algorithm::EcdsaP256,
        }
    }

    /// The key that verifies what this one signs.
    ///
    /// # Errors
    /// [`KeyError::InvalidPoint`]; never for a key that the library made or checked.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::parse(
            self.algorithm(),
            match &self.0 {
                Pair::Ed25519(pair) => pair.public_key().as_ref(),
                Pair::EcdsaP256(pair) => pair.public_key().as_ref(),
            },
        )
    }

    /// Signs a message.
    ///
    /// # Errors
    /// [`KeyError::Library`].
    pub fn sign(&self, message: &[u8]) -> Result<[u8; SIGNATURE_LEN], KeyError> {
        let signature = match &self.0 {
            Pair::Ed25519(pair) => pair.try_sign(message),
            Pair::EcdsaP256(pair) => pair.sign(&SystemRandom::new(), message),
        };
        signature
            .ok()
            .and_then(|signature| signature.as_ref().try_into().ok())
            .ok_or(KeyError::Library("sign"))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.public_key() {
            Ok(key) => write!(f, "SigningKey(of {key})"),
            Err(_) => f.write_str("SigningKey"),
        }
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

/// Enough of a text to recognise it by in an error.
fn start(text: &str) -> String {
    text.chars().take(32).collect()
}

/// Why 32 bytes are not a canonical encoding of a point of large order, as far as y alone tells.
fn ed25519_fault(bytes: &[u8; 32]) -> Option<&'static str> {
    let mut y = *bytes;
    y.reverse();
    // The highest bit is the sign of x.
    if let Some(top) = y.first_mut() {
        *top &= 0x7f;
    }
    if y >= PRIME {
        return Some("y is not below 2^255 - 19");
    }
    SMALL_ORDER_Y
        .contains(&y)
        .then_some("the point is of small order")
}

/// 2^255 - 19, big-endian.
const PRIME: [u8; 32] = ending_in(0x7f, 0xff, 0xed);

/// The y coordinates of the points of order 1, 2, 4 and 8 (two of them), big-endian.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    ending_in(0, 0, 1),
    ending_in(0x7f, 0xff, 0xec),
    [0; 32],
    [
        0x05, 0xfc, 0x53, 0x6d, 0x88, 0x02, 0x38, 0xb1, 0x39, 0x33, 0xc6, 0xd3, 0x05, 0xac, 0xdf,
        0xd5, 0xf0, 0x98, 0xef, 0xf2, 0x89, 0xf4, 0xc3, 0x45, 0xb0, 0x27, 0xb2, 0xc2, 0x8f, 0x95,
        0xe8, 0x26,
    ],
    [
        0x7a, 0x03, 0xac, 0x92, 0x77, 0xfd, 0xc7, 0x4e, 0xc6, 0xcc, 0x39, 0x2c, 0xfa, 0x53, 0x20,
        0x2a, 0x0f, 0x67, 0x10, 0x0d, 0x76, 0x0b, 0x3c, 0xba, 0x4f, 0xd8, 0x4d, 0x3d, 0x70, 0x6a,
        0x17, 0xc7,
    ],
];

/// 32 bytes: `first`, 30 times `middle`, `last`.
const fn ending_in(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_verifies_under_its_key_and_message_only() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let public = key.public_key().unwrap();
            let signature = key.sign(b"message").unwrap();
            assert_eq!(public.verify(b"message", &signature), Ok(()));
            assert!(public.verify(b"massage", &signature).is_err());
            let other = SigningKey::generate(algorithm).unwrap();
            assert!(
                other
                    .public_key()
                    .unwrap()
                    .verify(b"message", &signature)
                    .is_err()
            );
            for at in 0..SIGNATURE_LEN {
                let mut altered = signature;
                altered[at] ^= 1;
                assert!(public.verify(b"message", &altered).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn keys_read_back_from_their_text() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let public = key.public_key().unwrap();
            assert_eq!(public.to_string().parse(), Ok(public.clone()));
            let json = serde_json::to_string(&public).unwrap();
            assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), public);

            let read = SigningKey::from_pem(&key.to_pem().unwrap()).unwrap();
            assert_eq!(read.public_key().unwrap(), public);
            assert_eq!(read.to_pkcs8().unwrap(), key.to_pkcs8().unwrap());
        }
    }

    #[test]
    fn a_damaged_pkcs8_is_refused() {
        for algorithm in Algorithm::ALL {
            let der = SigningKey::generate(algorithm).unwrap().to_pkcs8().unwrap();
            for at in 0..der.len() {
                assert!(SigningKey::from_pkcs8(&der[..at]).is_err(), "{at}");
            }
        }
        let p384 =
            EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        assert_eq!(
            SigningKey::from_pkcs8(p384.to_pkcs8v1().unwrap().as_ref()).unwrap_err(),
            KeyError::NotPkcs8
        );
    }

    #[test]
    fn debug_output_has_no_private_key() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            assert_eq!(
                format!("{key:?}"),
                format!("SigningKey(of {})", key.public_key().unwrap())
            );
        }
    }

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
    fn points_off_the_curve_and_weak_points_are_refused() {
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

        for weak in SMALL_ORDER_Y
            .into_iter()
            .chain([PRIME, ending_in(0x7f, 0xff, 0xff)])
        {
            for sign in [0, 0x80] {
                let mut bytes = weak;
                bytes.reverse();
                bytes[31] |= sign;
                assert!(matches!(
                    PublicKey::ed25519(&bytes),
                    Err(KeyError::InvalidPoint { .. })
                ));
            }
        }
    }
}
