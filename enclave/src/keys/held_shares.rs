//! The enclave's shares of a key with split custody.

use permafrost_common::api::split::Certificate;
use permafrost_frost::{Participants, Share, sign};
use rand_core::{CryptoRng, RngCore};

use super::{KeyError, MaterialError, bip340::PublicKey};

/// The enclave's shares of a key, fewer than a signature takes, and the certificate of the ceremony that they come from.
#[derive(Clone)]
pub struct HeldShares {
    /// One or more, in the order of the participants.
    shares: Vec<Share>,
    participants: Participants,
    public_key: PublicKey,
    certificate: Certificate,
}

impl HeldShares {
    /// Checks that the shares are of the key of the certificate, and of its participants without a public key.
    ///
    /// # Errors
    /// [`MaterialError::Certificate`] says what does not fit.
    pub fn new(shares: Vec<Share>, certificate: Certificate) -> Result<Self, MaterialError> {
        let mismatch = MaterialError::Certificate;
        let Some(first) = shares.first() else {
            return Err(mismatch("there is no share"));
        };
        let outcome = &certificate.outcome;
        let all = outcome.parameters.participants.iter();
        let held = all.clone().filter(|one| one.public_key.is_none());
        if !shares
            .iter()
            .map(Share::name)
            .eq(held.map(|one| one.name.as_str()))
        {
            return Err(mismatch(
                "the shares are not those of the enclave's participants",
            ));
        }
        let participants = first.participants().clone();
        let names = participants.members().iter().map(|one| one.name.as_str());
        if !names.eq(all.map(|one| one.name.as_str()))
            || participants.threshold() != outcome.parameters.threshold
        {
            return Err(mismatch("the participants are other ones"));
        }
        for share in &shares {
            if share.group_public_key() != outcome.group_public_key
                || share.verifying_shares().as_ref() != Ok(&outcome.verifying_shares)
            {
                return Err(mismatch("a share is one of another key or generation"));
            }
        }
        let public_key = PublicKey::from_bytes(outcome.group_public_key.0)
            .map_err(|_| MaterialError::Ciphersuite)?;
        Ok(Self {
            shares,
            participants,
            public_key,
            certificate,
        })
    }

    /// The enclave's shares.
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// All participants of the key.
    pub fn participants(&self) -> &Participants {
        &self.participants
    }

    /// The group public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The certificate of the ceremony that made these shares.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The enclave's parts of a signature, for which the other signers have committed.
    pub(super) fn respond(
        &self,
        what: &sign::ToSign,
        others: &[sign::NonceCommitments],
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Vec<sign::PartialSignature>, KeyError> {
        Ok(sign::respond(&self.shares, what, others, rng)?)
    }
}
