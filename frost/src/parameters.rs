//! What the participants of a ceremony agree on before its first message.

use std::collections::BTreeSet;

use ciborium::Value;
use frost_core::compute_lagrange_coefficient;
use frost_secp256k1_tr::Identifier;
use k256::{
    AffinePoint, ProjectivePoint, Scalar, elliptic_curve::point::AffineCoordinates,
    schnorr::VerifyingKey,
};
use serde::{Deserialize, Serialize};

use crate::board::point;
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
    /// Gives shares of the same key to these participants, who may be others than before, with another threshold: enough of those who have
    /// shares deal them. So a lost share is replaced, and participants come and go.
    Reshare,
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

/// A participant that deals its share of a key to the participants to come.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Dealer {
    /// The name among the participants before.
    pub name: String,
    /// As in [`CeremonyParticipant`]. A dealer that stays keeps it.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<Hex<32>>,
    /// Its verifying share before: a compressed point of 33 bytes.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub verifying_share: Hex<33>,
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
    /// The key that is refreshed or reshared, 32 bytes, x-only. Absent for a new key.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_public_key: Option<Hex<32>>,
    /// Those who deal their shares. Only where a key is reshared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dealers: Vec<Dealer>,
    /// When the enclave forgets the ceremony, in seconds since 1970.
    pub expires_at: u64,
}

/// Parameters that passed every check, with what follows from them.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) parameters: Parameters,
    pub(crate) participants: Participants,
    /// Everyone that takes part: the participants in their order, then the dealers that are none.
    pub(crate) roles: Vec<Role>,
    /// The digest of all of them, which every message covers.
    pub(crate) context: [u8; 32],
}

/// What one that takes part has to do.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) identifier: Identifier,
    /// What verifies its messages; None for the enclave's.
    pub(crate) key: Option<VerifyingKey>,
    /// Whether it gives a share to each participant.
    pub(crate) deals: bool,
    /// Whether it is a participant, who gets a share.
    pub(crate) receives: bool,
    /// Where a key is reshared: what its share weighs among the dealers', and the constant term that it therefore commits to.
    pub(crate) weight: Option<(Scalar, AffinePoint)>,
}

impl Parameters {
    pub(crate) fn check(self) -> Result<Checked, CeremonyError> {
        let names: Vec<&str> = self.participants.iter().map(|p| p.name.as_str()).collect();
        let participants = Participants::new(self.threshold, &names)?;
        let keys = check_keys(&self.participants)?;
        if (self.purpose == Purpose::Generate) == self.group_public_key.is_some() {
            let accepted = "the key that is refreshed or reshared, and none for a new one";
            let came = if self.group_public_key.is_some() {
                "a key"
            } else {
                "none"
            };
            return Err(InvalidField::new("/group_public_key", came, accepted).into());
        }
        let members = participants.members().iter().zip(keys);
        let mut roles: Vec<Role> = members
            .map(|(member, key)| Role {
                name: member.name.as_str().to_owned(),
                identifier: member.identifier,
                key,
                deals: self.purpose != Purpose::Reshare,
                receives: true,
                weight: None,
            })
            .collect();
        self.add_dealers(&mut roles)?;
        Ok(Checked {
            context: self.digest(),
            participants,
            roles,
            parameters: self,
        })
    }

    /// The dealers among the roles, each with the constant term that its share of the key demands.
    fn add_dealers(&self, roles: &mut Vec<Role>) -> Result<(), CeremonyError> {
        let refused = |came: &str, accepted: &str| InvalidField::new("/dealers", came, accepted);
        if (self.purpose == Purpose::Reshare) == self.dealers.is_empty() {
            let accepted =
                "those who deal their shares where a key is reshared, and none elsewhere";
            let came = format!("{} dealers", self.dealers.len());
            return Err(refused(&came, accepted).into());
        }
        let Some(group) = self.group_public_key.filter(|_| !self.dealers.is_empty()) else {
            return Ok(());
        };
        let names: Vec<&str> = self.dealers.iter().map(|one| one.name.as_str()).collect();
        // Two is the least of every threshold.
        let dealers =
            Participants::new(2, &names).map_err(|error| refused(&error.came, &error.accepted))?;
        let identifiers = dealers.identifiers();
        let set: BTreeSet<Identifier> = identifiers.iter().copied().collect();
        let mut sum = ProjectivePoint::IDENTITY;
        for (dealer, identifier) in self.dealers.iter().zip(identifiers) {
            let share = point(&dealer.verifying_share).ok_or_else(|| {
                refused(
                    "a verifying share that is not a point",
                    "compressed points of 33 bytes",
                )
            })?;
            let weight: Scalar = compute_lagrange_coefficient(&set, None, identifier)?;
            let constant = (ProjectivePoint::from(share) * weight).to_affine();
            sum += constant;
            let weight = Some((weight, constant));
            if let Some(role) = roles.iter_mut().find(|role| role.name == dealer.name) {
                let named = self.participants.iter().find(|one| one.name == dealer.name);
                if named.map(|one| one.public_key) != Some(dealer.public_key) {
                    let accepted = "for a dealer that stays, the public key that it has";
                    return Err(
                        refused(&format!("another key of {}", dealer.name), accepted).into(),
                    );
                }
                role.deals = true;
                role.weight = weight;
                continue;
            }
            let key = dealer.public_key.map(|key| {
                VerifyingKey::from_bytes(&key.0)
                    .map_err(|_| refused("a public key that is none", "BIP-340 public keys"))
            });
            roles.push(Role {
                name: dealer.name.clone(),
                identifier,
                key: key.transpose()?,
                deals: true,
                receives: false,
                weight,
            });
        }
        // The shares of these dealers are those of the key, and enough of them: otherwise they would add up to another one.
        if sum == ProjectivePoint::IDENTITY || sum.to_affine().x() != group.0.into() {
            let accepted =
                "as many participants as the threshold, with the verifying shares that they have";
            return Err(refused("verifying shares that do not add up to the key", accepted).into());
        }
        Ok(())
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        let purpose = match self.purpose {
            Purpose::Generate => "generate",
            Purpose::Refresh => "refresh",
            Purpose::Reshare => "reshare",
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
        let dealers = self.dealers.iter().map(|dealer| {
            Value::Array(vec![
                Value::from(dealer.name.as_str()),
                optional(&dealer.public_key),
                bytes(&dealer.verifying_share.0),
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
                Value::Array(dealers.collect()),
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
    /// The place among the roles.
    pub(crate) fn index(&self, name: &str) -> Result<usize, CeremonyError> {
        let roles = self.roles.iter().enumerate();
        roles
            .filter(|(_, role)| role.name == name)
            .map(|(index, _)| index)
            .next()
            .ok_or_else(|| CeremonyError::Stranger {
                name: name.to_owned(),
            })
    }
}
