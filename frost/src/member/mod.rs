//! The secret side of a ceremony: one participant, from its polynomial to its share.

mod reshare;
mod transit;

use std::collections::BTreeMap;
use std::fmt;

use frost_core::keys::VerifiableSecretSharingCommitment;
use frost_secp256k1_tr::{
    Identifier, Secp256K1Sha256TR,
    keys::{PublicKeyPackage, dkg, refresh},
};
use k256::{
    NonZeroScalar, ProjectivePoint, Scalar,
    elliptic_curve::{group::GroupEncoding, ops::MulByGenerator},
    schnorr,
};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::messages::{CONFIRMATION, SHARES};
use crate::parameters::Role;
use crate::participant_key::sign;
use crate::polynomial::Polynomial;
use crate::{
    Board, CeremonyError, Commitments, Confirmation, Hex, Message, Outcome, ParticipantKey,
    Purpose, Share, Shares,
};

/// One participant of a ceremony, who goes through it once.
///
/// [`Member::join`] makes its commitments, [`Member::share`] its shares for the others once all commitments are on the board, and
/// [`Member::conclude`] its own share and the outcome once all shares are. Each puts what it makes on the board. Nothing that it computed
/// may be used before every participant has confirmed the outcome.
pub struct Member {
    name: String,
    index: usize,
    identifier: Identifier,
    old: Option<Share>,
    encryption: Zeroizing<Scalar>,
    first: Option<dkg::round1::SecretPackage>,
    second: Option<dkg::round2::SecretPackage>,
    /// Where a key is reshared, and this one deals.
    polynomial: Option<Polynomial>,
}

impl Member {
    /// Takes part as the participant `name`, and puts its commitments on the board.
    ///
    /// `key` is None for a share of the enclave; `old` is the share that is refreshed, or dealt.
    ///
    /// # Errors
    /// [`CeremonyError::Stranger`]; [`CeremonyError::Mismatch`]: `old` is not a share of the key that is refreshed, or of another
    /// participant; [`CeremonyError::Unsigned`]: `key` is not that of the parameters.
    pub fn join(
        board: &mut Board,
        name: &str,
        key: Option<&ParticipantKey>,
        old: Option<Share>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, CeremonyError> {
        let index = board.checked.index(name)?;
        let role = role(board, index)?;
        check_old(board, name, old.as_ref())?;
        let (identifier, parameters) = (role.identifier, board.parameters());
        let n = u16::try_from(parameters.participants.len()).unwrap_or(u16::MAX);
        let t = parameters.threshold;
        let (mut first, mut polynomial) = (None, None);
        let (commitments, proof) = match (parameters.purpose, &role.weight, &old) {
            (Purpose::Generate, ..) => {
                let (secret, package) = dkg::part1(identifier, n, t, &mut *rng)?;
                first = Some(secret);
                let proof = fixed(&package.proof_of_knowledge().serialize()?)?;
                (points(package.commitment())?, Some(proof))
            }
            (Purpose::Refresh, ..) => {
                let (secret, package) = refresh::refresh_dkg_part1(identifier, n, t, &mut *rng)?;
                first = Some(secret);
                (points(package.commitment())?, None)
            }
            (Purpose::Reshare, Some((weight, _)), Some(old)) => {
                let constant = old.package().signing_share().to_scalar() * weight;
                let dealt = Polynomial::random(constant, t, &mut *rng);
                let commitments = dealt.commitments();
                polynomial = Some(dealt);
                (commitments, None)
            }
            (Purpose::Reshare, ..) => (Vec::new(), None),
        };
        let encryption = Zeroizing::new(*NonZeroScalar::random(rng).as_ref());
        let public = ProjectivePoint::mul_by_generator(&*encryption);
        let mut message = Commitments {
            participant: name.to_owned(),
            commitments,
            proof_of_knowledge: proof,
            encryption_key: Hex(public.to_bytes().into()),
            possession: None,
            signature: None,
        };
        let context = board.checked.context;
        if let Some(first) = first.as_ref().filter(|_| proof.is_some()) {
            let constant = constant_term(first)?;
            message.possession = Some(sign(&constant, &message.digest(&context), rng)?);
        }
        if let Some(key) = key {
            message.signature = Some(key.sign(&message.signed_digest(&context), rng)?);
        }
        put(board, key, Message::Commitments(message))?;
        Ok(Self {
            name: name.to_owned(),
            index,
            identifier,
            old,
            encryption,
            first,
            second: None,
            polynomial,
        })
    }

    /// Puts the shares for the others on the board. Done once; a repetition changes nothing.
    ///
    /// # Errors
    /// [`CeremonyError::OutOfTurn`]: some commitments are missing.
    pub fn share(
        &mut self,
        board: &mut Board,
        key: Option<&ParticipantKey>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<(), CeremonyError> {
        let packages = board.packages_for(self.index);
        let packages = packages.ok_or_else(|| board.out_of_turn(&self.name, SHARES))?;
        if board.shares_of(self.index).is_some() {
            return Ok(());
        }
        let for_others: BTreeMap<Identifier, Scalar> = match (self.first.take(), &self.polynomial) {
            (Some(first), _) => {
                let (second, for_others) = match board.parameters().purpose {
                    Purpose::Generate => dkg::part2(first, &packages)?,
                    _ => refresh::refresh_dkg_part2(first, &packages)?,
                };
                self.second = Some(second);
                let shares = for_others.iter();
                shares
                    .map(|(to, package)| (*to, package.signing_share().to_scalar()))
                    .collect()
            }
            (None, Some(polynomial)) => {
                let identifiers = board.checked.participants.identifiers().into_iter();
                identifiers.map(|to| (to, polynomial.at(&to))).collect()
            }
            (None, None) => return Ok(()),
        };
        let mut shares = BTreeMap::new();
        for (index, member) in board.checked.participants.members().iter().enumerate() {
            let to = member.name.as_str();
            let Some(share) = for_others.get(&member.identifier) else {
                continue;
            };
            if to != self.name {
                let pad = self.pad(board, index, &self.name, to)?;
                shares.insert(to.to_owned(), Hex((*share + *pad).to_bytes().into()));
            }
        }
        let mut message = Shares {
            participant: self.name.clone(),
            shares,
            signature: None,
        };
        if let Some(key) = key {
            message = message.signed(board, key, rng)?;
        }
        put(board, key, Message::Shares(message))
    }

    /// Computes this participant's share and what the ceremony came to, and puts its confirmation on the board if it signs for itself.
    ///
    /// The share is not to be used before the ceremony is complete.
    ///
    /// # Errors
    /// [`CeremonyError::OutOfTurn`]: some shares are missing. [`CeremonyError::Misbehaved`]: the participant whose share is not on its
    /// polynomial.
    pub fn conclude(
        &self,
        board: &mut Board,
        key: Option<&ParticipantKey>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Share, CeremonyError> {
        if !role(board, self.index)?.receives {
            return Err(CeremonyError::Mismatch(
                "a dealer that leaves gets no share",
            ));
        }
        let Some(transcript) = board.transcript() else {
            return Err(board.out_of_turn(&self.name, CONFIRMATION));
        };
        let received = self.received(board)?;
        let (package, public) = match (board.parameters().purpose, &self.old, &self.second) {
            (Purpose::Generate, _, Some(second)) => {
                dkg::part3(second, &self.packages(board)?, &received)?
            }
            (Purpose::Refresh, Some(old), Some(second)) => refresh::refresh_dkg_shares(
                second,
                &self.packages(board)?,
                &received,
                old.public().clone(),
                old.package().clone(),
            )?,
            (Purpose::Reshare, ..) => self.reshared(board, &received)?,
            _ => return Err(board.out_of_turn(&self.name, CONFIRMATION)),
        };
        // The library leaves the threshold out of refreshed packages of earlier versions' keys.
        let public = PublicKeyPackage::new(
            public.verifying_shares().clone(),
            *public.verifying_key(),
            Some(board.parameters().threshold),
        );
        let participants = board.checked.participants.clone();
        let share = Share::new(participants, &self.name, package, public)?;
        let outcome = Outcome {
            parameters: board.parameters().clone(),
            group_public_key: share.group_public_key(),
            verifying_shares: share.verifying_shares()?,
            transcript: Hex(transcript),
        };
        board.conclude(&outcome)?;
        if let Some(key) = key {
            let digest = outcome.digest();
            let confirmation = Confirmation {
                participant: self.name.clone(),
                signature: key.sign(&digest, rng)?,
            };
            put(board, Some(key), Message::Confirmation(confirmation))?;
        }
        Ok(share)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn packages(
        &self,
        board: &Board,
    ) -> Result<BTreeMap<Identifier, dkg::round1::Package>, CeremonyError> {
        let packages = board.packages_for(self.index);
        packages.ok_or_else(|| board.out_of_turn(&self.name, CONFIRMATION))
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn put(
    board: &mut Board,
    key: Option<&ParticipantKey>,
    message: Message,
) -> Result<(), CeremonyError> {
    match key {
        Some(_) => board.add(message),
        None => board.add_of_the_enclave(message),
    }
}

fn role(board: &Board, index: usize) -> Result<Role, CeremonyError> {
    let role = board.role(index).cloned();
    role.ok_or(CeremonyError::Mismatch("a participant has no role"))
}

fn check_old(board: &Board, name: &str, old: Option<&Share>) -> Result<(), CeremonyError> {
    let mismatch = |what| Err(CeremonyError::Mismatch(what));
    let parameters = board.parameters();
    let old = match (board.takes_old_share(name), old) {
        (false, None) => return Ok(()),
        (false, Some(_)) => return mismatch("the share that there is has no use here"),
        (true, None) => return mismatch("the ceremony takes the share that there is"),
        (true, Some(old)) => old,
    };
    if Some(old.group_public_key()) != parameters.group_public_key {
        return mismatch("the share is of another key than that of the ceremony");
    }
    let fits = match parameters.purpose {
        Purpose::Reshare => parameters.dealers.iter().any(|dealer| {
            let share = old.package().verifying_share().serialize();
            dealer.name == name && share.is_ok_and(|share| share == dealer.verifying_share.0)
        }),
        _ => *old.participants() == board.checked.participants,
    };
    match fits && old.name() == name {
        true => Ok(()),
        false => mismatch(
            "the share is that of another participant, or of a key with other participants or another threshold",
        ),
    }
}

fn points(
    commitment: &VerifiableSecretSharingCommitment<Secp256K1Sha256TR>,
) -> Result<Vec<Hex<33>>, CeremonyError> {
    let points = commitment.serialize()?;
    points.iter().map(|point| fixed(point)).collect()
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<Hex<N>, CeremonyError> {
    let bytes = bytes
        .try_into()
        .map_err(|_| CeremonyError::Mismatch("the FROST library gave a value of another length"))?;
    Ok(Hex(bytes))
}

/// The constant term of the polynomial as a BIP-340 key.
fn constant_term(first: &dkg::round1::SecretPackage) -> Result<schnorr::SigningKey, CeremonyError> {
    let coefficients = Zeroizing::new(first.coefficients());
    let scalar = coefficients.first().and_then(|scalar| {
        let scalar: Option<NonZeroScalar> = NonZeroScalar::new(*scalar).into();
        scalar
    });
    scalar
        .map(schnorr::SigningKey::from)
        .ok_or(CeremonyError::Mismatch("a constant term is zero"))
}
