//! The public side of a ceremony: every message that was sent, each checked as far as anyone can.

use std::collections::BTreeMap;

use ciborium::Value;
use frost_secp256k1_tr::{Identifier, keys::dkg::round1};
use k256::{AffinePoint, elliptic_curve::group::GroupEncoding, schnorr::VerifyingKey};

use crate::hash::{self, Tag, bytes};
use crate::messages::{COMMITMENTS, CONFIRMATION, SHARES};
use crate::parameters::{Checked, Role};
use crate::participant_key::verifies;
use crate::{
    CeremonyError, Commitments, Confirmation, Hex, Message, Misbehaviour, Outcome, Parameters,
    Purpose, Shares, State,
};

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
        let n = checked.roles.len();
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
        } else if self.missing_shares().next().is_some() {
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
            State::Shares => self.missing_shares().any(|other| other == index),
            State::Confirmations => self.missing_confirmations().any(|other| other == index),
            State::Complete => false,
        };
        let roles = self.checked.roles.iter().enumerate();
        let missing = roles.filter(|(index, _)| is_missing(*index));
        missing.map(|(_, role)| role.name.clone()).collect()
    }

    /// The names of those that the enclave takes part as.
    pub fn of_the_enclave(&self) -> Vec<String> {
        let roles = self.checked.roles.iter().filter(|role| role.key.is_none());
        roles.map(|role| role.name.clone()).collect()
    }

    /// Whether one of this name needs the share that it has.
    pub fn takes_old_share(&self, name: &str) -> bool {
        let mut roles = self.checked.roles.iter().filter(|role| role.name == name);
        match self.checked.parameters.purpose {
            Purpose::Generate => false,
            Purpose::Refresh | Purpose::Reshare => roles.any(|role| role.deals),
        }
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
        self.check_commitments(index, &message)?;
        if let Some(place) = self.commitments.get_mut(index) {
            *place = Some(message);
        }
        Ok(())
    }

    fn place_shares(&mut self, index: usize, message: Shares) -> Result<(), CeremonyError> {
        let deals = self.role(index).is_some_and(|role| role.deals);
        let digest = self.all_commitments_digest().filter(|_| deals);
        let digest = digest.ok_or_else(|| self.out_of_turn(&message.participant, SHARES))?;
        let digest = message.digest(&digest);
        self.check_signature(index, &digest, Message::Shares(message.clone()))?;
        if is_repeated(self.shares.get(index), &message)
            .ok_or_else(|| contradiction(&message.participant, SHARES))?
        {
            return Ok(());
        }
        let roles = self.checked.roles.iter();
        let others = roles.filter(|role| role.receives && role.name != message.participant);
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
        let receives = self.role(index).is_some_and(|role| role.receives);
        let Some(outcome) = self.outcome.as_ref().filter(|_| receives) else {
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
        let roles = self.checked.roles.iter().zip(&self.shares);
        for (_, message) in roles.filter(|(role, _)| role.deals) {
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

    fn missing_shares(&self) -> impl Iterator<Item = usize> {
        let all = self.shares.iter().zip(&self.checked.roles).enumerate();
        all.filter(|(_, (shares, role))| role.deals && shares.is_none())
            .map(|(index, _)| index)
    }

    fn missing_confirmations(&self) -> impl Iterator<Item = usize> {
        let all = self.confirmations.iter().zip(&self.checked.roles);
        all.enumerate()
            .filter(|(_, (confirmation, role))| {
                role.receives && role.key.is_some() && confirmation.is_none()
            })
            .map(|(index, _)| index)
    }

    pub(crate) fn role(&self, index: usize) -> Option<&Role> {
        self.checked.roles.get(index)
    }

    fn key(&self, index: usize) -> Option<&VerifyingKey> {
        self.role(index)?.key.as_ref()
    }

    pub(crate) fn identifier(&self, name: &str) -> Result<Identifier, CeremonyError> {
        let index = self.checked.index(name)?;
        let role = self.role(index);
        role.map(|role| role.identifier)
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
