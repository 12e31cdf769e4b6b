//! Signing: both rounds of FROST (RFC 9591 section 5) and the final verification, in one call.
//!
//! All signers are in one place here. So what each would compute with the same result - binding factors, group commitment,
//! challenge - is computed once, by the same `frost-core` functions that its `round2::sign` calls; the signature shares follow
//! from them by the equation of section 5.2. Tests compare every signature, byte for byte, with that of the
//! `frost-secp256k1-tr` crate for the same randomness.

use std::collections::BTreeMap;

use frost_core::{
    CheaterDetection, Ciphersuite, aggregate_custom, compute_binding_factor_list,
    compute_group_commitment,
    round1::{Nonce, NonceCommitment},
};
use frost_secp256k1_tr::{
    Error, Identifier, Secp256K1Sha256TR, SigningPackage, VerifyingKey,
    keys::{SigningShare, Tweak},
    round1::SigningCommitments,
    round2::SignatureShare,
};
use k256::{
    ProjectivePoint, Scalar,
    elliptic_curve::{PrimeField, ops::MulByGenerator, point::AffineCoordinates},
};
use permafrost_common::api;
use permafrost_frost::sign::{By, NonceCommitments, PartialSignature, ToSign};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::{
    KeyError, KeyRecord, Network, Payload, UNSTORED, bip340::PublicKey, material::KeyMaterial,
    record::COSIGN, taproot::TweakedKey,
};

impl KeyRecord {
    /// Signs a payload with the first `threshold` participants and verifies the signature (BIP-340).
    ///
    /// The signing nonces are made from `rng` and the shares (RFC 9591 section 4.1), used once and wiped before the
    /// call returns. `network` is that of the address shown with a Taproot spend.
    ///
    /// # Errors
    ///
    /// [`KeyError::Disabled`]; [`KeyError::Payload`] where a Nostr event names another author or id;
    /// [`KeyError::SignatureInvalid`] where the signature does not verify, [`KeyError::Frost`] and [`KeyError::Tweak`]: defects.
    pub fn sign(
        &self,
        payload: &Payload,
        network: Network,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<api::Signed, KeyError> {
        self.check_enabled()?;
        let material = self.whole(COSIGN)?;
        let wanted = self.wanted(payload)?;
        let signature = match &wanted.tweaked {
            Some(tweaked) => material.sign_tweaked(&wanted.message, tweaked, rng)?,
            None => material.sign(&wanted.message, rng)?,
        };
        wanted.signed(&signature, network)
    }

    /// The enclave's parts of a signature by a key with split custody, for which the other signers have committed.
    ///
    /// The nonces are made after everything else is known, used once and wiped before the call returns; nothing is kept.
    ///
    /// # Errors
    ///
    /// [`KeyError::Disabled`]; [`KeyError::Custody`]; [`KeyError::Payload`] as for [`KeyRecord::sign`]; [`KeyError::Sign`]: commitments
    /// that are not those of participants that can sign with the enclave's.
    pub fn cosign(
        &self,
        payload: &Payload,
        others: &[NonceCommitments],
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<api::split::Cosigned, KeyError> {
        self.check_enabled()?;
        let held = self.held()?;
        let wanted = self.wanted(payload)?;
        Ok(api::split::Cosigned {
            key_id: self.id.to_string(),
            generation: self.generation,
            record_version: UNSTORED,
            public_key: hex::encode(wanted.verifying_key().as_bytes()),
            parts: held.respond(&wanted.to_sign(), others, rng)?,
        })
    }

    /// The signature by a key with split custody that the parts of all signers make up, verified. It takes no secret.
    ///
    /// # Errors
    ///
    /// [`KeyError::Disabled`]; [`KeyError::Custody`]; [`KeyError::Payload`] as for [`KeyRecord::sign`]; [`KeyError::Sign`]: not the parts of
    /// as many participants as the threshold, or wrong ones, whose participants it names.
    pub fn aggregate(
        &self,
        payload: &Payload,
        parts: &[PartialSignature],
        network: Network,
    ) -> Result<api::Signed, KeyError> {
        self.check_enabled()?;
        let held = self.held()?;
        let wanted = self.wanted(payload)?;
        wanted.signed(&held.aggregate(&wanted.to_sign(), parts)?, network)
    }

    fn wanted<'a>(&'a self, payload: &'a Payload) -> Result<Wanted<'a>, KeyError> {
        let (message, tweaked) = match payload {
            Payload::Message(message) => (message.clone(), None),
            Payload::Digest(digest) => (digest.to_vec(), None),
            Payload::NostrEvent(event) => (event.id(self.public_key())?.to_vec(), None),
            Payload::TaprootSpend {
                sighash,
                merkle_root,
            } => {
                let tweaked = TweakedKey::new(self.public_key(), *merkle_root)?;
                (sighash.to_vec(), Some(tweaked))
            }
        };
        Ok(Wanted {
            record: self,
            payload,
            message,
            tweaked,
        })
    }
}

/// A signature of a payload by a key, before there is one.
struct Wanted<'a> {
    record: &'a KeyRecord,
    payload: &'a Payload,
    /// What BIP-340 signs: for an event, its id.
    message: Vec<u8>,
    /// For a Taproot spend, the key that signs.
    tweaked: Option<TweakedKey>,
}

impl Wanted<'_> {
    fn verifying_key(&self) -> &PublicKey {
        let tweaked = self.tweaked.as_ref().map(TweakedKey::output_key);
        tweaked.unwrap_or_else(|| self.record.public_key())
    }

    fn to_sign(&self) -> ToSign {
        let tweaked = self.tweaked.as_ref();
        ToSign {
            message: self.message.clone(),
            by: tweaked.map_or(By::GroupKey, |tweaked| By::OutputKey(tweaked.merkle_root)),
        }
    }

    /// The response that gives the signature.
    fn signed(&self, signature: &[u8; 64], network: Network) -> Result<api::Signed, KeyError> {
        let event = match (self.payload, self.message.as_slice().try_into()) {
            (Payload::NostrEvent(event), Ok(id)) => {
                Some(event.signed(self.record.public_key(), id, signature))
            }
            _ => None,
        };
        let tweaked = self.tweaked.as_ref();
        Ok(api::Signed {
            key_id: self.record.id.to_string(),
            generation: self.record.generation,
            record_version: UNSTORED,
            public_key: hex::encode(self.verifying_key().as_bytes()),
            signature: hex::encode(signature),
            event,
            taproot: tweaked.map(|tweaked| tweaked.output(network)).transpose()?,
        })
    }
}

impl KeyMaterial {
    /// A BIP-340 signature by the group public key, verified.
    pub(super) fn sign(
        &self,
        message: &[u8],
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<[u8; 64], KeyError> {
        let point = self.group.to_element();
        let key = EffectiveKey::new(point, Scalar::ONE, Scalar::ZERO);
        let round = Round::run(self, &key, message, rng)?;
        match self.public_key.verify(message, &round.signature()) {
            Ok(()) => Ok(round.signature()),
            Err(_) => Err(self.culprits(&round, |public| public)),
        }
    }

    /// A BIP-340 signature by the tweaked key of a Taproot output (BIP-341), verified.
    pub(super) fn sign_tweaked(
        &self,
        message: &[u8],
        tweaked: &TweakedKey,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<[u8; 64], KeyError> {
        let even = sign_that_makes_even(&self.group.to_element());
        let key = EffectiveKey::new(tweaked.point, even, tweaked.tweak);
        let round = Round::run(self, &key, message, rng)?;
        match tweaked.output_key().verify(message, &round.signature()) {
            Ok(()) => Ok(round.signature()),
            Err(_) => Err(self.culprits(&round, |public| public.tweak(tweaked.merkle_root))),
        }
    }

    /// Names the participants whose signature shares are wrong, by the library's own check of each.
    fn culprits(
        &self,
        round: &Round,
        adjust: impl FnOnce(
            frost_secp256k1_tr::keys::PublicKeyPackage,
        ) -> frost_secp256k1_tr::keys::PublicKeyPackage,
    ) -> KeyError {
        let shares = round
            .shares
            .iter()
            .map(|(identifier, share)| {
                Ok((*identifier, SignatureShare::deserialize(&share.to_bytes())?))
            })
            .collect::<Result<BTreeMap<_, _>, Error>>();
        let public = self.public().ok();
        let identifiers = public.zip(shares.ok()).and_then(|(public, shares)| {
            let all = CheaterDetection::AllCheaters;
            let checked = aggregate_custom(&round.package, &shares, &adjust(public), all);
            checked.err().map(|error| error.culprits())
        });
        KeyError::SignatureInvalid {
            culprits: identifiers
                .unwrap_or_default()
                .iter()
                .map(|identifier| self.name_of(identifier))
                .collect(),
        }
    }
}

/// The key that a signature is made for. Its secret is `factor` times the group's secret plus `addend`, and its point has an even
/// y coordinate, as BIP-340 requires.
struct EffectiveKey {
    point: VerifyingKey,
    factor: Scalar,
    addend: Scalar,
}

impl EffectiveKey {
    /// The key of `point`, whose secret is `factor` times the group's secret plus `addend`, or of its negative.
    fn new(point: ProjectivePoint, factor: Scalar, addend: Scalar) -> Self {
        let even = sign_that_makes_even(&point);
        Self {
            point: VerifyingKey::new(if even == Scalar::ONE { point } else { -point }),
            factor: even * factor,
            addend: even * addend,
        }
    }

    /// The share of this key's secret. Lagrange coefficients at zero sum to one, so the addend is the same for all.
    fn share(&self, share: &SigningShare) -> Zeroizing<Scalar> {
        Zeroizing::new(self.factor * share.to_scalar() + self.addend)
    }
}

/// The public results of one run of the protocol.
struct Round {
    package: SigningPackage,
    shares: Vec<(Identifier, Scalar)>,
    r: [u8; 32],
}

impl Round {
    fn run(
        material: &KeyMaterial,
        key: &EffectiveKey,
        message: &[u8],
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, KeyError> {
        let signers = &material.signers;

        let mut nonces = Vec::with_capacity(signers.len());
        let mut commitments = BTreeMap::new();
        for signer in signers {
            let (nonce, commitment) = commit(&signer.share, rng);
            nonces.push(nonce);
            commitments.insert(signer.identifier, commitment);
        }

        let package = SigningPackage::new(commitments, message);
        let factors = compute_binding_factor_list(&package, &key.point, &[])?;
        let group_commitment = compute_group_commitment(&package, &factors)?.to_element();
        let challenge =
            Secp256K1Sha256TR::challenge(&group_commitment, &key.point, message)?.to_scalar();
        let even = sign_that_makes_even(&group_commitment);

        let mut shares = Vec::with_capacity(nonces.len());
        for (signer, nonce) in signers.iter().zip(&nonces) {
            let factor = factors
                .get(&signer.identifier)
                .ok_or(Error::UnknownIdentifier)?;
            let nonce = Zeroizing::new(even * (nonce.hiding + nonce.binding * scalar(factor)?));
            let share = *nonce + signer.coefficient * challenge * *key.share(&signer.share);
            shares.push((signer.identifier, share));
        }
        Ok(Self {
            package,
            shares,
            r: group_commitment.to_affine().x().into(),
        })
    }

    /// The aggregate of the shares (RFC 9591 section 5.3), in the encoding of BIP-340.
    fn signature(&self) -> [u8; 64] {
        let z: Scalar = self.shares.iter().map(|(_, share)| share).sum();
        let mut signature = [0; 64];
        let (r, s) = signature.split_at_mut(32);
        r.copy_from_slice(&self.r);
        s.copy_from_slice(&z.to_bytes());
        signature
    }
}

/// The signing nonces of one participant for one signature; wiped when dropped.
#[derive(zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
struct SigningNonces {
    hiding: Scalar,
    binding: Scalar,
}

/// Round one (RFC 9591 section 5.1) of one participant.
///
/// The library's own `commit` multiplies the generator like any other point; a precomputed table makes that several times faster.
fn commit(
    share: &SigningShare,
    rng: &mut (impl CryptoRng + RngCore),
) -> (SigningNonces, SigningCommitments) {
    let nonces = SigningNonces {
        hiding: Nonce::new(share, rng).to_scalar(),
        binding: Nonce::new(share, rng).to_scalar(),
    };
    let commitment =
        |nonce: &Scalar| NonceCommitment::new(ProjectivePoint::mul_by_generator(nonce));
    let commitments =
        SigningCommitments::new(commitment(&nonces.hiding), commitment(&nonces.binding));
    (nonces, commitments)
}

/// 1 if the y coordinate of a point is even, else -1.
fn sign_that_makes_even(point: &ProjectivePoint) -> Scalar {
    if point.to_affine().y_is_odd().into() {
        -Scalar::ONE
    } else {
        Scalar::ONE
    }
}

fn scalar(factor: &frost_core::BindingFactor<Secp256K1Sha256TR>) -> Result<Scalar, Error> {
    let bytes: [u8; 32] = factor
        .serialize()
        .try_into()
        .map_err(|_| Error::SerializationError)?;
    Option::from(Scalar::from_repr(bytes.into())).ok_or(Error::SerializationError)
}

#[cfg(test)]
mod tests;
