//! Everything the enclave keeps about a key, and how a key changes.

use std::fmt;

use frost_secp256k1_tr::SigningKey;
use permafrost_common::api::{Custody, KeyStatus};
use rand_core::{CryptoRng, RngCore};

use permafrost_common::api::{replacement::Replacement, split::Certificate};
use permafrost_frost::Purpose;

use super::{
    HeldShares, KeyError, KeyId, MaterialError, Participants, bip340::PublicKey,
    material::KeyMaterial, tombstone::Tombstone,
};

/// A key with the shares that the enclave has, and everything about it.
///
/// It is immutable; each operation gives the record that replaces it. [`KeyRecord::check`] says whether its shares are those of its
/// participants and its public key. A record that was decoded may not be consistent: then it signs nothing, and no operation but
/// disabling gives another record.
#[derive(Clone)]
pub struct KeyRecord {
    pub(super) id: KeyId,
    pub(super) owner: String,
    pub(super) label: Option<String>,
    pub(super) created_at: u64,
    pub(super) generation: u32,
    pub(super) status: KeyStatus,
    pub(super) material: Material,
    /// Whether the secret existed outside the enclave first.
    pub(super) imported: bool,
    pub(super) replaces: Option<KeyId>,
    pub(super) replaced_by: Option<KeyId>,
    /// Signed by this key, if another has replaced it.
    pub(super) statement: Option<Replacement>,
    pub(super) request_digest: [u8; 32],
}

/// The shares that the enclave has.
#[derive(Clone)]
pub(super) enum Material {
    /// All of them.
    Whole(KeyMaterial),
    /// Fewer than a signature takes; others hold the rest.
    Split(HeldShares),
    /// None: the key is deleted.
    Deleted(Tombstone),
}

/// What the caller of [`KeyRecord::deal`] decides about a new key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewKey {
    /// The id, unique to this key.
    pub id: KeyId,
    /// The principal that makes the key: 1 to 64 of `A-Z a-z 0-9 - _ .`.
    pub owner: String,
    /// What its owner calls it: 1 to 64 of `A-Z a-z 0-9 - _ .`.
    pub label: Option<String>,
    /// Seconds since 1970, by the enclave's clock.
    pub created_at: u64,
    /// The digest of the creating request, which distinguishes a repetition from another request.
    pub request_digest: [u8; 32],
}

impl KeyRecord {
    /// Makes a key and deals its shares inside the enclave (RFC 9591 appendix C).
    ///
    /// # Errors
    ///
    /// [`KeyError::Frost`] and [`KeyError::Material`] if the library's shares fail the checks, which is a defect.
    pub fn deal(
        new: NewKey,
        participants: Participants,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, KeyError> {
        let material = KeyMaterial::deal(participants, rng)?;
        Ok(Self::from_material(new, Material::Whole(material)))
    }

    /// The key of an existing secret (32 bytes, big-endian), whose shares are dealt inside the enclave (RFC 9591 appendix C). A secret and
    /// its negative are the same BIP-340 key.
    ///
    /// # Errors
    ///
    /// [`KeyError::ImportSecret`]; [`KeyError::ImportPublicKey`]; otherwise as for [`KeyRecord::deal`].
    pub fn import(
        new: NewKey,
        participants: Participants,
        secret: &[u8; 32],
        public_key: &[u8; 32],
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, KeyError> {
        let secret = SigningKey::deserialize(secret).map_err(|_| KeyError::ImportSecret)?;
        let material = KeyMaterial::split(participants, &secret, rng)?;
        if material.public_key.as_bytes() != public_key {
            return Err(KeyError::ImportPublicKey {
                named: hex::encode(public_key),
                came: hex::encode(material.public_key.as_bytes()),
            });
        }
        Ok(Self {
            imported: true,
            ..Self::from_material(new, Material::Whole(material))
        })
    }

    /// A key that a ceremony has made, of which the enclave holds these shares.
    pub fn from_ceremony(new: NewKey, held: HeldShares) -> Self {
        Self::from_material(new, Material::Split(held))
    }

    /// The same key with the shares of a ceremony that refreshed or reshared it, and the next generation.
    ///
    /// # Errors
    ///
    /// [`KeyError::Disabled`]; [`KeyError::Deleted`]; [`KeyError::Custody`]; [`KeyError::Material`]: the shares are those of another key or generation.
    pub fn refreshed(&self, held: HeldShares) -> Result<Self, KeyError> {
        self.check_enabled()?;
        let parameters = &held.certificate().outcome.parameters;
        let before = &self.held()?.certificate().outcome.parameters;
        if held.public_key() != self.public_key()
            || Some(parameters.generation) != self.generation.checked_add(1)
            || parameters.purpose == Purpose::Refresh
                && before.participants != parameters.participants
        {
            let what = "the new shares are those of another key or generation";
            return Err(MaterialError::Certificate(what).into());
        }
        Ok(Self {
            generation: parameters.generation,
            material: Material::Split(held),
            ..self.clone()
        })
    }

    /// The same key with new shares and the next generation. Old shares do not sign together with new ones.
    ///
    /// # Errors
    ///
    /// [`KeyError::Disabled`]; [`KeyError::Deleted`]; [`KeyError::GenerationExhausted`] after 2^32 - 2 rotations; [`KeyError::Frost`] and
    /// [`KeyError::Material`] as for [`KeyRecord::deal`].
    pub fn rotate(&self, rng: &mut (impl CryptoRng + RngCore)) -> Result<Self, KeyError> {
        self.check_enabled()?;
        let generation = self
            .generation
            .checked_add(1)
            .ok_or(KeyError::GenerationExhausted { id: self.id })?;
        Ok(Self {
            generation,
            material: Material::Whole(self.whole(REFRESH)?.refresh(rng)?),
            ..self.clone()
        })
    }

    /// This key, disabled for good. Idempotent.
    ///
    /// # Errors
    ///
    /// [`KeyError::Deleted`].
    pub fn disabled(&self) -> Result<Self, KeyError> {
        self.check_not_deleted()?;
        Ok(Self {
            status: KeyStatus::Disabled,
            ..self.clone()
        })
    }

    /// This key under another label, or none: 1 to 64 of `A-Z a-z 0-9 - _ .`.
    pub fn labelled(&self, label: Option<String>) -> Self {
        Self {
            label,
            ..self.clone()
        }
    }

    /// What stays of this key, which has to be disabled, when its shares are gone: all the rest. Idempotent.
    ///
    /// # Errors
    ///
    /// [`KeyError::Enabled`]; [`KeyError::Material`] if the record is inconsistent, which is a defect.
    pub fn deleted(&self) -> Result<Self, KeyError> {
        match self.status {
            KeyStatus::Enabled => Err(KeyError::Enabled { id: self.id }),
            KeyStatus::Disabled | KeyStatus::Deleted => Ok(Self {
                status: KeyStatus::Deleted,
                material: Material::Deleted(Tombstone::of(&self.material)?),
                ..self.clone()
            }),
        }
    }

    /// Checks everything that opening the record leaves to the verification of each signature: whether all shares belong together.
    ///
    /// # Errors
    ///
    /// [`MaterialError`] says what does not fit.
    pub fn check(&self) -> Result<(), MaterialError> {
        match &self.material {
            Material::Whole(material) => material.packages().map(|_| ()),
            // They were checked when they were read.
            Material::Split(_) | Material::Deleted(_) => Ok(()),
        }
    }

    /// The id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The principal that made the key.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// What its owner calls it.
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Where its shares are, or were.
    pub fn custody(&self) -> Custody {
        match &self.material {
            Material::Whole(_) => Custody::Enclave,
            Material::Split(_) => Custody::Split,
            Material::Deleted(tombstone) => tombstone.custody(),
        }
    }

    /// Seconds since 1970.
    pub fn created_at(&self) -> u64 {
        self.created_at
    }

    /// 1 when made, one more after each rotation.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether the key signs.
    pub fn status(&self) -> KeyStatus {
        self.status
    }

    /// The participants of the key.
    pub fn participants(&self) -> &Participants {
        match &self.material {
            Material::Whole(material) => &material.participants,
            Material::Split(held) => held.participants(),
            Material::Deleted(tombstone) => &tombstone.participants,
        }
    }

    /// The group public key (BIP-340).
    pub fn public_key(&self) -> &PublicKey {
        match &self.material {
            Material::Whole(material) => &material.public_key,
            Material::Split(held) => held.public_key(),
            Material::Deleted(tombstone) => &tombstone.public_key,
        }
    }

    /// The key that this one replaced.
    pub fn replaces(&self) -> Option<KeyId> {
        self.replaces
    }

    /// The key that replaced this one.
    pub fn successor(&self) -> Option<KeyId> {
        self.replaced_by
    }

    /// The digest of the creating request, 32 bytes.
    pub fn request_digest(&self) -> &[u8; 32] {
        &self.request_digest
    }

    pub(super) fn from_material(new: NewKey, material: Material) -> Self {
        Self {
            id: new.id,
            owner: new.owner,
            label: new.label,
            created_at: new.created_at,
            generation: 1,
            status: KeyStatus::Enabled,
            material,
            imported: false,
            replaces: None,
            replaced_by: None,
            statement: None,
            request_digest: new.request_digest,
        }
    }

    /// The certificate of the ceremony that the shares come from, for a key with split custody, also when it is deleted.
    ///
    /// # Errors
    ///
    /// [`KeyError::Custody`].
    pub fn certificate(&self) -> Result<&Certificate, KeyError> {
        match &self.material {
            Material::Deleted(Tombstone {
                certificate: Some(certificate),
                ..
            }) => Ok(certificate),
            _ => Ok(self.held()?.certificate()),
        }
    }

    /// The enclave's shares of a key with split custody.
    ///
    /// # Errors
    ///
    /// [`KeyError::Custody`]; [`KeyError::Deleted`].
    pub fn held(&self) -> Result<&HeldShares, KeyError> {
        match &self.material {
            Material::Split(held) => Ok(held),
            Material::Whole(_) => Err(KeyError::Custody {
                id: self.id,
                custody: "enclave",
                instead: "its shares were dealt, and all of them are here; use sign and rotate",
            }),
            Material::Deleted(_) => Err(KeyError::Deleted { id: self.id }),
        }
    }

    /// All shares of a key with enclave custody.
    pub(super) fn whole(&self, instead: &'static str) -> Result<&KeyMaterial, KeyError> {
        match &self.material {
            Material::Whole(material) => Ok(material),
            Material::Split(_) => Err(KeyError::Custody {
                id: self.id,
                custody: "split",
                instead,
            }),
            Material::Deleted(_) => Err(KeyError::Deleted { id: self.id }),
        }
    }

    /// Checks that the key is enabled.
    ///
    /// # Errors
    ///
    /// [`KeyError::Disabled`]; [`KeyError::Deleted`].
    pub fn check_enabled(&self) -> Result<(), KeyError> {
        self.check_not_deleted()?;
        match self.status {
            KeyStatus::Disabled => Err(KeyError::Disabled { id: self.id }),
            _ => Ok(()),
        }
    }

    pub(super) fn check_not_deleted(&self) -> Result<(), KeyError> {
        match self.status {
            KeyStatus::Deleted => Err(KeyError::Deleted { id: self.id }),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRecord")
            .field("id", &self.id)
            .field("owner", &self.owner)
            .field("label", &self.label)
            .field("created_at", &self.created_at)
            .field("generation", &self.generation)
            .field("status", &self.status)
            .field("participants", self.participants())
            .field("public_key", &hex::encode(self.public_key().as_bytes()))
            .field("shares", &"<redacted>")
            .field("replaces", &self.replaces)
            .field("replaced_by", &self.replaced_by)
            .finish_non_exhaustive()
    }
}

/// What to request of a key with split custody instead.
pub(super) const COSIGN: &str =
    "request cosign, with the nonce commitments of those who hold the other shares";
const REFRESH: &str = "request refresh, in which those who hold the other shares take part";

#[cfg(test)]
mod tests {
    use frost_secp256k1_tr::keys::{KeyPackage, reconstruct};
    use k256::elliptic_curve::{Curve, bigint::Encoding};
    use rand_core::OsRng;

    use super::*;
    use crate::keys::testing::{new_key, participants, record};
    use crate::keys::{Network, Payload};

    fn shares(record: &KeyRecord) -> Vec<[u8; 32]> {
        let share = |package: &KeyPackage| package.signing_share().to_scalar().to_bytes().into();
        record.packages().keys.iter().map(share).collect()
    }

    #[test]
    fn rotation_keeps_the_public_key_and_changes_every_share() {
        let old = record(3, 5);
        let new = old.rotate(&mut OsRng).unwrap();
        assert_eq!(new.public_key(), old.public_key());
        assert_eq!((old.generation(), new.generation()), (1, 2));
        assert_eq!(new.participants(), old.participants());
        assert_eq!(new.packages().public.min_signers(), Some(3));
        for ((old, new), (before, after)) in old
            .packages()
            .keys
            .iter()
            .zip(&new.packages().keys)
            .zip(shares(&old).iter().zip(shares(&new)))
        {
            assert_ne!(*before, after);
            assert_ne!(old.verifying_share(), new.verifying_share());
            assert_eq!(old.identifier(), new.identifier());
        }
    }

    #[test]
    fn any_threshold_of_new_shares_is_the_same_secret_and_none_with_an_old_one() {
        let old = record(2, 3);
        let new = old.rotate(&mut OsRng).unwrap().rotate(&mut OsRng).unwrap();
        let secret = |packages: [&KeyPackage; 2]| {
            reconstruct(&packages.map(Clone::clone))
                .unwrap()
                .serialize()
        };
        let (o, n) = (&old.packages().keys, &new.packages().keys);
        let expected = secret([&o[0], &o[1]]);
        for pair in [[&n[0], &n[1]], [&n[0], &n[2]], [&n[1], &n[2]]] {
            assert_eq!(secret(pair), expected);
        }
        for pair in [[&o[0], &n[1]], [&n[0], &o[1]], [&o[2], &n[1]]] {
            assert_ne!(secret(pair), expected);
        }
    }

    #[test]
    fn the_last_generation_does_not_rotate() {
        let last = KeyRecord {
            generation: u32::MAX,
            ..record(2, 2)
        };
        assert_eq!(
            last.rotate(&mut OsRng).unwrap_err(),
            KeyError::GenerationExhausted { id: last.id() }
        );
    }

    #[test]
    fn a_disabled_key_does_not_rotate() {
        let disabled = record(2, 2).disabled().unwrap();
        assert_eq!(
            disabled.rotate(&mut OsRng).unwrap_err(),
            KeyError::Disabled { id: disabled.id() }
        );
    }

    #[test]
    fn a_key_is_deleted_once_it_is_disabled_and_does_nothing_afterwards() {
        let old = record(2, 3);
        let id = old.id();
        assert_eq!(old.deleted().unwrap_err(), KeyError::Enabled { id });
        let deleted = old
            .disabled()
            .and_then(|disabled| disabled.deleted())
            .and_then(|deleted| deleted.deleted())
            .unwrap();
        assert_eq!(deleted.status(), KeyStatus::Deleted);
        assert_eq!(deleted.public_key(), old.public_key());
        assert_eq!(deleted.participants(), old.participants());
        for refused in [
            deleted.rotate(&mut OsRng).unwrap_err(),
            deleted.replacement(new_key(2), &mut OsRng).unwrap_err(),
            deleted.disabled().unwrap_err(),
            deleted.check_enabled().unwrap_err(),
            deleted.held().map(|_| ()).unwrap_err(),
        ] {
            assert_eq!(refused, KeyError::Deleted { id });
        }
    }

    /// The record of an imported secret, whose public key is taken from libsecp256k1.
    fn imported(secret: [u8; 32]) -> Result<KeyRecord, KeyError> {
        let named = secp256k1::SecretKey::from_secret_bytes(secret)
            .map(|key| key.x_only_public_key().0.to_byte_array())
            .unwrap_or([2; 32]);
        KeyRecord::import(new_key(1), participants(2, 3), &secret, &named, &mut OsRng)
    }

    #[test]
    fn an_imported_secret_and_its_negative_are_the_same_key_and_sign() {
        let order = k256::Secp256k1::ORDER;
        let secret = k256::U256::from_be_slice(&[7; 32]);
        let negative = order.wrapping_sub(&secret);
        let [one, other] = [secret, negative].map(|secret| {
            let record = imported(secret.to_be_bytes()).unwrap();
            assert!(record.imported && record.rotate(&mut OsRng).unwrap().imported);
            assert!(record.view(Network::Bitcoin).unwrap().imported);
            let read = KeyRecord::decode(&record.encode().unwrap()).unwrap();
            assert!(read.imported);
            // Signatures are verified before they leave.
            read.sign(&Payload::Digest([7; 32]), Network::Bitcoin, &mut OsRng)
                .unwrap();
            record
        });
        assert_eq!(one.public_key(), other.public_key());
        let parity = |record: &KeyRecord| record.packages().public.verifying_key().serialize();
        assert_ne!(parity(&one).unwrap(), parity(&other).unwrap());
        assert!(!one.replacement(new_key(2), &mut OsRng).unwrap().imported);
    }

    #[test]
    fn zero_the_order_and_what_is_above_it_are_not_imported() {
        let order = k256::Secp256k1::ORDER;
        let last = order.wrapping_sub(&k256::U256::ONE);
        for accepted in [k256::U256::ONE, last] {
            assert!(imported(accepted.to_be_bytes()).is_ok());
        }
        for refused in [
            k256::U256::ZERO,
            order,
            order.wrapping_add(&k256::U256::ONE),
            k256::U256::MAX,
        ] {
            let refused = imported(refused.to_be_bytes()).unwrap_err();
            assert_eq!(refused, KeyError::ImportSecret);
        }
    }

    #[test]
    fn a_secret_of_another_key_than_the_named_one_is_not_imported() {
        let named = *record(2, 3).public_key().as_bytes();
        let new = new_key(1);
        let refused = KeyRecord::import(new, participants(2, 3), &[7; 32], &named, &mut OsRng);
        assert!(matches!(
            refused,
            Err(KeyError::ImportPublicKey { named: n, .. }) if n == hex::encode(named)
        ));
    }

    #[test]
    fn debug_output_shows_no_share() {
        let record = record(2, 3);
        let shown = format!("{record:?} {record:#?}");
        assert!(shown.contains("<redacted>") && shown.contains("node-3"));
        for share in shares(&record) {
            let decimal = format!("{share:?}");
            for secret in [
                hex::encode(share),
                decimal.trim_matches(['[', ']']).to_owned(),
            ] {
                assert!(!shown.to_lowercase().contains(&secret));
            }
        }
    }
}
