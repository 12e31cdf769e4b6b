//! Keys with split custody: the shares of this side, and ceremonies with the enclave.

mod ceremony;
mod replacement;
mod signature;

use permafrost_common::api::split::{
    Ceremony, CeremonyMessages, Certificate, StartKeyGeneration, StartReshare, WrappedShare,
    WrappedShares,
};
use permafrost_frost::{
    CeremonyParticipant, Dealer, HeldShare, Hex, Message, Parameters, ParticipantKey, Purpose,
};

pub use ceremony::{Begun, Part, Unconfirmed};

use crate::enclave::Repeat;
use crate::principal::target;
use crate::{Error, IdempotencyKey, Principal};

/// Who a participant is.
#[derive(Debug)]
pub enum Seat {
    /// The enclave.
    Enclave,
    /// This side, which has a share of a reshared key already, and keeps the key that signs its messages.
    Stays,
    /// This side, anew, with a key that signs its messages.
    Comes(ParticipantKey),
    /// Another client, which joins ([`Principal::join_ceremony`]), with the public key that verifies its messages.
    Elsewhere(Hex<32>),
}

impl From<Option<ParticipantKey>> for Seat {
    fn from(key: Option<ParticipantKey>) -> Self {
        key.map_or(Self::Enclave, Self::Comes)
    }
}

impl Principal {
    /// Makes a key together with the enclave, up to the point where this side has its shares.
    ///
    /// `participants` are all of the key, in order; the enclave's are at least one, and fewer than the threshold.
    ///
    /// # Errors
    /// [`Error::Ceremony`], [`Error::UnexpectedResponse`] where the enclave began another ceremony than this one, and those of
    /// [`Principal`].
    pub async fn generate_split_key(
        &self,
        threshold: u16,
        participants: Vec<(String, impl Into<Seat>)>,
        idempotency_key: &IdempotencyKey,
    ) -> Result<Unconfirmed, Error> {
        let begun = self.begin_split_key(threshold, participants, idempotency_key);
        begun.await?.take_part().await
    }

    /// Begins a ceremony that makes a key, which others may join ([`Begun::id`]).
    ///
    /// # Errors
    /// As [`Principal::generate_split_key`].
    pub async fn begin_split_key(
        &self,
        threshold: u16,
        participants: Vec<(String, impl Into<Seat>)>,
        idempotency_key: &IdempotencyKey,
    ) -> Result<Begun, Error> {
        let seats = participants.into_iter();
        let seats = seats.map(|(name, seat)| (name, seat.into())).collect();
        let (participants, parts) = seated(seats, Vec::new())?;
        let wanted = StartKeyGeneration {
            threshold,
            participants,
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
        Begun::new(self, begun, expected, parts)
    }

    /// Gives every participant of a key a new share, up to the point where this side has its own. `shares` are those of all participants
    /// other than the enclave's, in any order.
    ///
    /// # Errors
    /// As [`Principal::generate_split_key`]; [`Error::InvalidArgument`]: the shares are not of one key and generation.
    pub async fn refresh_split_key(&self, shares: Vec<HeldShare>) -> Result<Unconfirmed, Error> {
        self.begin_refresh(shares).await?.take_part().await
    }

    /// Begins a refresh, which the participants that hold the other shares join ([`Begun::id`]).
    ///
    /// # Errors
    /// As [`Principal::refresh_split_key`].
    pub async fn begin_refresh(&self, shares: Vec<HeldShare>) -> Result<Begun, Error> {
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
        let parts = shares.into_iter().map(Part::has).collect();
        Begun::new(self, begun, expected, parts)
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
        let begun = self.begin_reshare(shares, threshold, participants);
        begun.await?.take_part().await
    }

    /// Begins to reshare a key; participants of other clients join ([`Begun::id`]).
    ///
    /// # Errors
    /// As [`Principal::reshare_split_key`].
    pub async fn begin_reshare(
        &self,
        shares: Vec<HeldShare>,
        threshold: u16,
        participants: Vec<(String, Seat)>,
    ) -> Result<Begun, Error> {
        let first = one_key(&shares)?;
        let (key_id, share) = (first.key_id(), first.share().clone());
        let generation = first.generation() + 1;
        let dealers = self.dealers(&key_id.to_string(), &shares).await?;
        let parts = shares.into_iter().map(Part::has).collect();
        let (participants, parts) = seated(participants, parts)?;
        let wanted = StartReshare {
            threshold,
            participants,
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
        Begun::new(self, begun, expected, parts)
    }

    /// Joins a ceremony that another principal began, of which `id` is the id. `parts` are the participants that this side is.
    ///
    /// Compare [`Begun::parameters`] with what was agreed, then [`Begun::take_part`].
    ///
    /// # Errors
    /// [`Error::UnexpectedResponse`]: the ceremony is over, is that of another enclave, or changes another key than that of the shares;
    /// [`Error::Ceremony`]: a side is not one of its participants; those of [`Principal`].
    pub async fn join_ceremony(&self, id: &Hex<32>, parts: Vec<Part>) -> Result<Begun, Error> {
        let begun: Ceremony = self.get(&format!("/v1/ceremonies/{id}")).await?;
        let mut expected = Parameters {
            id: *id,
            ..begun.parameters.clone()
        };
        for part in &parts {
            if let Some(of) = &part.of {
                expected.key_id = of.key_id;
                expected.generation = of.generation + 1;
                expected.group_public_key = Some(of.group_public_key);
            }
        }
        Begun::new(self, begun, expected, parts)
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
}

/// The participants as requests name them, and those of this side.
fn seated(
    seats: Vec<(String, Seat)>,
    mut parts: Vec<Part>,
) -> Result<(Vec<CeremonyParticipant>, Vec<Part>), Error> {
    let mut named = Vec::with_capacity(seats.len());
    for (name, seat) in seats {
        let public_key = match seat {
            Seat::Enclave => None,
            Seat::Elsewhere(public_key) => Some(public_key),
            Seat::Stays => {
                let staying = parts.iter().find(|part| part.name() == name);
                let staying = staying.ok_or_else(|| Error::InvalidArgument {
                    what: "participant",
                    reason: format!("{name} stays, but has no share here"),
                })?;
                Some(staying.public_key())
            }
            Seat::Comes(key) => {
                let comes = Part::comes(&name, key);
                let public_key = comes.public_key();
                parts.push(comes);
                Some(public_key)
            }
        };
        named.push(CeremonyParticipant { name, public_key });
    }
    Ok((named, parts))
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
