//! How one key replaces another: the statement that the old key signs, and the links between the two records.

use permafrost_common::api::KeyStatus;
use permafrost_common::api::replacement::Replacement;
use permafrost_common::api::split::Cosigned;
use permafrost_common::replacement::UnsignedReplacement;
use permafrost_frost::Hex;
use permafrost_frost::sign::NonceCommitments;
use rand_core::{CryptoRng, RngCore};

use super::{InvalidField, KeyError, KeyId, KeyRecord, NewKey, Payload};

impl KeyRecord {
    /// A new key with the label, participants and threshold of this one, linked to it by [`KeyRecord::replaces`].
    ///
    /// The link in the other direction is [`KeyRecord::replaced_by`]; store the new record first.
    ///
    /// # Errors
    ///
    /// [`KeyError::AlreadyReplaced`] if another key than `new.id` has replaced this one; [`KeyError::Disabled`] and
    /// [`KeyError::Deleted`]: it could not sign the statement; [`KeyError::Custody`]; [`KeyError::Frost`] and [`KeyError::Material`] as
    /// for [`KeyRecord::deal`].
    pub fn replacement(
        &self,
        new: NewKey,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, KeyError> {
        self.check_replaceable_by(new.id)?;
        self.check_enabled()?;
        Ok(Self {
            replaces: Some(self.id),
            label: self.label.clone(),
            ..Self::deal(new, self.whole(REPLACE)?.participants.clone(), rng)?
        })
    }

    /// What this key has to sign for `new` to replace it.
    ///
    /// # Errors
    ///
    /// [`KeyError::AlreadyReplaced`] by another key; [`KeyError::Payload`] about `/new_key_id`: not an enabled key of the same owner, or
    /// one that replaces another key or was itself replaced.
    pub fn statement(&self, new: &Self, deployment: &str) -> Result<UnsignedReplacement, KeyError> {
        self.check_replaceable_by(new.id)?;
        let came = match new.replaces {
            _ if new.id == self.id => Some("the key itself"),
            _ if new.owner != self.owner => Some("a key of another owner"),
            Some(other) if other != self.id => Some("a key that replaces another one"),
            // What was linked stays linked, whatever became of the new key since.
            _ if self.replaced_by == Some(new.id) => None,
            _ if new.status != KeyStatus::Enabled => Some("a key that is not enabled"),
            _ if new.replaced_by.is_some() => Some("a key that was itself replaced"),
            _ => None,
        };
        if let Some(came) = came {
            let accepted =
                "an enabled key of the same owner that replaces no other and was not replaced";
            return Err(InvalidField::new("/new_key_id", came, accepted).into());
        }
        Ok(UnsignedReplacement {
            old_key_id: Hex(*self.id.as_bytes()),
            old_public_key: Hex(*self.public_key().as_bytes()),
            new_key_id: Hex(*new.id.as_bytes()),
            new_public_key: Hex(*new.public_key().as_bytes()),
            deployment: deployment.to_owned(),
            created_at: new.created_at,
        })
    }

    /// The enclave's parts of the signature of a statement, for a key with split custody.
    ///
    /// # Errors
    ///
    /// As for [`KeyRecord::statement`] and [`KeyRecord::cosign`].
    pub fn cosign_replacement(
        &self,
        new: &Self,
        deployment: &str,
        others: &[NonceCommitments],
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Cosigned, KeyError> {
        let digest = self.statement(new, deployment)?.digest();
        self.cosign(&Payload::Digest(digest), others, rng)
    }

    /// This key, linked to the key that replaces it by the statement, and disabled if `disable`. Idempotent: the first statement stays.
    ///
    /// `signature` is that of this key over [`KeyRecord::statement`]; without one the enclave makes it, if it has all shares.
    ///
    /// # Errors
    ///
    /// As for [`KeyRecord::statement`]; [`KeyError::Payload`] about `/signature`: it does not verify; [`KeyError::Deleted`];
    /// [`KeyError::Disabled`] and [`KeyError::Custody`]: there is no signature, and the enclave cannot make it.
    pub fn replaced_by(
        &self,
        new: &Self,
        deployment: &str,
        signature: Option<Hex<64>>,
        disable: bool,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Self, KeyError> {
        let unsigned = self.statement(new, deployment)?;
        let signature = match (&self.statement, signature) {
            (Some(statement), _) => return Ok(self.linked(statement.clone(), disable)),
            (None, Some(signature)) => {
                self.check_not_deleted()?;
                signature
            }
            (None, None) => {
                self.check_enabled()?;
                Hex(self.whole(COSIGN)?.sign(&unsigned.digest(), rng)?)
            }
        };
        let statement = unsigned.signed(signature).map_err(|error| {
            let accepted = "the signature of the statement by the old key";
            InvalidField::new("/signature", error.to_string(), accepted)
        })?;
        Ok(self.linked(statement, disable))
    }

    fn linked(&self, statement: Replacement, disable: bool) -> Self {
        Self {
            status: match self.status {
                KeyStatus::Enabled if disable => KeyStatus::Disabled,
                status => status,
            },
            replaced_by: Some(KeyId::from_bytes(statement.new_key_id.0)),
            statement: Some(statement),
            ..self.clone()
        }
    }

    /// This key, linked to the key that it replaces. Idempotent.
    ///
    /// # Errors
    ///
    /// [`KeyError::Payload`] about `/new_key_id`: it replaces another one.
    pub fn replacing(&self, old: KeyId) -> Result<Self, KeyError> {
        match self.replaces {
            Some(other) if other != old => {
                let came = format!("a key that replaces {other}");
                let accepted = "a key that replaces no other";
                Err(InvalidField::new("/new_key_id", came, accepted).into())
            }
            _ => Ok(Self {
                replaces: Some(old),
                ..self.clone()
            }),
        }
    }

    /// The statement by which this key was replaced.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotReplaced`].
    pub fn replaced_with(&self) -> Result<&Replacement, KeyError> {
        let id = self.id;
        self.statement.as_ref().ok_or(KeyError::NotReplaced { id })
    }

    fn check_replaceable_by(&self, new: KeyId) -> Result<(), KeyError> {
        match self.replaced_by {
            Some(by) if by != new => Err(KeyError::AlreadyReplaced { id: self.id, by }),
            _ => Ok(()),
        }
    }
}

const REPLACE: &str =
    "make another key by a ceremony, then request cosign-replacement and replacement";
const COSIGN: &str = "request cosign-replacement, and send the signature";

#[cfg(test)]
mod tests {
    use rand_core::OsRng;

    use super::*;
    use crate::keys::testing::{new_key, record, split_shares};

    fn linked(old: &KeyRecord, new: &KeyRecord, disable: bool) -> Result<KeyRecord, KeyError> {
        old.replaced_by(new, "test", None, disable, &mut OsRng)
    }

    fn another(id: u8) -> KeyRecord {
        let participants = record(2, 3).participants().clone();
        KeyRecord::deal(new_key(id), participants, &mut OsRng).unwrap()
    }

    /// The member that a refusal names, and what it says came.
    fn field(refused: Result<KeyRecord, KeyError>) -> (String, String) {
        match refused.map(|_| ()).unwrap_err() {
            KeyError::Payload(field) => (field.field.to_string(), field.came.to_string()),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_replacement_is_another_key_of_the_same_participants_linked_both_ways_by_a_statement() {
        let old = record(2, 3);
        let new = old.replacement(new_key(2), &mut OsRng).unwrap();
        assert_ne!(new.public_key(), old.public_key());
        assert_eq!(new.participants(), old.participants());
        assert_eq!(
            (new.replaces(), new.generation(), new.status()),
            (Some(old.id()), 1, KeyStatus::Enabled)
        );
        let linked = linked(&old, &new, false).unwrap();
        assert_eq!(
            (linked.successor(), linked.status()),
            (Some(new.id()), KeyStatus::Enabled)
        );
        let statement = linked.replaced_with().unwrap();
        statement.verify().unwrap();
        assert_eq!(statement.unsigned(), old.statement(&new, "test").unwrap());
        assert_eq!(statement.old_public_key.0, *old.public_key().as_bytes());
        assert_eq!(statement.new_public_key.0, *new.public_key().as_bytes());
        assert_eq!(new.replacing(old.id()).unwrap().replaces(), Some(old.id()));
        let id = new.id();
        assert_eq!(
            new.replaced_with().unwrap_err(),
            KeyError::NotReplaced { id }
        );
    }

    #[test]
    fn a_key_is_replaced_by_one_key_only_and_linking_twice_changes_nothing() {
        let (old, new) = (record(2, 2), another(2));
        let once = linked(&old, &new, true).unwrap();
        assert_eq!(once.status(), KeyStatus::Disabled);
        let twice = linked(&once, &new, false).unwrap();
        assert_eq!(twice.replaced_with(), once.replaced_with());
        assert_eq!(twice.status(), KeyStatus::Disabled);
        let gone = twice.deleted().unwrap();
        let again = linked(&gone, &new, true).unwrap();
        assert_eq!(again.status(), KeyStatus::Deleted);
        assert_eq!(again.replaced_with(), once.replaced_with());

        let error = KeyError::AlreadyReplaced {
            id: old.id(),
            by: new.id(),
        };
        let other = another(3);
        assert_eq!(linked(&once, &other, true).unwrap_err(), error);
        assert_eq!(once.statement(&other, "test").unwrap_err(), error);
        assert_eq!(once.replacement(new_key(3), &mut OsRng).unwrap_err(), error);
    }

    #[test]
    fn a_key_that_no_longer_signs_makes_no_statement() {
        let (old, new) = (record(2, 2).disabled().unwrap(), another(2));
        let id = old.id();
        let disabled = KeyError::Disabled { id };
        assert_eq!(linked(&old, &new, true).unwrap_err(), disabled);
        assert_eq!(
            old.replacement(new_key(2), &mut OsRng).unwrap_err(),
            disabled
        );
        let gone = old.deleted().unwrap();
        let deleted = KeyError::Deleted { id };
        assert_eq!(linked(&gone, &new, true).unwrap_err(), deleted);
        let signature = Some(Hex([1; 64]));
        let refused = gone.replaced_by(&new, "test", signature, true, &mut OsRng);
        assert_eq!(refused.unwrap_err(), deleted);
    }

    #[test]
    fn only_an_enabled_key_of_the_same_owner_that_is_linked_to_no_other_replaces_a_key() {
        let (old, new) = (record(2, 2), another(2));
        let came = |new: &KeyRecord| {
            let (named, came) = field(linked(&old, new, false));
            assert_eq!(named, "/new_key_id");
            came
        };
        assert_eq!(came(&old), "the key itself");
        let foreign = KeyRecord {
            owner: "other".to_owned(),
            ..new.clone()
        };
        assert_eq!(came(&foreign), "a key of another owner");
        assert_eq!(
            came(&new.replacing(another(3).id()).unwrap()),
            "a key that replaces another one"
        );
        assert_eq!(came(&new.disabled().unwrap()), "a key that is not enabled");
        let replaced = linked(&new, &another(3), false).unwrap();
        assert_eq!(came(&replaced), "a key that was itself replaced");
        let refused = new.replacing(old.id()).unwrap().replacing(new.id());
        assert_eq!(field(refused).0, "/new_key_id");
        // Linked before, it stays so.
        let once = linked(&old, &new, false).unwrap();
        linked(&once, &new.disabled().unwrap(), false).unwrap();
    }

    #[test]
    fn a_signature_of_anything_else_links_nothing() {
        let (old, new) = (record(2, 2), another(2));
        let statement = old.statement(&new, "test").unwrap();
        let signed = |by: &KeyRecord, digest: [u8; 32]| {
            Hex(by.material().sign(&digest, &mut OsRng).unwrap())
        };
        let right = signed(&old, statement.digest());
        for wrong in [
            signed(&new, statement.digest()),
            signed(&another(3), statement.digest()),
            signed(&old, old.statement(&new, "other").unwrap().digest()),
            signed(&old, old.statement(&another(3), "test").unwrap().digest()),
            signed(&old, new.statement(&old, "test").unwrap().digest()),
        ] {
            let refused = old.replaced_by(&new, "test", Some(wrong), true, &mut OsRng);
            assert_eq!(field(refused).0, "/signature");
        }
        let linked = old.replaced_by(&new, "test", Some(right), true, &mut OsRng);
        assert_eq!(linked.unwrap().successor(), Some(new.id()));
    }

    #[test]
    fn the_enclave_alone_makes_no_statement_of_a_split_key() {
        let old = KeyRecord::from_ceremony(new_key(1), split_shares().0);
        let refused = linked(&old, &another(2), true).unwrap_err();
        assert!(matches!(refused, KeyError::Custody { .. }));
        let refused = old.replacement(new_key(2), &mut OsRng).unwrap_err();
        assert!(matches!(refused, KeyError::Custody { .. }));
    }
}
