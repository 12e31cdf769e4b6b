//! The enclave's shares of a key with split custody.

use permafrost_common::api::split::{Certificate, WRAPPED_SHARE_MAX};
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
    /// In the order of the participants, at most one of each.
    wrapped: Vec<WrappedShare>,
}

/// A share that its holder has encrypted, so that the enclave keeps it and cannot open it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrappedShare {
    /// A participant that has a public key.
    pub participant: String,
    /// 1 to [`WRAPPED_SHARE_MAX`] bytes.
    pub ciphertext: Vec<u8>,
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
            wrapped: Vec::new(),
        })
    }

    /// These shares, and with them what their holders have encrypted of the others.
    ///
    /// # Errors
    /// [`MaterialError::Certificate`]: not at most one of each participant that has a public key, in their order, 1 to
    /// [`WRAPPED_SHARE_MAX`] bytes each.
    pub fn with_wrapped(self, wrapped: Vec<WrappedShare>) -> Result<Self, MaterialError> {
        let all = self.certificate.outcome.parameters.participants.iter();
        let mut holders = all.filter(|one| one.public_key.is_some());
        let fits = wrapped.iter().all(|share| {
            (1..=WRAPPED_SHARE_MAX).contains(&share.ciphertext.len())
                && holders.any(|holder| holder.name == share.participant)
        });
        match fits {
            true => Ok(Self { wrapped, ..self }),
            false => Err(MaterialError::Certificate(
                "a wrapped share is not that of a participant that holds its share",
            )),
        }
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

    /// What the holders of the other shares have encrypted.
    pub fn wrapped(&self) -> &[WrappedShare] {
        &self.wrapped
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

    /// The signature that the parts of all signers make up, verified: 64 bytes.
    pub(super) fn aggregate(
        &self,
        what: &sign::ToSign,
        parts: &[sign::PartialSignature],
    ) -> Result<[u8; 64], KeyError> {
        // HeldShares::new refuses to hold none.
        let first = self.shares.first().ok_or(MaterialError::Ciphersuite)?;
        Ok(sign::aggregate(first, what, parts)?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::testing::split_shares;

    #[test]
    fn shares_that_are_not_those_of_the_certificate_are_refused_by_what_does_not_fit() {
        let (held, alices) = split_shares();
        let (other, _) = split_shares();
        let refused = |shares: Vec<Share>, change: fn(&mut Certificate)| {
            let mut certificate = held.certificate().clone();
            change(&mut certificate);
            match HeldShares::new(shares, certificate).map(|_| ()) {
                Err(MaterialError::Certificate(what)) => what,
                other => panic!("{other:?}"),
            }
        };
        let own = || held.shares().to_vec();
        assert!(HeldShares::new(own(), held.certificate().clone()).is_ok());
        assert_eq!(refused(Vec::new(), |_| {}), "there is no share");
        for wrong in [vec![alices.clone()], [own(), vec![alices]].concat()] {
            let what = "the shares are not those of the enclave's participants";
            assert_eq!(refused(wrong, |_| {}), what);
        }
        let participants = "the participants are other ones";
        let renamed = refused(own(), |it| {
            it.outcome.parameters.participants[0].name = "bob".to_owned();
        });
        assert_eq!(renamed, participants);
        let threshold = refused(own(), |it| it.outcome.parameters.threshold = 3);
        assert_eq!(threshold, participants);
        let generation = "a share is one of another key or generation";
        assert_eq!(refused(other.shares().to_vec(), |_| {}), generation);
        let key = refused(own(), |it| it.outcome.group_public_key.0[0] ^= 1);
        assert_eq!(key, generation);
        let verifying = refused(own(), |it| it.outcome.verifying_shares[0].0[1] ^= 1);
        assert_eq!(verifying, generation);
    }
}
