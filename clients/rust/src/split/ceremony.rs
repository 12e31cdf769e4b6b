//! A ceremony with the enclave, and with other clients that take part in it.

use std::time::Duration;

use permafrost_common::api::split::{Ceremony, Certificate, WrappedShare};
use permafrost_common::problem::ProblemType;
use permafrost_frost::{
    Concluded, HeldShare, Hex, Outcome, Parameters, ParticipantKey, Share, Side, State,
};
use rand_core::OsRng;
use tokio::time::sleep;

use super::unexpected;
use crate::{Error, Principal};

/// How long to wait before asking again what other clients have sent.
const PAUSE: Duration = Duration::from_millis(500);

/// A participant that this side is.
#[derive(Debug)]
pub struct Part {
    name: String,
    key: ParticipantKey,
    old: Option<Share>,
    pub(super) of: Option<Of>,
}

/// What a participant has a share of.
#[derive(Debug)]
pub(super) struct Of {
    pub(super) key_id: Hex<22>,
    pub(super) generation: u32,
    pub(super) group_public_key: Hex<32>,
}

/// A ceremony that has begun.
#[derive(Debug)]
pub struct Begun {
    principal: Principal,
    side: Side,
    /// How many of this side's messages the enclave has.
    sent: usize,
}

/// A ceremony whose result this side has, and has not confirmed.
///
/// Store [`Unconfirmed::shares`], then call [`Unconfirmed::confirm`]: the enclave keeps its own shares only when every participant has
/// confirmed. Until then neither the key exists, nor have its shares changed.
#[derive(Debug)]
pub struct Unconfirmed {
    principal: Principal,
    concluded: Concluded,
}

impl Part {
    /// A participant that has no share yet, with the key that signs its messages.
    pub fn comes(name: &str, key: ParticipantKey) -> Self {
        Self {
            name: name.to_owned(),
            key,
            old: None,
            of: None,
        }
    }

    /// A participant that has a share, to be refreshed or dealt.
    pub fn has(share: HeldShare) -> Self {
        let of = Of {
            key_id: share.key_id(),
            generation: share.generation(),
            group_public_key: share.share().group_public_key(),
        };
        let (name, key, old) = share.into_parts();
        Self {
            name,
            key,
            old: Some(old),
            of: Some(of),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn public_key(&self) -> Hex<32> {
        self.key.public_key()
    }
}

impl Begun {
    /// Takes the first step of every participant of this side, if the ceremony is the expected one of this very enclave.
    pub(super) fn new(
        principal: &Principal,
        begun: Ceremony,
        expected: Parameters,
        parts: Vec<Part>,
    ) -> Result<Self, Error> {
        let boot = principal.enclave().boot();
        let expected = Parameters {
            deployment: boot.binding().deployment.clone(),
            boot: Hex(*boot.attestation().as_bytes()),
            ..expected
        };
        if begun.parameters != expected || begun.state == State::Complete {
            return Err(unexpected("the ceremony is another one than was asked for"));
        }
        let participants = parts
            .into_iter()
            .map(|part| (part.name, part.key, part.old));
        Ok(Self {
            principal: principal.clone(),
            side: Side::join(begun.parameters, participants.collect(), &mut OsRng)?,
            sent: 0,
        })
    }

    /// The id, by which other clients join.
    pub fn id(&self) -> Hex<32> {
        self.side.parameters().id
    }

    /// What the participants agree on.
    pub fn parameters(&self) -> &Parameters {
        self.side.parameters()
    }

    /// Goes through both rounds with every participant of this side, and waits for those of other clients.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]: no participant of this side gets a share; [`Error::Ceremony`]; those of
    /// [`Principal`].
    pub async fn take_part(mut self) -> Result<Unconfirmed, Error> {
        if !self.side.receives() {
            return Err(Error::InvalidArgument {
                what: "participant",
                reason: "none of this side gets a share; accepted: one at least".to_owned(),
            });
        }
        while !self.side.is_concluded() {
            self.exchange().await?;
        }
        // Where all participants are here, the shares go with the confirmation.
        if !self.side.is_alone() && self.sent < self.side.rounds().len() {
            self.exchange().await?;
        }
        Ok(Unconfirmed {
            principal: self.principal,
            concluded: self.side.conclude()?,
        })
    }

    /// Sends what is due, and takes what has come; waits a little where nothing was due.
    async fn exchange(&mut self) -> Result<(), Error> {
        let own = self.side.rounds();
        let due = own.get(self.sent..).unwrap_or_default().to_vec();
        if due.is_empty() {
            sleep(PAUSE).await;
        }
        let response = self.principal.advance_ceremony(&self.id(), due).await?;
        self.sent = own.len();
        Ok(self.side.take(response.messages, &mut OsRng)?)
    }
}

impl Unconfirmed {
    /// This side's shares in the order of the participants, to be stored before they are confirmed.
    pub fn shares(&self) -> &[HeldShare] {
        &self.concluded.shares
    }

    /// What the ceremony comes to.
    pub fn outcome(&self) -> &Outcome {
        &self.concluded.outcome
    }

    /// Confirms the result; afterwards the key exists, or its shares are the new ones. May be called again after an error.
    ///
    /// # Errors
    /// [`Error::Certificate`], and those of [`Principal`]. After [`Error::Problem`] with `ceremony-not-found`, `ceremony-failed` or
    /// `key-conflict` the shares will never be of use; after any other error they may be.
    pub async fn confirm(&self) -> Result<Certificate, Error> {
        self.confirm_with(Vec::new()).await
    }

    /// Confirms the result, and has the enclave keep shares that this side has encrypted, in the same write as its own.
    ///
    /// # Errors
    /// As [`Unconfirmed::confirm`].
    pub async fn confirm_with(
        &self,
        wrapped_shares: Vec<WrappedShare>,
    ) -> Result<Certificate, Error> {
        let id = self.concluded.outcome.parameters.id;
        let sent = self
            .principal
            .advance_ceremony_with(&id, self.concluded.messages.clone(), wrapped_shares)
            .await;
        let certificate = match self.completed(sent).await {
            Ok(certificate) => certificate,
            // The enclave may have stored the result and then restarted.
            Err(Error::Problem(problem))
                if problem.kind() == Some(ProblemType::CeremonyNotFound) =>
            {
                let key_id = self.concluded.outcome.parameters.key_id.to_string();
                match self.principal.certificate(&key_id).await {
                    Ok(stored) if stored.outcome == self.concluded.outcome => return Ok(stored),
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
        if certificate.outcome != self.concluded.outcome {
            return Err(unexpected("the certificate is that of another result"));
        }
        let boot = self.principal.enclave().boot();
        certificate.verify_by(boot.binding(), boot.attestation().as_bytes())?;
        Ok(certificate)
    }

    /// The certificate, once the participants of other clients have confirmed too.
    async fn completed(&self, sent: Result<Ceremony, Error>) -> Result<Certificate, Error> {
        let mut ceremony = sent?;
        loop {
            if let Some(certificate) = ceremony.certificate {
                return Ok(certificate);
            }
            if ceremony.state == State::Complete {
                return Err(unexpected("a complete ceremony has no certificate"));
            }
            sleep(PAUSE).await;
            let id = self.concluded.outcome.parameters.id;
            ceremony = self.principal.advance_ceremony(&id, Vec::new()).await?;
        }
    }

    /// Gives the ceremony up. Only the principal that began it can.
    ///
    /// # Errors
    /// Those of [`Principal`].
    pub async fn abort(self) -> Result<(), Error> {
        let id = self.concluded.outcome.parameters.id;
        self.principal.abort_ceremony(&id).await.map(|_| ())
    }
}
