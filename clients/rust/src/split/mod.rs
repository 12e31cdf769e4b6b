//! Keys with split custody: the shares of this side, and ceremonies with the enclave.

mod replacement;
mod signature;

use permafrost_common::api::split::{
    Ceremony, CeremonyMessages, Certificate, StartKeyGeneration, StartReshare, WrappedShare,
    WrappedShares,
};
use permafrost_common::problem::ProblemType;
use permafrost_frost::{
    CeremonyParticipant, Concluded, Dealer, HeldShare, Hex, Message, Outcome, Parameters,
    ParticipantKey, Purpose, Share, Side, State,
};
use rand_core::OsRng;

use crate::enclave::Repeat;
use crate::principal::target;
use crate::{Error, IdempotencyKey, Principal};

/// Who a participant of a reshared key is.
#[derive(Debug)]
pub enum Seat {
    /// The enclave.
    Enclave,
    /// This side, which has a share already, and keeps the key that signs its messages.
    Stays,
    /// This side, anew, with a key that signs its messages.
    Comes(ParticipantKey),
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
            dealers: Vec::new(),
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
            dealers: Vec::new(),
            ..begun.parameters.clone()
        };
        let sides = shares
            .into_iter()
            .map(HeldShare::into_parts)
            .map(|(name, key, share)| (name, key, Some(share)));
        self.take_part(begun, expected, sides.collect()).await
    }

    /// Gives shares of a key to these participants, with this threshold, up to the point where this side has its own: so a lost share is
    /// replaced, and participants come and go. `shares` deal, with as many of the enclave's as the key's threshold takes.
    ///
    /// # Errors
    /// As [`Principal::refresh_split_key`]; [`Error::InvalidArgument`]: one stays that has no share among `shares`.
    pub async fn reshare_split_key(
        &self,
        shares: Vec<HeldShare>,
        threshold: u16,
        participants: Vec<(String, Seat)>,
    ) -> Result<Unconfirmed, Error> {
        let first = one_key(&shares)?;
        let (key_id, share) = (first.key_id(), first.share().clone());
        let generation = first.generation() + 1;
        let dealers = self.dealers(&key_id.to_string(), &shares).await?;
        let mut sides: Vec<(String, ParticipantKey, Option<Share>)> = shares
            .into_iter()
            .map(HeldShare::into_parts)
            .map(|(name, key, share)| (name, key, Some(share)))
            .collect();
        let mut named = Vec::with_capacity(participants.len());
        for (name, seat) in participants {
            let public_key = match seat {
                Seat::Enclave => None,
                Seat::Stays => {
                    let mut staying = sides.iter().filter(|(of, ..)| *of == name);
                    let (_, key, _) = staying.next().ok_or_else(|| Error::InvalidArgument {
                        what: "participant",
                        reason: format!("{name} stays, but has no share here"),
                    })?;
                    Some(key.public_key())
                }
                Seat::Comes(key) => {
                    let public_key = key.public_key();
                    sides.push((name.clone(), key, None));
                    Some(public_key)
                }
            };
            named.push(CeremonyParticipant { name, public_key });
        }
        let wanted = StartReshare {
            threshold,
            participants: named,
            dealers: dealers.iter().map(|dealer| dealer.name.clone()).collect(),
        };
        let path = target(&key_id.to_string(), "/reshare")?;
        let begun: Ceremony = self.post(&path, &wanted).await?;
        let expected = Parameters {
            purpose: Purpose::Reshare,
            key_id,
            generation,
            threshold,
            participants: wanted.participants,
            group_public_key: Some(share.group_public_key()),
            dealers,
            ..begun.parameters.clone()
        };
        self.take_part(begun, expected, sides).await
    }

    /// This side's participants and as many of the enclave's as a signature takes, with the verifying shares that this side knows.
    async fn dealers(&self, id: &str, shares: &[HeldShare]) -> Result<Vec<Dealer>, Error> {
        let known = one_key(shares)?.share();
        let verifying = known.verifying_shares()?;
        let key = self.key(id).await?;
        let threshold = usize::from(known.participants().threshold());
        let mut missing = threshold.saturating_sub(shares.len());
        let mut dealers = Vec::with_capacity(threshold);
        for (member, verifying_share) in known.participants().members().iter().zip(verifying) {
            let name = member.name.as_str();
            let own = shares.iter().find(|share| share.participant() == name);
            let is_of_the_enclave = key
                .participants
                .iter()
                .any(|one| one.name == name && one.public_key.is_none());
            let public_key = match own {
                Some(own) => Some(own.public_key()),
                None if is_of_the_enclave && missing > 0 => {
                    missing -= 1;
                    None
                }
                None => continue,
            };
            dealers.push(Dealer {
                name: name.to_owned(),
                public_key,
                verifying_share,
            });
        }
        Ok(dealers)
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
        self.advance_ceremony_with(id, messages, Vec::new()).await
    }

    /// The shares that their holders have encrypted and sent with their confirmation, of the key's generation.
    ///
    /// # Errors
    /// Those of [`Principal`].
    pub async fn wrapped_shares(&self, id: &str) -> Result<WrappedShares, Error> {
        self.get(&target(id, "/wrapped-shares")?).await
    }

    /// Sends messages of participants, and shares that this side has encrypted for the enclave to keep.
    ///
    /// # Errors
    /// Those of [`Principal`].
    pub async fn advance_ceremony_with(
        &self,
        id: &Hex<32>,
        messages: Vec<Message>,
        wrapped_shares: Vec<WrappedShare>,
    ) -> Result<Ceremony, Error> {
        let messages = CeremonyMessages {
            messages,
            wrapped_shares,
        };
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
        sides: Vec<(String, ParticipantKey, Option<Share>)>,
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
        let mut side = Side::join(begun.parameters, sides, &mut OsRng)?;
        let id = side.parameters().id;
        let response = self.advance_ceremony(&id, side.messages()).await?;
        side.take(response.messages)?;
        Ok(Unconfirmed {
            principal: self.clone(),
            concluded: side.conclude(&mut OsRng)?,
        })
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
        let Concluded {
            outcome, messages, ..
        } = &self.concluded;
        let id = outcome.parameters.id;
        let sent = self
            .principal
            .advance_ceremony_with(&id, messages.clone(), wrapped_shares)
            .await;
        let certificate = match sent {
            Ok(ceremony) => ceremony
                .certificate
                .ok_or_else(|| unexpected("a complete ceremony has no certificate"))?,
            // The enclave may have stored the result and then restarted.
            Err(Error::Problem(problem))
                if problem.kind() == Some(ProblemType::CeremonyNotFound) =>
            {
                let key_id = outcome.parameters.key_id.to_string();
                match self.principal.certificate(&key_id).await {
                    Ok(stored) if stored.outcome == *outcome => return Ok(stored),
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
        if certificate.outcome != *outcome {
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
        let id = self.concluded.outcome.parameters.id;
        self.principal.abort_ceremony(&id).await.map(|_| ())
    }
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

fn unexpected(reason: &str) -> Error {
    Error::UnexpectedResponse {
        status: 200,
        reason: reason.to_owned(),
    }
}
