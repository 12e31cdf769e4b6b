//! A client's side of a ceremony: all participants whose shares it holds.

use std::fmt;

use rand_core::{CryptoRng, RngCore};

use crate::messages::CONFIRMATION;
use crate::{
    Board, CeremonyError, HeldShare, Member, Message, Outcome, Parameters, ParticipantKey, Share,
    State,
};

/// Every participant of a ceremony whose share this side holds, from the commitments to the shares.
///
/// [`Side::join`] makes the commitments, which [`Side::messages`] has; [`Side::take`] takes responses, and does what is due after each
/// message; [`Side::conclude`] gives the shares, with the messages that confirm them. Participants may be at other clients, whose messages
/// the responses carry.
pub struct Side {
    board: Board,
    names: Vec<String>,
    /// Those that have no share of the result yet.
    members: Vec<(Member, ParticipantKey)>,
    shares: Vec<HeldShare>,
}

/// What a ceremony came to, before it is confirmed.
pub struct Concluded {
    /// The result, which this side's participants have signed.
    pub outcome: Outcome,
    /// This side's shares, in the order of the participants. Store them before the messages are sent.
    pub shares: Vec<HeldShare>,
    /// All messages of this side, in the order of the rounds.
    pub messages: Vec<Message>,
}

impl Side {
    /// Takes part as these participants: each by its name, with the key that signs its messages, and the share that it has before the
    /// ceremony, if it has one.
    ///
    /// # Errors
    /// As [`Board::new`] and [`Member::join`].
    pub fn join(
        parameters: Parameters,
        participants: Vec<(String, ParticipantKey, Option<Share>)>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, CeremonyError> {
        let mut board = Board::new(parameters)?;
        let names = participants.iter().map(|(name, ..)| name.clone()).collect();
        let mut members = Vec::with_capacity(participants.len());
        for (name, key, old) in participants {
            let member = Member::join(&mut board, &name, Some(&key), old, rng)?;
            members.push((member, key));
        }
        Ok(Self {
            board,
            names,
            members,
            shares: Vec::new(),
        })
    }

    /// What the participants agreed on.
    pub fn parameters(&self) -> &Parameters {
        self.board.parameters()
    }

    /// This side's messages so far, in the order of the rounds.
    pub fn messages(&self) -> Vec<Message> {
        let mut messages = self.board.messages();
        messages.retain(|message| self.is_own(message));
        messages
    }

    /// This side's messages of both rounds so far. Confirmations wait until the shares are stored.
    pub fn rounds(&self) -> Vec<Message> {
        let mut messages = self.messages();
        messages.retain(|message| !matches!(message, Message::Confirmation(_)));
        messages
    }

    /// Takes messages of a response: the enclave's own, those that this side has sent, and those that other clients have signed; and
    /// does what this side's participants can do with them.
    ///
    /// # Errors
    /// [`CeremonyError::Mismatch`]: a message of this side that it has not sent; and as [`Board::add`], [`Member::share`] and
    /// [`Member::conclude`].
    pub fn take(
        &mut self,
        messages: Vec<Message>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<(), CeremonyError> {
        let of_the_enclave = self.board.of_the_enclave();
        for message in messages {
            self.step(rng)?;
            if of_the_enclave
                .iter()
                .any(|name| name == message.participant())
            {
                self.board.add_of_the_enclave(message)?;
            } else if !self.is_own(&message) {
                self.board.add(message)?;
            } else if !self.board.messages().contains(&message) {
                return Err(CeremonyError::Mismatch(
                    "the response has a message that was not sent",
                ));
            }
        }
        self.step(rng)
    }

    /// Whether a participant of this side gets a share: a dealer that leaves gets none.
    pub fn receives(&self) -> bool {
        self.names.iter().any(|name| self.place(name).is_some())
    }

    /// Whether no other client takes part.
    pub fn is_alone(&self) -> bool {
        let of_the_enclave = self.board.of_the_enclave();
        let mut roles = self.board.checked.roles.iter().map(|role| &role.name);
        roles.all(|name| self.names.contains(name) || of_the_enclave.contains(name))
    }

    /// Whether this side has its shares.
    pub fn is_concluded(&self) -> bool {
        self.board.outcome().is_some()
    }

    /// This side's shares and the result.
    ///
    /// # Errors
    /// [`CeremonyError::OutOfTurn`]: some messages are missing; [`CeremonyError::Mismatch`]: no participant of this side gets a share.
    pub fn conclude(self) -> Result<Concluded, CeremonyError> {
        if !self.receives() {
            return Err(CeremonyError::Mismatch(
                "no participant of this side gets a share",
            ));
        }
        let outcome = self.board.outcome().cloned().ok_or_else(|| {
            let name = self.names.first().map_or("", String::as_str);
            self.board.out_of_turn(name, CONFIRMATION)
        })?;
        Ok(Concluded {
            outcome,
            messages: self.messages(),
            shares: self.shares,
        })
    }

    fn step(&mut self, rng: &mut (impl CryptoRng + RngCore)) -> Result<(), CeremonyError> {
        if self.board.state() == State::Shares {
            for (member, key) in &mut self.members {
                member.share(&mut self.board, Some(key), rng)?;
            }
        }
        if self.board.state() == State::Confirmations && self.receives() {
            let parameters = self.board.parameters();
            let (key_id, generation) = (parameters.key_id, parameters.generation);
            let mut members = std::mem::take(&mut self.members);
            members.retain(|(member, _)| self.place(member.name()).is_some());
            members.sort_by_key(|(member, _)| self.place(member.name()));
            for (member, key) in members {
                let share = member.conclude(&mut self.board, Some(&key), rng)?;
                self.shares
                    .push(HeldShare::new(key_id, generation, key, share));
            }
        }
        Ok(())
    }

    /// The place among those that get shares.
    fn place(&self, name: &str) -> Option<usize> {
        let mut participants = self.board.parameters().participants.iter();
        participants.position(|one| one.name == name)
    }

    fn is_own(&self, message: &Message) -> bool {
        self.names.iter().any(|name| name == message.participant())
    }
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Concluded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concluded")
            .field("shares", &self.shares)
            .finish_non_exhaustive()
    }
}
