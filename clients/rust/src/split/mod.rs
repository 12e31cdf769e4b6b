//! Keys with split custody: the shares of this side, ceremonies with the enclave, and signatures together with it.

mod held_share;

use permafrost_common::api::split::{
    Ceremony, CeremonyMessages, Certificate, CosignRequest, Cosigned, StartKeyGeneration,
};
use permafrost_common::api::{NostrEvent, SignRequest, Signed, UnsignedEvent};
use permafrost_common::nostr::event_id;
use permafrost_common::problem::ProblemType;
use permafrost_frost::{
    Board, CeremonyParticipant, Hex, Member, Message, Outcome, Parameters, ParticipantKey, Purpose,
    State,
    sign::{self, By, ToSign},
};
use rand_core::OsRng;

pub use held_share::{HeldShare, HeldShareError};

use crate::enclave::Repeat;
use crate::principal::target;
use crate::{Error, IdempotencyKey, Principal};

/// A ceremony whose result this side has, and has not confirmed.
///
/// Store [`Unconfirmed::shares`], then call [`Unconfirmed::confirm`]: the enclave keeps its own shares only when every participant has
/// confirmed. Until then neither the key exists, nor have its shares changed.
#[derive(Debug)]
pub struct Unconfirmed {
    principal: Principal,
    board: Board,
    outcome: Outcome,
    shares: Vec<HeldShare>,
    to_send: Vec<Message>,
}

impl Principal {
    /// Makes a key together with the enclave, up to the point where this side has its shares.
    ///
    /// `participants` are all of the key, in order, each with the key that signs its messages; those without one are the enclave's: at
    /// least one, and fewer than the threshold.
    ///
    /// # Errors
    /// [`Error::Ceremony`], [`Error::UnexpectedResponse`] where the enclave began another ceremony than this one, and those of
    /// [`Principal`].
    pub async fn generate_split_key(
        &self,
        threshold: u16,
        participants: Vec<(String, Option<ParticipantKey>)>,
        idempotency_key: &IdempotencyKey,
    ) -> Result<Unconfirmed, Error> {
        let named = participants.iter().map(|(name, key)| CeremonyParticipant {
            name: name.clone(),
            public_key: key.as_ref().map(ParticipantKey::public_key),
        });
        let wanted = StartKeyGeneration {
            threshold,
            participants: named.collect(),
        };
        let begun: Ceremony = self
            .create("/v1/ceremonies", &wanted, idempotency_key)
            .await?;
        let expected = Parameters {
            purpose: Purpose::Generate,
            generation: 1,
            threshold,
            participants: wanted.participants,
            group_public_key: None,
            ..begun.parameters.clone()
        };
        let sides = participants
            .into_iter()
            .filter_map(|(name, key)| Some((name, key?, None)));
        self.take_part(begun, expected, sides.collect()).await
    }

    /// Gives every participant of a key a new share, up to the point where this side has its own. `shares` are those of all participants
    /// other than the enclave's, in any order.
    ///
    /// # Errors
    /// As [`Principal::generate_split_key`]; [`Error::InvalidArgument`]: the shares are not of one key and generation.
    pub async fn refresh_split_key(&self, shares: Vec<HeldShare>) -> Result<Unconfirmed, Error> {
        let first = one_key(&shares)?;
        let key_id = first.key_id();
        let (group, generation) = (first.share().group_public_key(), first.generation());
        let path = target(&key_id.to_string(), "/refresh")?;
        let begun: Ceremony = self.post_empty(&path, Repeat::Harmless).await?;
        let expected = Parameters {
            purpose: Purpose::Refresh,
            key_id,
            generation: generation + 1,
            threshold: first.share().participants().threshold(),
            group_public_key: Some(group),
            ..begun.parameters.clone()
        };
        let sides = shares
            .into_iter()
            .map(HeldShare::into_side)
            .map(|(name, key, share)| (name, key, Some(share)));
        self.take_part(begun, expected, sides.collect()).await
    }

    /// Signs together with the enclave, in one round trip: with this side's shares and as many of the enclave's as the threshold takes.
    ///
    /// # Errors
    /// [`Error::NoSignature`]; [`Error::InvalidArgument`]: the shares are not of one key and generation; those of [`Principal`].
    pub async fn sign_split(
        &self,
        shares: &[HeldShare],
        what: &SignRequest,
    ) -> Result<Signed, Error> {
        let first = one_key(shares)?;
        let public_key = first.share().group_public_key();
        let to_sign = to_sign(what, &public_key)?;
        let signers = shares.iter().map(|held| held.share().clone()).collect();
        let nonces = sign::commit(signers, &mut OsRng)?;
        let request = CosignRequest {
            payload: what.clone(),
            commitments: nonces.commitments(),
        };
        let path = target(&first.key_id().to_string(), "/cosign")?;
        let response: Cosigned = self.post(&path, &request).await?;
        if response.generation != first.generation() {
            return Err(Error::InvalidArgument {
                what: "share",
                reason: format!(
                    "it is of generation {}; accepted: the share of generation {}, which the key has now",
                    first.generation(),
                    response.generation
                ),
            });
        }
        let signature = nonces.complete(&to_sign, &response.parts)?;
        Ok(Signed {
            key_id: response.key_id,
            generation: response.generation,
            public_key: to_sign.by.public_key(first.share()).to_string(),
            signature: signature.to_string(),
            event: signed_event(what, &public_key, &signature),
            taproot: None,
        })
    }

    /// The certificate of the ceremony that a key's shares come from. It is not verified: see
    /// [`Certificate::verify`](permafrost_common::api::split::Certificate::verify).
    ///
    /// # Errors
    /// Those of [`Principal`].
    pub async fn certificate(&self, id: &str) -> Result<Certificate, Error> {
        self.get(&target(id, "/certificate")?).await
    }

    /// Sends messages of participants of a ceremony, in the order of the rounds.
    ///
    /// # Errors
    /// Those of [`Principal`].
    pub async fn advance_ceremony(
        &self,
        id: &Hex<32>,
        messages: Vec<Message>,
    ) -> Result<Ceremony, Error> {
        let messages = CeremonyMessages { messages };
        self.post(&format!("/v1/ceremonies/{id}"), &messages).await
    }

    /// Ends a ceremony of which nothing is to come.
    ///
    /// # Errors
    /// Those of [`Principal`].
    pub async fn abort_ceremony(&self, id: &Hex<32>) -> Result<Ceremony, Error> {
        let path = format!("/v1/ceremonies/{id}/abort");
        self.post_empty(&path, Repeat::Harmless).await
    }

    /// Goes through both rounds with every participant of this side.
    async fn take_part(
        &self,
        begun: Ceremony,
        expected: Parameters,
        sides: Vec<(String, ParticipantKey, Option<permafrost_frost::Share>)>,
    ) -> Result<Unconfirmed, Error> {
        let boot = self.enclave().boot();
        let expected = Parameters {
            deployment: boot.binding().deployment.clone(),
            boot: Hex(*boot.attestation().as_bytes()),
            ..expected
        };
        if begun.parameters != expected || begun.state == State::Complete {
            return Err(unexpected("the ceremony is another one than was asked for"));
        }
        let mut board = Board::new(begun.parameters)?;
        let mut members = Vec::with_capacity(sides.len());
        for (name, key, old) in sides {
            let member = Member::join(&mut board, &name, Some(&key), old, &mut OsRng)?;
            members.push((member, key));
        }
        let id = board.parameters().id;
        let response = self.advance_ceremony(&id, board.messages()).await?;
        for message in response.messages {
            take(&mut board, message)?;
        }
        for (member, key) in &mut members {
            member.share(&mut board, Some(key), &mut OsRng)?;
        }
        let mut shares = Vec::with_capacity(members.len());
        for (member, key) in members {
            let share = member.conclude(&mut board, Some(&key), &mut OsRng)?;
            let parameters = board.parameters();
            shares.push(HeldShare::new(
                parameters.key_id,
                parameters.generation,
                key,
                share,
            ));
        }
        let outcome = board.outcome().cloned();
        Ok(Unconfirmed {
            principal: self.clone(),
            outcome: outcome.ok_or_else(|| unexpected("the ceremony has no result"))?,
            to_send: board
                .messages()
                .into_iter()
                .filter(|message| !is_of_the_enclave(board.parameters(), message))
                .collect(),
            board,
            shares,
        })
    }
}

impl Unconfirmed {
    /// This side's shares, to be stored before they are confirmed.
    pub fn shares(&self) -> &[HeldShare] {
        &self.shares
    }

    /// What the ceremony comes to.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Confirms the result; afterwards the key exists, or its shares are the new ones. May be called again after an error.
    ///
    /// # Errors
    /// [`Error::Certificate`], and those of [`Principal`]. After [`Error::Problem`] with `ceremony-not-found`, `ceremony-failed` or
    /// `key-conflict` the shares will never be of use; after any other error they may be.
    pub async fn confirm(&self) -> Result<Certificate, Error> {
        let id = self.board.parameters().id;
        let sent = self
            .principal
            .advance_ceremony(&id, self.to_send.clone())
            .await;
        let certificate = match sent {
            Ok(ceremony) => ceremony
                .certificate
                .ok_or_else(|| unexpected("a complete ceremony has no certificate"))?,
            // The enclave may have stored the result and then restarted.
            Err(Error::Problem(problem))
                if problem.kind() == Some(ProblemType::CeremonyNotFound) =>
            {
                let key_id = self.outcome.parameters.key_id.to_string();
                match self.principal.certificate(&key_id).await {
                    Ok(stored) if stored.outcome == self.outcome => return Ok(stored),
                    Ok(_) => return Err(Error::Problem(problem)),
                    Err(Error::Problem(other))
                        if other.kind() == Some(ProblemType::KeyNotFound) =>
                    {
                        return Err(Error::Problem(problem));
                    }
                    Err(other) => return Err(other),
                }
            }
            Err(error) => return Err(error),
        };
        if certificate.outcome != self.outcome {
            return Err(unexpected("the certificate is that of another result"));
        }
        let boot = self.principal.enclave().boot();
        certificate.verify_by(boot.binding(), boot.attestation().as_bytes())?;
        Ok(certificate)
    }

    /// Gives the ceremony up.
    ///
    /// # Errors
    /// Those of [`Principal`].
    pub async fn abort(self) -> Result<(), Error> {
        let id = self.board.parameters().id;
        self.principal.abort_ceremony(&id).await.map(|_| ())
    }
}

/// Puts a message of the response on the board: the enclave's own, or one that this side has sent itself.
fn take(board: &mut Board, message: Message) -> Result<(), Error> {
    if is_of_the_enclave(board.parameters(), &message) {
        return Ok(board.add_of_the_enclave(message)?);
    }
    match board.messages().contains(&message) {
        true => Ok(()),
        false => Err(unexpected("the ceremony has a message that was not sent")),
    }
}

fn is_of_the_enclave(parameters: &Parameters, message: &Message) -> bool {
    let mut participants = parameters.participants.iter();
    participants.any(|one| one.name == message.participant() && one.public_key.is_none())
}

fn one_key(shares: &[HeldShare]) -> Result<&HeldShare, Error> {
    let refused = |reason: &str| Error::InvalidArgument {
        what: "share",
        reason: reason.to_owned(),
    };
    let first = shares
        .first()
        .ok_or_else(|| refused("none; accepted: at least one"))?;
    let is_of_first = |other: &HeldShare| {
        other.key_id() == first.key_id()
            && other.generation() == first.generation()
            && other.share().group_public_key() == first.share().group_public_key()
    };
    match shares.iter().all(is_of_first) {
        true => Ok(first),
        false => Err(refused(
            "shares of different keys or generations; accepted: those of one key and one generation",
        )),
    }
}

fn to_sign(what: &SignRequest, public_key: &Hex<32>) -> Result<ToSign, Error> {
    let bytes = |what, text: &str| {
        hex::decode(text).map_err(|error| Error::InvalidArgument {
            what,
            reason: error.to_string(),
        })
    };
    let (message, by) = match what {
        SignRequest::Message { message } => (bytes("message", message)?, By::GroupKey),
        SignRequest::Digest { digest } => (bytes("digest", digest)?, By::GroupKey),
        SignRequest::NostrEvent { event } => {
            (event_id(&public_key.0, event).to_vec(), By::GroupKey)
        }
        SignRequest::TaprootSpend {
            sighash,
            merkle_root,
        } => {
            let root = merkle_root
                .as_deref()
                .map(str::parse::<Hex<32>>)
                .transpose();
            let root = root.map_err(|error| Error::InvalidArgument {
                what: "merkle_root",
                reason: error.to_string(),
            })?;
            let by = By::OutputKey(root.map(|root| root.0));
            (bytes("sighash", sighash)?, by)
        }
    };
    Ok(ToSign { message, by })
}

fn signed_event(
    what: &SignRequest,
    public_key: &Hex<32>,
    signature: &Hex<64>,
) -> Option<NostrEvent> {
    let SignRequest::NostrEvent { event } = what else {
        return None;
    };
    let id = hex::encode(event_id(&public_key.0, event));
    let UnsignedEvent {
        created_at,
        kind,
        tags,
        content,
        ..
    } = event.clone();
    Some(NostrEvent {
        id,
        pubkey: public_key.to_string(),
        created_at,
        kind,
        tags,
        content,
        sig: signature.to_string(),
    })
}

fn unexpected(reason: &str) -> Error {
    Error::UnexpectedResponse {
        status: 200,
        reason: reason.to_owned(),
    }
}
