//! What stays of a deleted key.

use frost_secp256k1_tr::keys::PublicKeyPackage;
use permafrost_common::api::{Custody, split::Certificate};

use super::{
    MaterialError, Participants, bip340::PublicKey, packages::check_group, record::Material,
};

/// Everything about the shares of a deleted key that is public, and no share.
#[derive(Clone)]
pub(super) struct Tombstone {
    pub(super) participants: Participants,
    pub(super) public: PublicKeyPackage,
    pub(super) public_key: PublicKey,
    /// Only of a key with split custody.
    pub(super) certificate: Option<Certificate>,
}

impl Tombstone {
    /// Checks that all parts are of one key.
    ///
    /// # Errors
    /// [`MaterialError`] says what does not fit.
    pub(super) fn new(
        participants: Participants,
        public: PublicKeyPackage,
        certificate: Option<Certificate>,
    ) -> Result<Self, MaterialError> {
        check_group(&participants, &public, participants.members().len())?;
        for member in participants.members() {
            if !public.verifying_shares().contains_key(&member.identifier) {
                return Err(MaterialError::VerifyingShare {
                    name: member.name.as_str().to_owned(),
                    place: "public key package",
                });
            }
        }
        let public_key = PublicKey::of_point(&public.verifying_key().to_element());
        let public_key = public_key.ok_or(MaterialError::Ciphersuite)?;
        if let Some(certificate) = &certificate {
            let outcome = &certificate.outcome;
            let named = outcome.parameters.participants.iter();
            let members = participants.members().iter();
            if outcome.group_public_key.0 != *public_key.as_bytes()
                || outcome.parameters.threshold != participants.threshold()
                || !members
                    .map(|member| member.name.as_str())
                    .eq(named.map(|one| one.name.as_str()))
            {
                let what = "it is that of another key or of other participants";
                return Err(MaterialError::Certificate(what));
            }
        }
        Ok(Self {
            participants,
            public,
            public_key,
            certificate,
        })
    }

    /// The custody of the key.
    pub(super) fn custody(&self) -> Custody {
        match self.certificate {
            Some(_) => Custody::Split,
            None => Custody::Enclave,
        }
    }

    /// What stays of these shares.
    ///
    /// # Errors
    /// As [`Tombstone::new`]; consistent shares cause none.
    pub(super) fn of(material: &Material) -> Result<Self, MaterialError> {
        match material {
            Material::Whole(material) => {
                let participants = material.participants.clone();
                Self::new(participants, material.packages()?.public.clone(), None)
            }
            Material::Split(held) => {
                let first = held.shares().first();
                let first = first.ok_or(MaterialError::Certificate("there is no share"))?;
                let certificate = Some(held.certificate().clone());
                Self::new(
                    held.participants().clone(),
                    first.public().clone(),
                    certificate,
                )
            }
            Material::Deleted(tombstone) => Ok(tombstone.clone()),
        }
    }
}
