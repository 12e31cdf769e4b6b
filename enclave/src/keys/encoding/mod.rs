//! A key record as bytes: the plaintext of a sealed record.
//!
//! Deterministic CBOR (RFC 8949 section 4.2.1) of one map with exactly these entries, in this order:
//!
//! | key | value |
//! |---|---|
//! | `v` | 1 |
//! | `id` | bytes (22) |
//! | `owner` | text, 1 to 64 of `A-Z a-z 0-9 - _ .` |
//! | `public` | bytes: the public key package, serialised by the `frost` crate |
//! | `shares` | array of bytes: each participant's key package, serialised by the `frost` crate (136 bytes) |
//! | `status` | text: `enabled` or `disabled` |
//! | `replaces` | bytes (22) or null |
//! | `threshold` | unsigned, 2 to the number of participants |
//! | `created_at` | unsigned, seconds since 1970 |
//! | `generation` | unsigned, 1 to 2^32 - 1 |
//! | `replaced_by` | bytes (22) or null |
//! | `participants` | array of text: the names, in the order of `shares` |
//! | `request_digest` | bytes (32) |
//!
//! A record has one encoding: bytes that decode but do not encode to themselves are refused.

use frost_secp256k1_tr::keys::{KeyPackage, PublicKeyPackage};
use permafrost_common::api::{KeyStatus, is_name};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::{Zeroize, Zeroizing};

use super::{InvalidField, KeyId, KeyRecord, MaterialError, Participants, material::KeyMaterial};

/// The version of the encoding.
const VERSION: u8 = 1;

/// The most bytes that a record needs in addition to those of its participants.
const FIXED_MAX: usize = 512;

/// The most bytes that one participant adds: a name, a key package and a verifying share.
const PARTICIPANT_MAX: usize = 320;

/// Why bytes are not a key record. Reveals nothing of the shares.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// Not CBOR, or not a map with the entries of a record.
    #[error("not a key record: not a CBOR map with the entries of version {VERSION}")]
    Malformed,
    /// Another version.
    #[error("the key record has version {came}; this program reads version {VERSION}")]
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
    /// A package of the `frost` crate does not open.
    #[error("{entry} of the key record is not a package of this ciphersuite")]
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
        Wire::from_record(self)?.to_bytes()
    }

    /// The record of these bytes.
    ///
    /// # Errors
    ///
    /// Each [`RecordError`] says which rule the bytes break.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let version: Version = ciborium::from_reader(bytes).map_err(|_| RecordError::Malformed)?;
        if version.v != VERSION {
            return Err(RecordError::Version { came: version.v });
        }
        let wire: Wire = ciborium::from_reader(bytes).map_err(|_| RecordError::Malformed)?;
        let record = wire.into_record()?;
        // Comparing whole encodings also refuses bytes after the map, and packages that the library reads leniently.
        if *record.encode()? != bytes {
            return Err(RecordError::NotCanonical);
        }
        Ok(record)
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
    owner: String,
    public: serde_bytes::ByteBuf,
    shares: Vec<Secret>,
    status: KeyStatus,
    replaces: Option<ByteArray<{ KeyId::LEN }>>,
    threshold: u16,
    created_at: u64,
    generation: u32,
    replaced_by: Option<ByteArray<{ KeyId::LEN }>>,
    participants: Vec<String>,
    request_digest: ByteArray<32>,
}

/// A serialised key package; wiped when dropped.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct Secret(serde_bytes::ByteBuf);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Wire {
    fn from_record(record: &KeyRecord) -> Result<Self, RecordError> {
        let id = |id: KeyId| ByteArray::new(*id.as_bytes());
        let material = &record.material;
        let public = material
            .public
            .serialize()
            .map_err(|_| RecordError::Package { entry: "public" })?;
        let shares = material
            .packages
            .iter()
            .map(|package| package.serialize().map(|bytes| Secret(bytes.into())))
            .collect::<Result<_, _>>()
            .map_err(|_| RecordError::Package { entry: "shares" })?;
        Ok(Self {
            v: VERSION,
            id: id(record.id),
            owner: record.owner.clone(),
            public: public.into(),
            shares,
            status: record.status,
            replaces: record.replaces.map(id),
            threshold: material.participants.threshold(),
            created_at: record.created_at,
            generation: record.generation,
            replaced_by: record.replaced_by.map(id),
            participants: material
                .participants
                .members()
                .iter()
                .map(|member| member.name.as_str().to_owned())
                .collect(),
            request_digest: ByteArray::new(record.request_digest),
        })
    }

    fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, RecordError> {
        // With room for the whole record, so that growing leaves no copy of the shares behind.
        let capacity = FIXED_MAX + PARTICIPANT_MAX * self.participants.len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
        ciborium::into_writer(self, &mut *bytes).map_err(|_| RecordError::Malformed)?;
        Ok(bytes)
    }

    fn into_record(self) -> Result<KeyRecord, RecordError> {
        if !is_name(&self.owner) {
            return Err(RecordError::Entry {
                entry: "owner",
                came: format!("a text of {} bytes", self.owner.len()),
                accepted: "1 to 64 of A-Z a-z 0-9 - _ .",
            });
        }
        if self.generation == 0 {
            return Err(RecordError::Entry {
                entry: "generation",
                came: "0".to_owned(),
                accepted: "1 to 4294967295",
            });
        }
        let participants = Participants::new(self.threshold, &self.participants)?;
        let public = PublicKeyPackage::deserialize(&self.public)
            .map_err(|_| RecordError::Package { entry: "public" })?;
        let packages = self
            .shares
            .iter()
            .map(|share| KeyPackage::deserialize(&share.0))
            .collect::<Result<_, _>>()
            .map_err(|_| RecordError::Package { entry: "shares" })?;
        let id = |id: ByteArray<{ KeyId::LEN }>| KeyId::from_bytes(id.into_array());
        Ok(KeyRecord {
            id: id(self.id),
            owner: self.owner,
            created_at: self.created_at,
            generation: self.generation,
            status: self.status,
            material: KeyMaterial::new(participants, public, packages)?,
            replaces: self.replaces.map(id),
            replaced_by: self.replaced_by.map(id),
            request_digest: self.request_digest.into_array(),
        })
    }
}

#[cfg(test)]
mod tests;
