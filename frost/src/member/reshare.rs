//! The share that comes out of a reshare, and everyone's verifying share.

use std::collections::BTreeMap;

use frost_core::keys::SigningShare;
use frost_secp256k1_tr::{
    Identifier, VerifyingKey,
    keys::{KeyPackage, PublicKeyPackage, VerifyingShare, dkg},
};
use k256::ProjectivePoint;

use super::Member;
use crate::board::point;
use crate::messages::COMMITMENTS;
use crate::polynomial::committed_value;
use crate::{Board, CeremonyError};

impl Member {
    /// The sum of what the dealers gave, and of their polynomials' values for all.
    pub(super) fn reshared(
        &self,
        board: &Board,
        received: &BTreeMap<Identifier, dkg::round2::Package>,
    ) -> Result<(KeyPackage, PublicKeyPackage), CeremonyError> {
        let own = self.polynomial.iter().map(|one| one.at(&self.identifier));
        let of_others = received.values();
        let of_others = of_others.map(|package| package.signing_share().to_scalar());
        let signing_share = SigningShare::new(own.chain(of_others).sum());
        let identifiers = board.checked.participants.identifiers();
        let mut group = ProjectivePoint::IDENTITY;
        let mut values = vec![ProjectivePoint::IDENTITY; identifiers.len()];
        let dealers = board.checked.roles.iter().enumerate();
        for (index, _) in dealers.filter(|(_, role)| role.deals) {
            let missing = || board.out_of_turn(&self.name, COMMITMENTS);
            let message = board.commitments_of(index).ok_or_else(missing)?;
            let points = message.commitments.iter();
            let points: Option<Vec<ProjectivePoint>> = points
                .map(|bytes| point(bytes).map(ProjectivePoint::from))
                .collect();
            let points = points.ok_or_else(missing)?;
            group += points.first().copied().ok_or_else(missing)?;
            for (value, identifier) in values.iter_mut().zip(&identifiers) {
                *value += committed_value(&points, identifier);
            }
        }
        let (t, group) = (board.parameters().threshold, VerifyingKey::new(group));
        let public = identifiers.into_iter().zip(values);
        let public = public.map(|(id, point)| (id, VerifyingShare::new(point)));
        let public = PublicKeyPackage::new(public.collect(), group, Some(t));
        let own = VerifyingShare::from(signing_share);
        let package = KeyPackage::new(self.identifier, signing_share, own, group, t);
        Ok((package, public))
    }
}
