//! The key that a participant signs its messages with.

use std::fmt;

use k256::schnorr::{Signature, SigningKey, VerifyingKey};
use rand_core::{CryptoRng, RngCore};

use crate::Hex;

/// A BIP-340 signing key of one participant. Wiped when dropped.
#[derive(Clone)]
pub struct ParticipantKey(SigningKey);

/// Bytes are not a BIP-340 signing key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("accepted: a scalar of 32 bytes, other than zero and below the order of secp256k1")]
pub struct ParticipantKeyError;

impl ParticipantKey {
    /// A new key.
    pub fn random(rng: &mut (impl CryptoRng + RngCore)) -> Self {
        Self(SigningKey::random(rng))
    }

    /// The key of these 32 bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, ParticipantKeyError> {
        let key = SigningKey::from_bytes(bytes).map_err(|_| ParticipantKeyError)?;
        Ok(Self(key))
    }

    /// The secret scalar, 32 bytes.
    pub fn to_bytes(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public key, 32 bytes, x-only.
    pub fn public_key(&self) -> Hex<32> {
        Hex(self.0.verifying_key().to_bytes().into())
    }

    pub(crate) fn sign(
        &self,
        digest: &[u8; 32],
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Hex<64>, frost_secp256k1_tr::Error> {
        sign(&self.0, digest, rng)
    }
}

impl fmt::Debug for ParticipantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ParticipantKey({})", self.public_key())
    }
}

/// Whether a BIP-340 signature over 32 bytes is that of this public key (x-only). Bytes that are no public key have signed nothing.
pub fn is_signed_by(public_key: &Hex<32>, digest: &[u8; 32], signature: &Hex<64>) -> bool {
    VerifyingKey::from_bytes(&public_key.0).is_ok_and(|key| verifies(&key, digest, signature))
}

/// A BIP-340 signature over 32 bytes.
pub(crate) fn sign(
    key: &SigningKey,
    digest: &[u8; 32],
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<Hex<64>, frost_secp256k1_tr::Error> {
    let mut auxiliary = [0; 32];
    rng.fill_bytes(&mut auxiliary);
    let signature = key
        .sign_raw(digest, &auxiliary)
        .map_err(|_| frost_secp256k1_tr::Error::MalformedSigningKey)?;
    Ok(Hex(signature.to_bytes()))
}

/// Whether a BIP-340 signature over 32 bytes verifies.
pub(crate) fn verifies(key: &VerifyingKey, digest: &[u8; 32], signature: &Hex<64>) -> bool {
    Signature::try_from(signature.0.as_slice())
        .is_ok_and(|signature| key.verify_raw(digest, &signature).is_ok())
}
