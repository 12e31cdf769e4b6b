//! BIP-340 verification, which every signature passes before it leaves.
//!
//! This is `k256`'s verifier, which shares no code with FROST except curve arithmetic and SHA-256.

use k256::{
    ProjectivePoint,
    elliptic_curve::point::AffineCoordinates,
    schnorr::{Signature, VerifyingKey},
};

/// A BIP-340 public key: a point with an even y coordinate, written as its 32-byte x coordinate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    bytes: [u8; 32],
    point: VerifyingKey,
}

/// The bytes are not a BIP-340 public key: not the x coordinate of a point of secp256k1.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not the x coordinate of a point of secp256k1: {}", hex::encode(.0))]
pub struct PublicKeyError([u8; 32]);

/// A signature does not verify.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the BIP-340 signature does not verify")]
pub struct SignatureError;

impl PublicKey {
    /// The public key with this x coordinate (BIP-340 `lift_x`).
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, PublicKeyError> {
        match VerifyingKey::from_bytes(&bytes) {
            Ok(point) => Ok(Self { bytes, point }),
            Err(_) => Err(PublicKeyError(bytes)),
        }
    }

    /// The public key of a point other than the identity, or of its negative.
    pub(super) fn of_point(point: &ProjectivePoint) -> Option<Self> {
        let point = point.to_affine();
        let even = if point.y_is_odd().into() {
            -point
        } else {
            point
        };
        let point = k256::PublicKey::from_affine(even).ok()?;
        let point = VerifyingKey::try_from(point).ok()?;
        let bytes = point.to_bytes().into();
        Some(Self { bytes, point })
    }

    /// The x coordinate.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The point: the one of the two with this x coordinate whose y coordinate is even.
    pub(super) fn to_point(&self) -> ProjectivePoint {
        (*self.point.as_affine()).into()
    }

    /// Verifies a signature over a message of any length (BIP-340, section Verification).
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), SignatureError> {
        let signature = Signature::try_from(signature.as_slice()).map_err(|_| SignatureError)?;
        self.point
            .verify_raw(message, &signature)
            .map_err(|_| SignatureError)
    }
}
