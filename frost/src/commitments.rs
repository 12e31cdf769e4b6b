//! What anyone can check of commitments, without a secret.

use frost_secp256k1_tr::{
    Signature,
    keys::{VerifiableSecretSharingCommitment, dkg::round1},
};
use k256::{ProjectivePoint, elliptic_curve::point::AffineCoordinates, schnorr::VerifyingKey};

use crate::board::{misbehaved, point};
use crate::participant_key::verifies;
use crate::{Board, CeremonyError, Commitments, Hex, Misbehaviour, Purpose};

impl Board {
    /// Checks everything that the participant has signed and that needs no secret.
    pub(crate) fn check_commitments(
        &self,
        index: usize,
        message: &Commitments,
    ) -> Result<(), CeremonyError> {
        let refused = |what| misbehaved(&message.participant, what);
        let purpose = self.checked.parameters.purpose;
        let threshold = usize::from(self.checked.parameters.threshold);
        let expected = match purpose {
            Purpose::Generate => threshold,
            Purpose::Refresh => threshold - 1,
            Purpose::Reshare if self.role(index).is_some_and(|role| role.deals) => threshold,
            Purpose::Reshare => 0,
        };
        if message.commitments.len() != expected {
            return Err(refused(Misbehaviour::CommitmentCount));
        }
        let is_point = |point: &&Hex<33>| self::point(point).is_none();
        if message.commitments.iter().any(|p| is_point(&p)) || is_point(&&message.encryption_key) {
            return Err(refused(Misbehaviour::NotAPoint));
        }
        match purpose {
            Purpose::Generate => self.check_possession(message),
            _ if message.proof_of_knowledge.is_some() => {
                Err(refused(Misbehaviour::ProofOfKnowledge))
            }
            _ if message.possession.is_some() => Err(refused(Misbehaviour::Possession)),
            _ => {
                let demanded = self.role(index).and_then(|role| role.weight);
                let came = message.commitments.first().and_then(point);
                match demanded {
                    Some((_, constant)) if came != Some(constant) => {
                        Err(refused(Misbehaviour::Constant))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    fn check_possession(&self, message: &Commitments) -> Result<(), CeremonyError> {
        let refused = |what| misbehaved(&message.participant, what);
        let package = self
            .package(message)
            .ok_or_else(|| refused(Misbehaviour::ProofOfKnowledge))?;
        frost_core::keys::dkg::verify_proof_of_knowledge(
            self.identifier(&message.participant)?,
            package.commitment(),
            package.proof_of_knowledge(),
        )
        .map_err(|_| refused(Misbehaviour::ProofOfKnowledge))?;
        let constant = message.commitments.first().and_then(point);
        let key = constant.and_then(|point| VerifyingKey::from_bytes(&point.x()).ok());
        let digest = message.digest(&self.checked.context);
        match (key, &message.possession) {
            (Some(key), Some(signature)) if verifies(&key, &digest, signature) => Ok(()),
            _ => Err(refused(Misbehaviour::Possession)),
        }
    }

    /// A message as the FROST library has it. None where its proof is none.
    pub(crate) fn package(&self, message: &Commitments) -> Option<round1::Package> {
        let points = message.commitments.iter().map(|point| point.0);
        let commitment = VerifiableSecretSharingCommitment::deserialize(points).ok()?;
        let proof = match &message.proof_of_knowledge {
            Some(proof) => Signature::deserialize(&proof.0).ok()?,
            // The library carries a proof in a refresh, too, and does not look at it.
            None if self.checked.parameters.purpose != Purpose::Generate => {
                Signature::new(ProjectivePoint::GENERATOR, k256::Scalar::ONE)
            }
            None => return None,
        };
        Some(round1::Package::new(commitment, proof))
    }
}
