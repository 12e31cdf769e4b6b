//! The polynomials by which the shares of a key are dealt again.

use frost_secp256k1_tr::Identifier;
use k256::{
    NonZeroScalar, ProjectivePoint, Scalar,
    elliptic_curve::{group::GroupEncoding, ops::MulByGenerator},
};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::Hex;

/// A dealer's polynomial, whose constant term is its part of the key. Wiped when dropped.
pub(crate) struct Polynomial(Zeroizing<Vec<Scalar>>);

impl Polynomial {
    pub(crate) fn random(
        constant: Scalar,
        threshold: u16,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Self {
        let t = usize::from(threshold);
        let mut coefficients = Zeroizing::new(Vec::with_capacity(t));
        coefficients.push(constant);
        coefficients.extend((1..t).map(|_| *NonZeroScalar::random(&mut *rng)));
        Self(coefficients)
    }

    pub(crate) fn commitments(&self) -> Vec<Hex<33>> {
        let points = self.0.iter().map(ProjectivePoint::mul_by_generator);
        points.map(|point| Hex(point.to_bytes().into())).collect()
    }

    pub(crate) fn at(&self, identifier: &Identifier) -> Scalar {
        let at = identifier.to_scalar();
        let coefficients = self.0.iter().rev();
        coefficients.fold(Scalar::ZERO, |sum, coefficient| sum * at + coefficient)
    }
}

/// The commitment to a polynomial's value, from those to its coefficients: the verifying share that it gives.
pub(crate) fn committed_value(
    points: &[ProjectivePoint],
    identifier: &Identifier,
) -> ProjectivePoint {
    let at = identifier.to_scalar();
    let zero = ProjectivePoint::IDENTITY;
    points
        .iter()
        .rev()
        .fold(zero, |sum, point| sum * at + point)
}
