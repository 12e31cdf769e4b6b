//! What the participants of a ceremony agree on before its first message.

use ciborium::Value;
use k256::schnorr::VerifyingKey;
use serde::{Deserialize, Serialize};

use crate::hash::{self, Tag, bytes};
use crate::{CeremonyError, Hex, InvalidField, Participants};

/// What a ceremony is for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Makes a key: distributed key generation.
    Generate,
    /// Gives each participant a new share of the same key; the old shares do not sign together with the new ones.
    Refresh,
}

/// A participant, and what it signs its messages with.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CeremonyParticipant {
    /// The name: 1 to 64 of `A-Z a-z 0-9 - _ .`.
    pub name: String,
    /// The BIP-340 public key that verifies its messages, 32 bytes, x-only. Absent: the enclave holds the share, and its boot key signs.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<Hex<32>>,
}

/// All that the messages of one ceremony are bound to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The ceremony: 32 random bytes of the enclave.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub id: Hex<32>,
    /// What it is for.
    pub purpose: Purpose,
    /// The deployment's name from the measured configuration.
    pub deployment: String,
    /// The key: 22 bytes.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub key_id: Hex<22>,
    /// The generation that the shares will have: 1 for a new key.
    pub generation: u32,
    /// How many participants a signature takes: 2 to the number of participants.
    pub threshold: u16,
    /// The participants, 2 to 32, in the order of the request.
    pub participants: Vec<CeremonyParticipant>,
    /// The SHA-256 of the attestation document of the enclave's boot, 32 bytes.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub boot: Hex<32>,
    /// The key that is refreshed, 32 bytes, x-only. Absent for a new key.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_public_key: Option<Hex<32>>,
    /// When the enclave forgets the ceremony, in seconds since 1970.
    pub expires_at: u64,
}

/// Parameters that passed every check, with what follows from them.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) parameters: Parameters,
    pub(crate) participants: Participants,
    pub(crate) keys: Vec<Option<VerifyingKey>>,
    /// The digest of all of them, which every message covers.
    pub(crate) context: [u8; 32],
}

impl Parameters {
    pub(crate) fn check(self) -> Result<Checked, CeremonyError> {
        let names: Vec<&str> = self.participants.iter().map(|p| p.name.as_str()).collect();
        let participants = Participants::new(self.threshold, &names)?;
        let keys = check_keys(&self.participants)?;
        if (self.purpose == Purpose::Refresh) != self.group_public_key.is_some() {
            let accepted = "the key that is refreshed, and none for a new one";
            let came = if self.group_public_key.is_some() {
                "a key"
            } else {
                "none"
            };
            return Err(InvalidField::new("/group_public_key", came, accepted).into());
        }
        Ok(Checked {
            context: self.digest(),
            participants,
            keys,
            parameters: self,
        })
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        let purpose = match self.purpose {
            Purpose::Generate => "generate",
            Purpose::Refresh => "refresh",
        };
        let optional = |key: &Option<Hex<32>>| match key {
            Some(key) => bytes(&key.0),
            None => Value::Null,
        };
        let parties = self.participants.iter().map(|party| {
            Value::Array(vec![
                Value::from(party.name.as_str()),
                optional(&party.public_key),
            ])
        });
        hash::digest(
            Tag::Parameters,
            vec![
                bytes(&self.id.0),
                Value::from(purpose),
                Value::from(self.deployment.as_str()),
                bytes(&self.key_id.0),
                Value::from(self.generation),
                Value::from(self.threshold),
                Value::Array(parties.collect()),
                bytes(&self.boot.0),
                optional(&self.group_public_key),
                Value::from(self.expires_at),
            ],
        )
    }
}

/// Checks the participants of a key whose shares are held apart: at least one by the enclave, fewer than the threshold by the enclave, no
/// key twice.
pub fn check_split(threshold: u16, parties: &[CeremonyParticipant]) -> Result<(), InvalidField> {
    let names: Vec<&str> = parties.iter().map(|party| party.name.as_str()).collect();
    Participants::new(threshold, &names)?;
    check_keys(parties)?;
    let of_the_enclave = parties.iter().filter(|p| p.public_key.is_none()).count();
    if of_the_enclave == 0 || of_the_enclave >= usize::from(threshold) {
        return Err(InvalidField::new(
            "/participants",
            format!("{of_the_enclave} without a public key"),
            format!(
                "1 to {} without a public key, whose shares the enclave holds: fewer than the threshold, so that it cannot sign alone",
                threshold - 1
            ),
        ));
    }
    Ok(())
}

fn check_keys(parties: &[CeremonyParticipant]) -> Result<Vec<Option<VerifyingKey>>, InvalidField> {
    let mut keys = Vec::with_capacity(parties.len());
    for (index, party) in parties.iter().enumerate() {
        let field = format!("/participants/{index}/public_key");
        let Some(bytes) = party.public_key else {
            keys.push(None);
            continue;
        };
        let earlier = parties.iter().take(index);
        if earlier
            .clone()
            .any(|earlier| earlier.public_key == Some(bytes))
        {
            let accepted = "public keys that all differ";
            return Err(InvalidField::new(field, bytes.to_string(), accepted));
        }
        let key = VerifyingKey::from_bytes(&bytes.0).map_err(|_| {
            let accepted = "the x coordinate of a point of secp256k1 (BIP-340)";
            InvalidField::new(field, bytes.to_string(), accepted)
        })?;
        keys.push(Some(key));
    }
    Ok(keys)
}

impl Checked {
    /// The place of a participant in the order of the parameters.
    pub(crate) fn index(&self, name: &str) -> Result<usize, CeremonyError> {
        let members = self.participants.members().iter();
        members
            .enumerate()
            .find(|(_, member)| member.name.as_str() == name)
            .map(|(index, _)| index)
            .ok_or_else(|| CeremonyError::Stranger {
                name: name.to_owned(),
            })
    }
}
