//! What the API shows of a key.

use permafrost_common::api::{self, Custody};

use super::{KeyError, KeyRecord, Network, nostr, taproot::TweakedKey};

impl KeyRecord {
    /// Everything about the key but its shares.
    ///
    /// # Errors
    ///
    /// [`KeyError::Tweak`], [`KeyError::Bech32`] and [`KeyError::Frost`]; no key in a consistent record meets them.
    pub fn view(&self, network: Network) -> Result<api::Key, KeyError> {
        Ok(api::Key {
            id: self.id.to_string(),
            owner: self.owner.clone(),
            custody: Custody::Enclave,
            status: self.status,
            threshold: self.participants().threshold(),
            participants: self.participants_view()?,
            group_public_key: hex::encode(self.public_key().as_bytes()),
            generation: self.generation,
            created_at: self.created_at,
            replaces: self.replaces.map(|id| id.to_string()),
            replaced_by: self.replaced_by.map(|id| id.to_string()),
            taproot: TweakedKey::new(self.public_key(), None)?.output(network)?,
            npub: nostr::npub(self.public_key())?,
        })
    }

    fn participants_view(&self) -> Result<Vec<api::Participant>, KeyError> {
        self.participants()
            .members()
            .iter()
            .zip(&self.material.packages)
            .map(|(member, package)| {
                Ok(api::Participant {
                    name: member.name.as_str().to_owned(),
                    identifier: hex::encode(member.identifier.serialize()),
                    verifying_share: hex::encode(package.verifying_share().serialize()?),
                })
            })
            .collect()
    }
}
