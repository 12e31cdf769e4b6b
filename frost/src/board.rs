//! The public side of a ceremony: every message that was sent, each checked as far as anyone can.

use std::collections::BTreeMap;
use std::fmt;

use ciborium::Value;
use frost_secp256k1_tr::{
    Identifier, Signature,
    keys::{VerifiableSecretSharingCommitment, dkg::round1},
};
use k256::{
    AffinePoint, ProjectivePoint,
    elliptic_curve::{group::GroupEncoding, point::AffineCoordinates},
    schnorr::VerifyingKey,
};
use serde::{Deserialize, Serialize};

use crate::hash::{self, Tag, bytes};
use crate::parameters::Checked;
use crate::participant_key::verifies;
use crate::{
    CeremonyError, Commitments, Confirmation, Hex, Message, Misbehaviour, Outcome, Parameters,
    Purpose, Shares,
};

/// What a ceremony waits for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The commitments of some participants.
    Commitments,
    /// The shares of some participants.
    Shares,
    /// The confirmations of some participants.
    Confirmations,
    /// Nothing: every participant has confirmed the result.
    Complete,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commitments => "commitments",
            Self::Shares => "shares",
            Self::Confirmations => "confirmations",
            Self::Complete => "nothing",
        })
    }
}

/// Every message of a ceremony so far.
///
/// A message is taken only if its participant signed it and everything before it is there. Messages may come again; another message in the
/// place of an earlier one is refused.
#[derive(Clone, Debug)]
pub struct Board {
    pub(crate) checked: Checked,
    commitments: Vec<Option<Commitments>>,
    shares: Vec<Option<Shares>>,
    confirmations: Vec<Option<Confirmation>>,
    outcome: Option<Outcome>,
}

impl Board {
    /// A ceremony without messages.
    ///
    /// # Errors
    /// [`CeremonyError::Invalid`]: the field of the parameters that is not accepted.
    pub fn new(parameters: Parameters) -> Result<Self, CeremonyError> {
        let checked = parameters.check()?;
        let n = checked.keys.len();
        Ok(Self {
            checked,
            commitments: vec![None; n],
            shares: vec![None; n],
            confirmations: vec![None; n],
            outcome: None,
        })
    }

    /// What the participants agreed on.
    pub fn parameters(&self) -> &Parameters {
        &self.checked.parameters
    }

    /// What the ceremony waits for.
    pub fn state(&self) -> State {
        if self.commitments.iter().any(Option::is_none) {
            State::Commitments
        } else if self.shares.iter().any(Option::is_none) {
            State::Shares
        } else if self.missing_confirmations().next().is_some() {
            State::Confirmations
        } else {
            State::Complete
        }
    }

    /// The names of the participants whose messages the ceremony waits for.
    pub fn waits_for(&self) -> Vec<String> {
        let is_missing = |index: usize| match self.state() {
            State::Commitments => self.commitments_of(index).is_none(),
            State::Shares => self.shares_of(index).is_none(),
            State::Confirmations => self.missing_confirmations().any(|other| other == index),
            State::Complete => false,
        };
        let participants = self.checked.parameters.participants.iter().enumerate();
        let missing = participants.filter(|(index, _)| is_missing(*index));
        missing.map(|(_, one)| one.name.clone()).collect()
    }

    /// Every message so far, in the order of the rounds and the participants.
    pub fn messages(&self) -> Vec<Message> {
        let commitments = self.commitments.iter().flatten().cloned();
        let shares = self.shares.iter().flatten().cloned();
        let confirmations = self.confirmations.iter().flatten().cloned();
        commitments
            .map(Message::Commitments)
            .chain(shares.map(Message::Shares))
            .chain(confirmations.map(Message::Confirmation))
            .collect()
    }

    /// The confirmations so far.
    pub fn confirmations(&self) -> Vec<Confirmation> {
        self.confirmations.iter().flatten().cloned().collect()
    }

    /// Takes a message of a participant that signs for itself.
    ///
    /// # Errors
    /// See [`CeremonyError`]; after [`CeremonyError::Misbehaved`] the ceremony is over.
    pub fn add(&mut self, message: Message) -> Result<(), CeremonyError> {
        let index = self.checked.index(message.participant())?;
        if self.key(index).is_none() {
            return Err(message.unsigned());
        }
        self.place(index, message)
    }

    /// Takes a message of the enclave, which has no signature of its own: a signed response carried it.
    ///
    /// # Errors
    /// As [`Board::add`].
    pub fn add_of_the_enclave(&mut self, message: Message) -> Result<(), CeremonyError> {
        let index = self.checked.index(message.participant())?;
        if self.key(index).is_some() || message.signature().is_some() {
            return Err(message.unsigned());
        }
        self.place(index, message)
    }

    fn place(&mut self, index: usize, message: Message) -> Result<(), CeremonyError> {
        match message {
            Message::Commitments(message) => self.place_commitments(index, message),
            Message::Shares(message) => self.place_shares(index, message),
            Message::Confirmation(message) => self.place_confirmation(index, message),
        }
    }

    fn place_commitments(
        &mut self,
        index: usize,
        message: Commitments,
    ) -> Result<(), CeremonyError> {
        let digest = message.signed_digest(&self.checked.context);
        self.check_signature(index, &digest, Message::Commitments(message.clone()))?;
        if is_repeated(self.commitments.get(index), &message)
            .ok_or_else(|| contradiction(&message.participant, COMMITMENTS))?
        {
            return Ok(());
        }
        self.check_commitments(&message)?;
        if let Some(place) = self.commitments.get_mut(index) {
            *place = Some(message);
        }
        Ok(())
    }

    fn place_shares(&mut self, index: usize, message: Shares) -> Result<(), CeremonyError> {
        let digest = self
            .all_commitments_digest()
            .ok_or_else(|| self.out_of_turn(&message.participant, SHARES))?;
        let digest = message.digest(&digest);
        self.check_signature(index, &digest, Message::Shares(message.clone()))?;
        if is_repeated(self.shares.get(index), &message)
            .ok_or_else(|| contradiction(&message.participant, SHARES))?
        {
            return Ok(());
        }
        let participants = &self.checked.parameters.participants;
        let others = participants
            .iter()
            .filter(|p| p.name != message.participant);
        let mut expected: Vec<&str> = others.map(|other| other.name.as_str()).collect();
        expected.sort_unstable();
        if !message.shares.keys().map(String::as_str).eq(expected) {
            return Err(misbehaved(&message.participant, Misbehaviour::Recipients));
        }
        if let Some(place) = self.shares.get_mut(index) {
            *place = Some(message);
        }
        Ok(())
    }

    fn place_confirmation(
        &mut self,
        index: usize,
        message: Confirmation,
    ) -> Result<(), CeremonyError> {
        // Before the result is known, nobody can tell whether it is what was signed.
        let Some(outcome) = &self.outcome else {
            return Err(self.out_of_turn(&message.participant, CONFIRMATION));
        };
        let digest = outcome.digest();
        self.check_signature(index, &digest, Message::Confirmation(message.clone()))?;
        if let Some(place) = self.confirmations.get_mut(index) {
            // BIP-340 signatures of one digest may differ; the first one stands.
            place.get_or_insert(message);
        }
        Ok(())
    }

    /// Notes the result that a participant's own computation came to, against which confirmations are checked.
    pub(crate) fn conclude(&mut self, outcome: &Outcome) -> Result<(), CeremonyError> {
        match &self.outcome {
            Some(known) if known != outcome => Err(CeremonyError::Mismatch(
                "the participants of this side do not come to the same result",
            )),
            _ => {
                self.outcome = Some(outcome.clone());
                Ok(())
            }
        }
    }

    /// The result, once a participant of this side has computed it.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    fn check_signature(
        &self,
        index: usize,
        digest: &[u8; 32],
        message: Message,
    ) -> Result<(), CeremonyError> {
        match (self.key(index), message.signature()) {
            (Some(key), Some(signature)) if verifies(key, digest, signature) => Ok(()),
            (None, None) => Ok(()),
            _ => Err(message.unsigned()),
        }
    }

    /// Checks everything that the participant has signed and that needs no secret.
    fn check_commitments(&self, message: &Commitments) -> Result<(), CeremonyError> {
        let refused = |what| misbehaved(&message.participant, what);
        let purpose = self.checked.parameters.purpose;
        let threshold = usize::from(self.checked.parameters.threshold);
        let expected = match purpose {
            Purpose::Generate => threshold,
            Purpose::Refresh => threshold - 1,
        };
        if message.commitments.len() != expected {
            return Err(refused(Misbehaviour::CommitmentCount));
        }
        let is_point = |point: &&Hex<33>| self::point(point).is_none();
        if message.commitments.iter().any(|p| is_point(&p)) || is_point(&&message.encryption_key) {
            return Err(refused(Misbehaviour::NotAPoint));
        }
        match purpose {
            Purpose::Refresh if message.proof_of_knowledge.is_some() => {
                Err(refused(Misbehaviour::ProofOfKnowledge))
            }
            Purpose::Refresh if message.possession.is_some() => {
                Err(refused(Misbehaviour::Possession))
            }
            Purpose::Refresh => Ok(()),
            Purpose::Generate => self.check_possession(message),
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
    fn package(&self, message: &Commitments) -> Option<round1::Package> {
        let points = message.commitments.iter().map(|point| point.0);
        let commitment = VerifiableSecretSharingCommitment::deserialize(points).ok()?;
        let proof = match &message.proof_of_knowledge {
            Some(proof) => Signature::deserialize(&proof.0).ok()?,
            // The library carries a proof in a refresh, too, and does not look at it.
            None if self.checked.parameters.purpose == Purpose::Refresh => {
                Signature::new(ProjectivePoint::GENERATOR, k256::Scalar::ONE)
            }
            None => return None,
        };
        Some(round1::Package::new(commitment, proof))
    }

    /// The packages of all participants but one, once all are there.
    pub(crate) fn packages_for(
        &self,
        index: usize,
    ) -> Option<BTreeMap<Identifier, round1::Package>> {
        let members = self.checked.participants.members();
        let all = members.iter().zip(&self.commitments).enumerate();
        all.filter(|(at, _)| *at != index)
            .map(|(_, (member, message))| {
                Some((member.identifier, self.package(message.as_ref()?)?))
            })
            .collect()
    }

    /// The digest of all commitments and their signatures, once all are there.
    pub(crate) fn all_commitments_digest(&self) -> Option<[u8; 32]> {
        let digests = self.commitments.iter().map(|message| {
            let message = message.as_ref()?;
            let digest = message.signed_digest(&self.checked.context);
            Some(signed(&digest, message.signature.as_ref()))
        });
        let digests: Option<Vec<Value>> = digests.collect();
        Some(hash::digest(Tag::AllCommitments, digests?))
    }

    /// The digest of both rounds, once all shares are there.
    pub(crate) fn transcript(&self) -> Option<[u8; 32]> {
        let commitments = self.all_commitments_digest()?;
        let mut parts = vec![bytes(&commitments)];
        for message in &self.shares {
            let message = message.as_ref()?;
            let digest = message.digest(&commitments);
            parts.push(signed(&digest, message.signature.as_ref()));
        }
        Some(hash::digest(Tag::Transcript, parts))
    }

    pub(crate) fn commitments_of(&self, index: usize) -> Option<&Commitments> {
        self.commitments.get(index)?.as_ref()
    }

    pub(crate) fn shares_of(&self, index: usize) -> Option<&Shares> {
        self.shares.get(index)?.as_ref()
    }

    pub(crate) fn out_of_turn(&self, participant: &str, message: &'static str) -> CeremonyError {
        CeremonyError::OutOfTurn {
            participant: participant.to_owned(),
            message,
            waits_for: self.state(),
        }
    }

    fn missing_confirmations(&self) -> impl Iterator<Item = usize> {
        let all = self
            .confirmations
            .iter()
            .zip(&self.checked.keys)
            .enumerate();
        all.filter(|(_, (confirmation, key))| key.is_some() && confirmation.is_none())
            .map(|(index, _)| index)
    }

    fn key(&self, index: usize) -> Option<&VerifyingKey> {
        self.checked.keys.get(index)?.as_ref()
    }

    fn identifier(&self, name: &str) -> Result<Identifier, CeremonyError> {
        let index = self.checked.index(name)?;
        let members = self.checked.participants.members();
        members
            .get(index)
            .map(|member| member.identifier)
            .ok_or(CeremonyError::Mismatch("a participant has no identifier"))
    }
}

#[cfg(test)]
impl Board {
    /// Puts another share for `to` in the place of the one that `from` sent.
    pub(crate) fn replace_share(&mut self, from: &str, to: &str, share: Hex<32>) {
        let index = self.checked.index(from).unwrap();
        let shares = self.shares[index].as_mut().unwrap();
        shares.shares.insert(to.to_owned(), share).unwrap();
    }

    /// Leaves the place of a participant's shares empty again.
    pub(crate) fn take_back_shares(&mut self, from: &str) {
        let index = self.checked.index(from).unwrap();
        self.shares[index] = None;
    }
}

pub(crate) const COMMITMENTS: &str = "commitments";
pub(crate) const SHARES: &str = "shares";
pub(crate) const CONFIRMATION: &str = "confirmation";

impl Message {
    /// The name of the participant that sends it.
    pub fn participant(&self) -> &str {
        match self {
            Self::Commitments(message) => &message.participant,
            Self::Shares(message) => &message.participant,
            Self::Confirmation(message) => &message.participant,
        }
    }

    fn signature(&self) -> Option<&Hex<64>> {
        match self {
            Self::Commitments(message) => message.signature.as_ref(),
            Self::Shares(message) => message.signature.as_ref(),
            Self::Confirmation(message) => Some(&message.signature),
        }
    }

    fn unsigned(&self) -> CeremonyError {
        CeremonyError::Unsigned {
            participant: self.participant().to_owned(),
            message: match self {
                Self::Commitments(_) => COMMITMENTS,
                Self::Shares(_) => SHARES,
                Self::Confirmation(_) => CONFIRMATION,
            },
        }
    }
}

/// Whether a message came before. None if another one did.
fn is_repeated<M: PartialEq>(place: Option<&Option<M>>, message: &M) -> Option<bool> {
    match place {
        Some(Some(earlier)) if earlier == message => Some(true),
        Some(Some(_)) => None,
        _ => Some(false),
    }
}

fn contradiction(participant: &str, message: &'static str) -> CeremonyError {
    CeremonyError::Contradiction {
        participant: participant.to_owned(),
        message,
    }
}

pub(crate) fn misbehaved(participant: &str, what: Misbehaviour) -> CeremonyError {
    CeremonyError::Misbehaved {
        participant: participant.to_owned(),
        what,
    }
}

/// The point of these bytes; None for anything else, and for the point at infinity.
pub(crate) fn point(bytes: &Hex<33>) -> Option<AffinePoint> {
    let point: Option<AffinePoint> = AffinePoint::from_bytes(&bytes.0.into()).into();
    point.filter(|point| *point != AffinePoint::IDENTITY)
}

fn signed(digest: &[u8; 32], signature: Option<&Hex<64>>) -> Value {
    let signature = signature.map_or(Value::Null, |signature| bytes(&signature.0));
    Value::Array(vec![bytes(digest), signature])
}
