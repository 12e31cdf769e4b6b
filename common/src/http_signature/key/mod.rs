//! The keys that sign requests and responses: Ed25519 (RFC 8032) and ECDSA P-256 with SHA-256 (FIPS 186-5).

mod ed25519_point;
mod pem;
mod public;
mod signing;

pub use public::PublicKey;
pub use signing::SigningKey;

use std::fmt;

/// The length of every signature, in bytes: R and S of Ed25519, or r and s of ECDSA, 32 bytes each
/// (RFC 9421 sections 3.3.4 and 3.3.6).
pub const SIGNATURE_LEN: usize = 64;

/// How a key signs, under its name in the registry of RFC 9421 section 6.2.2.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Algorithm {
    /// `ed25519`: RFC 9421 section 3.3.6.
    Ed25519,
    /// `ecdsa-p256-sha256`: RFC 9421 section 3.3.4.
    EcdsaP256,
}

/// Why a key could not be made or read, or a signature not made or verified.
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
        /// How many hex digits it has.
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
    #[error("the cryptographic library failed to {0}")]
    Library(&'static str),
    /// The signature does not verify.
    #[error("the signature is not a valid {algorithm} signature by this key")]
    BadSignature {
        /// The key's algorithm.
        algorithm: Algorithm,
    },
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
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
