//! A key record as bytes: the plaintext of a sealed record.
//!
//! Deterministic CBOR (RFC 8949 section 4.2.1) of one map with exactly these entries, in this order:
//!
//! | key | value |
//! |---|---|
//! | `v` | 2 |
//! | `id` | bytes (22) |
//! | `label` | text, 1 to 64 of `A-Z a-z 0-9 - _ .`; only if there is one |
//! | `owner` | text, 1 to 64 of `A-Z a-z 0-9 - _ .` |
//! | `public` | bytes: the public key package, serialised by the `frost` crate |
//! | `shares` | array of bytes: the key package of each participant whose share is here, serialised by the `frost` crate (136 bytes); empty if the key is deleted |
//! | `status` | text: `enabled`, `disabled` or `deleted` |
//! | `custody` | text: `enclave` or `split` |
//! | `wrapped` | array of maps with `ciphertext` (bytes) and `participant` (text), in the order of the participants: what they have encrypted of the other shares; only with split custody, and only if there are any |
//! | `imported` | true; only if the secret existed outside the enclave first |
//! | `replaces` | bytes (22) or null |
//! | `statement` | bytes: the JSON of the statement by which the key was replaced, only if there is one |
//! | `threshold` | unsigned, 2 to the number of participants |
//! | `created_at` | unsigned, seconds since 1970 |
//! | `generation` | unsigned, 1 to 2^32 - 1 |
//! | `certificate` | bytes: the JSON of the certificate of the ceremony, only with split custody |
//! | `replaced_by` | bytes (22) or null |
//! | `participants` | array of text: the names; `shares` has those that are here in the same order |
//! | `request_digest` | bytes (32) |
//!
//! Version 1 has no `label`, `custody`, `certificate`, `imported` and `statement`: all shares are here. It is read, and written again as version 2.
//!
//! A record has one encoding in each version: bytes that decode but do not encode to themselves are refused.
//!
//! Of the packages of a key with enclave custody only what signing needs is read. [`KeyRecord::check`] reads and checks the rest.

use frost_secp256k1_tr::keys::{KeyPackage, PublicKeyPackage};
use permafrost_common::api::{
    Custody, KeyStatus, is_name, replacement::Replacement, split::Certificate,
};
use permafrost_frost::Share;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::{Zeroize, Zeroizing};

use super::{
    HeldShares, InvalidField, KeyId, KeyRecord, MaterialError, Participants, WrappedShare,
    material::{Encoded, KeyMaterial},
    record::Material,
    tombstone::Tombstone,
};

/// The version of the encoding.
const VERSION: u8 = 2;

/// The version before, which is still read.
const FIRST_VERSION: u8 = 1;

/// The most bytes that a record needs in addition to those of its participants.
const FIXED_MAX: usize = 512;

/// The most bytes that one participant adds: a name, a key package and a verifying share.
const PARTICIPANT_MAX: usize = 320;

/// Why bytes are not a key record. Reveals nothing of the shares.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// Not CBOR, or not a map with the entries of a record.
    #[error("not a key record: not a CBOR map with the entries of its version")]
    Malformed,
    /// Another version.
    #[error("the key record has version {came}; this program reads {FIRST_VERSION} and {VERSION}")]
    Version {
        /// The version that came.
        came: u8,
    },
    /// The entries are those of a record, but their encoding is not canonical.
    #[error("the key record is not in its canonical encoding")]
    NotCanonical,
    /// An entry is not in its range.
    #[error("{entry} of the key record: {came}; accepted: {accepted}")]
    Entry {
        /// The key of the entry.
        entry: &'static str,
        /// What came.
        came: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// The participants or the threshold are not those of a key.
    #[error("the key record's {0}")]
    Participants(#[from] InvalidField),
    /// A package of the `frost` crate, a certificate or a statement does not open.
    #[error("{entry} of the key record is not in its form")]
    Package {
        /// The key of the entry.
        entry: &'static str,
    },
    /// The packages do not belong together.
    #[error("the key record is inconsistent: {0}")]
    Inconsistent(#[from] MaterialError),
}

impl KeyRecord {
    /// The encoding of the record.
    ///
    /// # Errors
    ///
    /// [`RecordError::Package`] where the `frost` crate cannot serialise a package, which no consistent record gives.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, RecordError> {
        self.encode_as(VERSION)
    }

    /// The record of these bytes.
    ///
    /// # Errors
    ///
    /// Each [`RecordError`] says which rule the bytes break.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let wire: Result<Wire, _> = ciborium::from_reader(bytes);
        let version = match &wire {
            Ok(wire) => wire.v,
            // The entries of another version are other ones.
            Err(_) => {
                let version: Result<Version, _> = ciborium::from_reader(bytes);
                version.map_err(|_| RecordError::Malformed)?.v
            }
        };
        if ![FIRST_VERSION, VERSION].contains(&version) {
            return Err(RecordError::Version { came: version });
        }
        let record = wire.map_err(|_| RecordError::Malformed)?.into_record()?;
        // Comparing whole encodings also refuses bytes after the map.
        if *record.encode_as(version)? != bytes {
            return Err(RecordError::NotCanonical);
        }
        Ok(record)
    }

    fn encode_as(&self, version: u8) -> Result<Zeroizing<Vec<u8>>, RecordError> {
        Wire::from_record(self, version)?.to_bytes()
    }
}

/// The version alone, so that a later version is named before its entries are judged.
#[derive(Deserialize)]
struct Version {
    v: u8,
}

/// The map of the encoding; fields in the order of the encoding.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    v: u8,
    id: ByteArray<{ KeyId::LEN }>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    owner: String,
    public: serde_bytes::ByteBuf,
    shares: Vec<Secret>,
    status: KeyStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    custody: Option<Custody>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    wrapped: Vec<Wrapped>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    imported: bool,
    replaces: Option<ByteArray<{ KeyId::LEN }>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    statement: Option<serde_bytes::ByteBuf>,
    threshold: u16,
    created_at: u64,
    generation: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<serde_bytes::ByteBuf>,
    replaced_by: Option<ByteArray<{ KeyId::LEN }>>,
    participants: Vec<String>,
    request_digest: ByteArray<32>,
}

/// A wrapped share; fields in the order of the encoding.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    ciphertext: serde_bytes::ByteBuf,
    participant: String,
}

/// A serialised key package; wiped when dropped.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct Secret(serde_bytes::ByteBuf);

impl Secret {
    fn into_bytes(mut self) -> Zeroizing<Vec<u8>> {
        std::mem::take(&mut self.0).into_vec().into()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Wire {
    fn from_record(record: &KeyRecord, version: u8) -> Result<Self, RecordError> {
        let id = |id: KeyId| ByteArray::new(*id.as_bytes());
        let (custody, public, shares, certificate) = match &record.material {
            Material::Whole(material) => {
                let encoded = material.encoded();
                let encoded = encoded.ok_or(RecordError::Package { entry: "shares" })?;
                let shares = encoded.keys.iter().map(|key| Secret(key.to_vec().into()));
                let public = Some(encoded.public.clone());
                (Custody::Enclave, public, shares.collect(), None)
            }
            Material::Split(held) => {
                let shares = held.shares().iter();
                let shares = shares
                    .map(|share| Ok(Secret(share.package().serialize()?.into())))
                    .collect::<Result<_, frost_secp256k1_tr::Error>>()
                    .map_err(|_| RecordError::Package { entry: "shares" })?;
                let public = held.shares().first().map(Share::public);
                let public = public.and_then(|public| public.serialize().ok());
                let certificate = json(held.certificate())?;
                (Custody::Split, public, shares, Some(certificate))
            }
            Material::Deleted(tombstone) => {
                let certificate = tombstone.certificate.as_ref().map(json).transpose()?;
                let public = tombstone.public.serialize().ok();
                (tombstone.custody(), public, Vec::new(), certificate)
            }
        };
        let wrapped = match &record.material {
            Material::Whole(_) | Material::Deleted(_) => Vec::new(),
            Material::Split(held) => held.wrapped().iter().map(Wrapped::from).collect(),
        };
        let public = public.ok_or(RecordError::Package { entry: "public" })?;
        let participants = record.participants();
        let statement = record
            .statement
            .as_ref()
            .filter(|_| version > FIRST_VERSION);
        let statement = statement.map(json);
        Ok(Self {
            v: version,
            id: id(record.id),
            label: record.label.clone().filter(|_| version > FIRST_VERSION),
            owner: record.owner.clone(),
            public: public.into(),
            shares,
            status: record.status,
            custody: (version > FIRST_VERSION).then_some(custody),
            wrapped,
            imported: record.imported && version > FIRST_VERSION,
            replaces: record.replaces.map(id),
            statement: statement.transpose()?,
            threshold: participants.threshold(),
            created_at: record.created_at,
            generation: record.generation,
            certificate,
            replaced_by: record.replaced_by.map(id),
            participants: participants
                .members()
                .iter()
                .map(|member| member.name.as_str().to_owned())
                .collect(),
            request_digest: ByteArray::new(record.request_digest),
        })
    }

    fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, RecordError> {
        // With room for the whole record, so that growing leaves no copy of the shares behind.
        let certificate = self.certificate.as_ref().map_or(0, |bytes| bytes.len());
        let wrapped = self.wrapped.iter();
        let wrapped: usize = wrapped
            .map(|one| one.ciphertext.len() + PARTICIPANT_MAX)
            .sum();
        let statement = self.statement.as_ref().map_or(0, |bytes| bytes.len());
        let public = certificate + wrapped + statement;
        let capacity = FIXED_MAX + PARTICIPANT_MAX * self.participants.len() + public;
        let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
        ciborium::into_writer(self, &mut *bytes).map_err(|_| RecordError::Malformed)?;
        Ok(bytes)
    }

    fn into_record(self) -> Result<KeyRecord, RecordError> {
        for (entry, name) in [("owner", Some(&self.owner)), ("label", self.label.as_ref())] {
            if let Some(name) = name.filter(|name| !is_name(name)) {
                return Err(RecordError::Entry {
                    entry,
                    came: format!("a text of {} bytes", name.len()),
                    accepted: "1 to 64 of A-Z a-z 0-9 - _ .",
                });
            }
        }
        if self.generation == 0 {
            return Err(RecordError::Entry {
                entry: "generation",
                came: "0".to_owned(),
                accepted: "1 to 4294967295",
            });
        }
        let participants = Participants::new(self.threshold, &self.participants)?;
        let public = || {
            PublicKeyPackage::deserialize(&self.public)
                .map_err(|_| RecordError::Package { entry: "public" })
        };
        let is_deleted = self.status == KeyStatus::Deleted;
        let kept = self.shares.len() + self.wrapped.len();
        if is_deleted && kept > 0 {
            return Err(RecordError::Entry {
                entry: "shares",
                came: format!("{kept} shares of a deleted key"),
                accepted: "none, and no wrapped ones",
            });
        }
        let material = match (self.custody, &self.certificate) {
            (Some(Custody::Enclave), None) if is_deleted => {
                Material::Deleted(Tombstone::new(participants, public()?, None)?)
            }
            (Some(Custody::Split), Some(certificate)) if is_deleted => {
                let certificate = Some(certificate_of(certificate)?);
                Material::Deleted(Tombstone::new(participants, public()?, certificate)?)
            }
            (None | Some(Custody::Enclave), None) if self.wrapped.is_empty() => {
                let keys = self.shares.into_iter().map(Secret::into_bytes);
                let encoded = Encoded {
                    public: self.public.into_vec(),
                    keys: keys.collect(),
                };
                Material::Whole(KeyMaterial::open(participants, encoded)?)
            }
            (Some(Custody::Split), Some(certificate)) => {
                let certificate = certificate_of(certificate)?;
                let held = held(&participants, &public()?, &self.shares, certificate)?;
                let wrapped = self.wrapped.into_iter().map(WrappedShare::from).collect();
                Material::Split(held.with_wrapped(wrapped)?)
            }
            _ => return Err(RecordError::Malformed),
        };
        let id = |id: ByteArray<{ KeyId::LEN }>| KeyId::from_bytes(id.into_array());
        let statement = self.statement.as_ref().map(|json| statement_of(json));
        let statement = statement.transpose()?;
        let record = KeyRecord {
            id: id(self.id),
            owner: self.owner,
            label: self.label,
            created_at: self.created_at,
            generation: self.generation,
            status: self.status,
            material,
            imported: self.imported,
            replaces: self.replaces.map(id),
            replaced_by: self.replaced_by.map(id),
            statement,
            request_digest: self.request_digest.into_array(),
        };
        match &record.statement {
            Some(statement) if !is_of(statement, &record) => Err(RecordError::Entry {
                entry: "statement",
                came: "that of other keys".to_owned(),
                accepted: "the statement of this key about the one that replaced it",
            }),
            _ => Ok(record),
        }
    }
}

impl From<&WrappedShare> for Wrapped {
    fn from(share: &WrappedShare) -> Self {
        Self {
            ciphertext: share.ciphertext.clone().into(),
            participant: share.participant.clone(),
        }
    }
}

impl From<Wrapped> for WrappedShare {
    fn from(
        Wrapped {
            ciphertext,
            participant,
        }: Wrapped,
    ) -> Self {
        Self {
            participant,
            ciphertext: ciphertext.into_vec(),
        }
    }
}

fn json(value: &impl Serialize) -> Result<serde_bytes::ByteBuf, RecordError> {
    let bytes = serde_json::to_vec(value).map_err(|_| RecordError::Malformed)?;
    Ok(bytes.into())
}

/// Its signature was verified before it was sealed.
fn statement_of(json: &[u8]) -> Result<Replacement, RecordError> {
    serde_json::from_slice(json).map_err(|_| RecordError::Package { entry: "statement" })
}

fn is_of(statement: &Replacement, record: &KeyRecord) -> bool {
    statement.old_key_id.0 == *record.id.as_bytes()
        && statement.old_public_key.0 == *record.public_key().as_bytes()
        && record.replaced_by == Some(KeyId::from_bytes(statement.new_key_id.0))
}

fn certificate_of(json: &[u8]) -> Result<Certificate, RecordError> {
    serde_json::from_slice(json).map_err(|_| RecordError::Package {
        entry: "certificate",
    })
}

/// The enclave's shares, with the names that the certificate gives to them.
fn held(
    participants: &Participants,
    public: &PublicKeyPackage,
    packages: &[Secret],
    certificate: Certificate,
) -> Result<HeldShares, RecordError> {
    let mut shares = Vec::with_capacity(packages.len());
    for Secret(package) in packages {
        let package = KeyPackage::deserialize(package)
            .map_err(|_| RecordError::Package { entry: "shares" })?;
        let mut members = participants.members().iter();
        let member = members.find(|member| member.identifier == *package.identifier());
        let name = member.map_or("", |member| member.name.as_str());
        let share = Share::new(participants.clone(), name, package, public.clone());
        shares.push(share.map_err(|_| RecordError::Package { entry: "shares" })?);
    }
    Ok(HeldShares::new(shares, certificate)?)
}

#[cfg(test)]
mod tests;
