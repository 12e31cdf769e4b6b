//! Signatures in one round trip (RFC 9591 section 5).
//!
//! Whoever asks commits first ([`commit`]) and sends the commitments with what is to be signed. Whoever helps commits last, and gives its
//! commitments and its signature shares at once ([`respond`]); it keeps nothing, so none of its nonces can be used again. The asker adds
//! its own shares and has a signature, which is verified ([`Nonces::complete`]).

mod parts;

use std::collections::BTreeMap;
use std::fmt;

use frost_core::{CheaterDetection, aggregate_custom};
use frost_secp256k1_tr::{
    Error, Identifier, SigningPackage,
    keys::{KeyPackage, PublicKeyPackage, Tweak as _},
    round1::{self, NonceCommitment, SigningCommitments, SigningNonces},
    round2::{self, SignatureShare},
};
use k256::{
    elliptic_curve::point::AffineCoordinates,
    schnorr::{Signature, VerifyingKey},
};
use rand_core::{CryptoRng, RngCore};

pub use parts::{NonceCommitments, PartialSignature};

use crate::board::point;
use crate::{Hex, InvalidField, Participants, Share};

/// What is signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ToSign {
    /// The message that BIP-340 signs, of any length.
    pub message: Vec<u8>,
    /// Which key verifies the signature.
    pub by: By,
}

/// Which key signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum By {
    /// The group public key.
    GroupKey,
    /// The output key of BIP-341, for this Merkle root of the script tree; None where there are no scripts.
    OutputKey(Option<[u8; 32]>),
}

/// Why there is no signature.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The commitments are not those of participants that can sign with this side.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// These participants' signature shares are wrong.
    #[error("wrong signature shares of {}", participants.join(", "))]
    Misbehaved {
        /// Their names.
        participants: Vec<String>,
    },
    /// The FROST library refused what had passed every check here: a defect.
    #[error("FROST: {0}")]
    Frost(#[from] Error),
}

/// The secret nonces of one signature. Used once: [`Nonces::complete`] consumes them.
pub struct Nonces {
    of: Vec<(Share, SigningNonces, NonceCommitments)>,
}

/// Commits the shares of this side to one signature.
///
/// # Errors
/// [`SignError::Invalid`], with a pointer into `/shares`: they are not all of one key and one generation. [`SignError::Frost`]: the library
/// cannot serialise a point, a defect.
pub fn commit(
    shares: Vec<Share>,
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<Nonces, SignError> {
    let mut later = shares.iter().enumerate().skip(1);
    let other = shares
        .first()
        .and_then(|first| later.find(|(_, share)| share.public() != first.public()));
    if let Some((index, share)) = other {
        return Err(InvalidField::new(
            format!("/shares/{index}"),
            format!(
                "a share of {} that does not belong to the first",
                share.name()
            ),
            "shares of one key and one generation",
        )
        .into());
    }
    let mut of = Vec::with_capacity(shares.len());
    for share in shares {
        let (nonces, commitments) = round1::commit(share.package().signing_share(), rng);
        let commitments = published(share.name(), &commitments)?;
        of.push((share, nonces, commitments));
    }
    Ok(Nonces { of })
}

/// Adds the parts of this side, of which as many of `shares` sign as are missing: the first ones.
///
/// The nonces are made here, used once and wiped before this returns.
///
/// # Errors
/// [`SignError::Invalid`], with a pointer into `/commitments`: a participant that the key does not have, or whose share is here, or that is
/// named twice; a commitment that is not a point; as many as the threshold, or too few.
pub fn respond(
    shares: &[Share],
    what: &ToSign,
    others: &[NonceCommitments],
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<Vec<PartialSignature>, SignError> {
    let Some(first) = shares.first() else {
        return Err(no_share());
    };
    let threshold = usize::from(first.participants().threshold());
    let missing = threshold.saturating_sub(others.len());
    if missing == 0 || missing > shares.len() {
        let least = threshold.saturating_sub(shares.len());
        return Err(InvalidField::new(
            "/commitments",
            format!("those of {} participants", others.len()),
            match threshold - 1 {
                most if most == least => format!("those of {least}"),
                most => format!("those of {least} to {most}"),
            },
        )
        .into());
    }
    let mut all = parsed(first.participants(), "/commitments", others)?;
    for (index, other) in others.iter().enumerate() {
        if shares.iter().any(|share| share.name() == other.participant) {
            return Err(InvalidField::new(
                format!("/commitments/{index}/participant"),
                format!("{:?}", other.participant),
                "a participant whose share is not here",
            )
            .into());
        }
    }
    let nonces = commit(shares.iter().take(missing).cloned().collect(), rng)?;
    for (share, _, commitments) in &nonces.of {
        all.insert(*share.package().identifier(), library(commitments)?);
    }
    let package = SigningPackage::new(all, &what.message);
    nonces.parts(&package, what)
}

impl Nonces {
    /// The commitments, to be sent.
    pub fn commitments(&self) -> Vec<NonceCommitments> {
        self.of.iter().map(|(_, _, sent)| sent.clone()).collect()
    }

    /// Adds this side's signature shares to those of the other, and verifies the signature: 64 bytes (BIP-340).
    ///
    /// # Errors
    /// As [`Nonces::join`]; [`SignError::Misbehaved`]: whose share is wrong.
    pub fn complete(
        self,
        what: &ToSign,
        others: &[PartialSignature],
    ) -> Result<Hex<64>, SignError> {
        let share = self.of.first().map(|(share, ..)| share.clone());
        let parts = self.join(what, others)?;
        match share {
            Some(share) => aggregate(&share, what, &parts),
            None => Err(no_share()),
        }
    }

    /// The parts of this side and those of the other, for whoever puts them together ([`aggregate`]).
    ///
    /// # Errors
    /// [`SignError::Invalid`], with a pointer into `/parts`: not a part of another participant of the key, or not as many as the threshold
    /// takes.
    pub fn join(
        self,
        what: &ToSign,
        others: &[PartialSignature],
    ) -> Result<Vec<PartialSignature>, SignError> {
        let Some((first, ..)) = self.of.first() else {
            return Err(no_share());
        };
        let participants = first.participants().clone();
        let threshold = usize::from(participants.threshold());
        if others.len() + self.of.len() != threshold {
            return Err(InvalidField::new(
                "/parts",
                format!("those of {} participants", others.len()),
                format!("those of {}", threshold.saturating_sub(self.of.len())),
            )
            .into());
        }
        let mut commitments = self.commitments();
        commitments.extend(others.iter().map(PartialSignature::commitments));
        let commitments = parsed(&participants, "/parts", &commitments)?;
        let package = SigningPackage::new(commitments, &what.message);
        let mut parts = self.parts(&package, what)?;
        parts.extend(others.iter().cloned());
        Ok(parts)
    }

    fn parts(
        &self,
        package: &SigningPackage,
        what: &ToSign,
    ) -> Result<Vec<PartialSignature>, SignError> {
        let mut parts = Vec::with_capacity(self.of.len());
        for (share, nonces, commitments) in &self.of {
            let signed = round2::sign(package, nonces, &what.by.key_package(share.package()))?;
            let bytes = signed.serialize();
            parts.push(PartialSignature {
                participant: commitments.participant.clone(),
                hiding: commitments.hiding,
                binding: commitments.binding,
                share: fixed(&bytes)?,
            });
        }
        Ok(parts)
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces")
            .field("commitments", &self.commitments())
            .finish_non_exhaustive()
    }
}

impl By {
    /// The public key that verifies, 32 bytes, x-only.
    pub fn public_key(self, share: &Share) -> Hex<32> {
        verifying_key(&self.public_package(share.public()))
    }

    fn key_package(self, package: &KeyPackage) -> KeyPackage {
        match self {
            Self::GroupKey => package.clone(),
            Self::OutputKey(root) => package.clone().tweak(root),
        }
    }

    fn public_package(self, public: &PublicKeyPackage) -> PublicKeyPackage {
        match self {
            Self::GroupKey => public.clone(),
            Self::OutputKey(root) => public.clone().tweak(root),
        }
    }
}

/// The signature that the parts of all signers make up, verified: 64 bytes (BIP-340). It takes no secret; `of` names the key by any share.
///
/// # Errors
/// As for [`Nonces::complete`].
pub fn aggregate(
    of: &Share,
    what: &ToSign,
    parts: &[PartialSignature],
) -> Result<Hex<64>, SignError> {
    let participants = of.participants();
    let threshold = usize::from(participants.threshold());
    if parts.len() != threshold {
        return Err(InvalidField::new(
            "/parts",
            format!("those of {} participants", parts.len()),
            format!("those of {threshold}"),
        )
        .into());
    }
    let commitments: Vec<_> = parts.iter().map(PartialSignature::commitments).collect();
    let package = SigningPackage::new(parsed(participants, "/parts", &commitments)?, &what.message);
    verified(participants, of.public(), &package, what, parts)
}

fn no_share() -> SignError {
    InvalidField::new("/shares", "none", "at least one").into()
}

fn verified(
    participants: &Participants,
    public: &PublicKeyPackage,
    package: &SigningPackage,
    what: &ToSign,
    parts: &[PartialSignature],
) -> Result<Hex<64>, SignError> {
    let mut shares = BTreeMap::new();
    for (index, part) in parts.iter().enumerate() {
        let (_, identifier) = identifier(participants, "/parts", index, &part.participant)?;
        let share =
            SignatureShare::deserialize(&part.share.0).map_err(|_| SignError::Misbehaved {
                participants: vec![part.participant.clone()],
            })?;
        shares.insert(identifier, share);
    }
    let public = what.by.public_package(public);
    let signature = aggregate_custom(package, &shares, &public, CheaterDetection::AllCheaters)
        .map_err(|error| match error.culprits() {
            culprits if culprits.is_empty() => SignError::Frost(error),
            culprits => SignError::Misbehaved {
                participants: culprits.iter().map(|who| name(participants, who)).collect(),
            },
        })?;
    let signature: Hex<64> = fixed(&signature.serialize()?)?;
    // Another implementation of BIP-340 than the one that made it.
    let key = VerifyingKey::from_bytes(&verifying_key(&public).0);
    let verifies = key.is_ok_and(|key| {
        Signature::try_from(signature.0.as_slice())
            .is_ok_and(|signature| key.verify_raw(&what.message, &signature).is_ok())
    });
    match verifies {
        true => Ok(signature),
        false => Err(Error::InvalidSignature.into()),
    }
}

fn verifying_key(public: &PublicKeyPackage) -> Hex<32> {
    Hex(public.verifying_key().to_element().to_affine().x().into())
}

fn parsed(
    participants: &Participants,
    list: &str,
    commitments: &[NonceCommitments],
) -> Result<BTreeMap<Identifier, SigningCommitments>, InvalidField> {
    let mut all = BTreeMap::new();
    for (index, one) in commitments.iter().enumerate() {
        let (field, identifier) = identifier(participants, list, index, &one.participant)?;
        for (nonce, bytes) in [("hiding", &one.hiding), ("binding", &one.binding)] {
            if point(bytes).is_none() {
                return Err(InvalidField::new(
                    format!("{list}/{index}/{nonce}"),
                    bytes.to_string(),
                    "a compressed point of secp256k1, 33 bytes",
                ));
            }
        }
        let parsed = library(one)
            .map_err(|error| InvalidField::new(&field, error.to_string(), "nonce commitments"))?;
        if all.insert(identifier, parsed).is_some() {
            return Err(InvalidField::new(
                field,
                format!("{:?}, who was named before", one.participant),
                "each participant once",
            ));
        }
    }
    Ok(all)
}

fn identifier(
    participants: &Participants,
    list: &str,
    index: usize,
    name: &str,
) -> Result<(String, Identifier), InvalidField> {
    let field = format!("{list}/{index}/participant");
    let member = participants
        .members()
        .iter()
        .find(|member| member.name.as_str() == name);
    match member {
        Some(member) => Ok((field, member.identifier)),
        None => Err(InvalidField::new(
            field,
            format!("{name:?}"),
            "a participant of the key",
        )),
    }
}

fn name(participants: &Participants, identifier: &Identifier) -> String {
    let members = participants.members().iter();
    members
        .filter(|member| member.identifier == *identifier)
        .map(|member| member.name.as_str().to_owned())
        .next()
        .unwrap_or_else(|| hex::encode(identifier.serialize()))
}

fn library(commitments: &NonceCommitments) -> Result<SigningCommitments, Error> {
    Ok(SigningCommitments::new(
        NonceCommitment::deserialize(&commitments.hiding.0)?,
        NonceCommitment::deserialize(&commitments.binding.0)?,
    ))
}

fn published(name: &str, commitments: &SigningCommitments) -> Result<NonceCommitments, Error> {
    Ok(NonceCommitments {
        participant: name.to_owned(),
        hiding: fixed(&commitments.hiding().serialize()?)?,
        binding: fixed(&commitments.binding().serialize()?)?,
    })
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<Hex<N>, Error> {
    let bytes = bytes.try_into().map_err(|_| Error::SerializationError)?;
    Ok(Hex(bytes))
}
