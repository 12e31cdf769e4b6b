//! The shares on their way from one participant to another: hidden by a pad, and checked on arrival.

use std::collections::BTreeMap;

use ciborium::Value;
use frost_core::keys::{
    CoefficientCommitment, SecretShare, SigningShare, VerifiableSecretSharingCommitment,
};
use frost_secp256k1_tr::{Identifier, Secp256K1Sha256TR, keys::dkg};
use k256::{
    ProjectivePoint, Scalar,
    elliptic_curve::{PrimeField, group::GroupEncoding},
};
use zeroize::{Zeroize, Zeroizing};

use super::Member;
use crate::board::{misbehaved, point};
use crate::hash::{self, Tag, bytes};
use crate::messages::COMMITMENTS;
use crate::{Board, CeremonyError, Misbehaviour, Purpose};

impl Member {
    /// The shares of the others for this participant, each checked against its sender's commitments.
    pub(super) fn received(
        &self,
        board: &Board,
    ) -> Result<BTreeMap<Identifier, dkg::round2::Package>, CeremonyError> {
        let mut received = BTreeMap::new();
        for (index, member) in board.checked.roles.iter().enumerate() {
            if index == self.index || !member.deals {
                continue;
            }
            let from = member.name.as_str();
            let bad = || misbehaved(from, Misbehaviour::Share);
            let hidden = board
                .shares_of(index)
                .and_then(|message| message.shares.get(&self.name))
                .ok_or_else(bad)?;
            let hidden: Option<Scalar> = Scalar::from_repr(hidden.0.into()).into();
            let pad = self.pad(board, index, from, &self.name)?;
            let share = SigningShare::new(hidden.ok_or_else(bad)? - *pad);
            let commitment = whole_commitment(board, index).ok_or_else(bad)?;
            SecretShare::<Secp256K1Sha256TR>::new(self.identifier, share, commitment)
                .verify()
                .map_err(|_| bad())?;
            received.insert(member.identifier, dkg::round2::Package::new(share));
        }
        Ok(received)
    }

    /// What hides a share between this participant and the one at `index`: the Diffie-Hellman secret of their two encryption keys, which
    /// are of this ceremony alone, hashed with all commitments and the direction.
    pub(crate) fn pad(
        &self,
        board: &Board,
        index: usize,
        from: &str,
        to: &str,
    ) -> Result<Zeroizing<Scalar>, CeremonyError> {
        let missing = || board.out_of_turn(&self.name, COMMITMENTS);
        let other = board.commitments_of(index).ok_or_else(missing)?;
        let other = point(&other.encryption_key).ok_or_else(missing)?;
        let mut shared: [u8; 33] = (ProjectivePoint::from(other) * *self.encryption)
            .to_bytes()
            .into();
        let commitments = board.all_commitments_digest().ok_or_else(missing)?;
        let parts = vec![
            bytes(&commitments),
            Value::from(from),
            Value::from(to),
            bytes(&shared),
        ];
        shared.zeroize();
        Ok(Zeroizing::new(hash::scalar(Tag::Pad, parts)))
    }
}

/// The commitment of the participant at `index`, with the zero that a refresh leaves out.
fn whole_commitment(
    board: &Board,
    index: usize,
) -> Option<VerifiableSecretSharingCommitment<Secp256K1Sha256TR>> {
    let zero =
        (board.parameters().purpose == Purpose::Refresh).then_some(ProjectivePoint::IDENTITY);
    let points = board.commitments_of(index)?.commitments.iter();
    let points: Option<Vec<ProjectivePoint>> = points
        .map(|bytes| point(bytes).map(ProjectivePoint::from))
        .collect();
    let all = zero.into_iter().chain(points?);
    Some(VerifiableSecretSharingCommitment::new(
        all.map(CoefficientCommitment::new).collect(),
    ))
}
