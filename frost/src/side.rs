//! A client's side of a ceremony: all participants whose shares it holds.

use std::fmt;

use rand_core::{CryptoRng, RngCore};

use crate::{
    Board, CeremonyError, HeldShare, Member, Message, Outcome, Parameters, ParticipantKey, Share,
};

/// Every participant of a ceremony whose share this side holds, from the commitments to the shares.
///
/// [`Side::join`] makes the commitments, which [`Side::messages`] has; [`Side::take`] takes the response to them, and [`Side::conclude`]
/// gives the shares, with the messages that confirm them.
pub struct Side {
    board: Board,
    members: Vec<(Member, ParticipantKey)>,
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
        let mut members = Vec::with_capacity(participants.len());
        for (name, key, old) in participants {
            let member = Member::join(&mut board, &name, Some(&key), old, rng)?;
            members.push((member, key));
        }
        Ok(Self { board, members })
    }

    /// What the participants agreed on.
    pub fn parameters(&self) -> &Parameters {
        self.board.parameters()
    }

    /// This side's messages so far, in the order of the rounds.
    pub fn messages(&self) -> Vec<Message> {
        let mut messages = self.board.messages();
        messages.retain(|message| !self.is_of_the_enclave(message));
        messages
    }

    /// Takes messages of the enclave's response: its own, and those that this side has sent.
    ///
    /// # Errors
    /// [`CeremonyError::Mismatch`]: a message of this side that it has not sent; and as [`Board::add_of_the_enclave`].
    pub fn take(&mut self, messages: Vec<Message>) -> Result<(), CeremonyError> {
        for message in messages {
            if self.is_of_the_enclave(&message) {
                self.board.add_of_the_enclave(message)?;
            } else if !self.board.messages().contains(&message) {
                return Err(CeremonyError::Mismatch(
                    "the response has a message that was not sent",
                ));
            }
        }
        Ok(())
    }

    /// Computes this side's shares, once the enclave's messages of both rounds are there.
    ///
    /// # Errors
    /// As [`Member::share`] and [`Member::conclude`].
    pub fn conclude(
        mut self,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Concluded, CeremonyError> {
        for (member, key) in &mut self.members {
            member.share(&mut self.board, Some(key), rng)?;
        }
        let Parameters {
            key_id,
            generation,
            participants,
            ..
        } = self.board.parameters().clone();
        let place = |name: &str| participants.iter().position(|one| one.name == name);
        let mut members = std::mem::take(&mut self.members);
        // A dealer that leaves gets no share.
        members.retain(|(member, _)| place(member.name()).is_some());
        members.sort_by_key(|(member, _)| place(member.name()));
        let mut shares = Vec::with_capacity(members.len());
        for (member, key) in members {
            let share = member.conclude(&mut self.board, Some(&key), rng)?;
            shares.push(HeldShare::new(key_id, generation, key, share));
        }
        let outcome = self.board.outcome().cloned();
        Ok(Concluded {
            outcome: outcome.ok_or(CeremonyError::Mismatch(
                "no participant of this side gets a share",
            ))?,
            messages: self.messages(),
            shares,
        })
    }

    fn is_of_the_enclave(&self, message: &Message) -> bool {
        let names = self.board.of_the_enclave();
        names.iter().any(|name| name == message.participant())
    }
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side")
            .field("members", &self.members)
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
