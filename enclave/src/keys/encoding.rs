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
//! A record has one encoding: what does not encode to the same bytes again is refused.

use frost_secp256k1_tr::keys::{KeyPackage, PublicKeyPackage};
use permafrost_common::api::KeyStatus;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::{Zeroize, Zeroizing};

use super::{
    InvalidField, KeyId, KeyRecord, MaterialError, Participants, material::KeyMaterial,
    participants::is_name,
};

/// The version of the encoding.
const VERSION: u8 = 1;

/// Bytes that a record needs at most, beside those of its participants.
const FIXED_MAX: usize = 512;

/// Bytes that one participant adds at most: a name, a key package and a verifying share.
const PARTICIPANT_MAX: usize = 320;

/// Why bytes are not a key record. Says nothing of the shares.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// Not CBOR, or not a map with the entries of a record.
    #[error("not a key record: no CBOR map with the entries of version {VERSION}")]
    Malformed,
    /// Another version.
    #[error("key record version {came}; this program reads version {VERSION}")]
    Version {
        /// The version that came.
        came: u8,
    },
    /// The entries say what a record says, but in other bytes.
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
    /// The packages do not fit each other.
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
        // Comparing whole encodings also refuses bytes after the map and packages that the library reads leniently.
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
        // Room for all of it, so that the shares are written to one place.
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
mod tests {
    use ciborium::Value;
    use proptest::prelude::*;
    use rand_core::OsRng;

    use super::*;
    use crate::keys::testing::{new_key, record};

    fn bytes(value: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        ciborium::into_writer(value, &mut bytes).unwrap();
        bytes
    }

    fn entries(record: &KeyRecord) -> Vec<(Value, Value)> {
        let value: Value = ciborium::from_reader(record.encode().unwrap().as_slice()).unwrap();
        value.into_map().unwrap()
    }

    fn refused(entries: Vec<(Value, Value)>) -> RecordError {
        KeyRecord::decode(&bytes(&Value::Map(entries))).unwrap_err()
    }

    fn set(record: &KeyRecord, key: &str, to: impl Into<Value>) -> Vec<(Value, Value)> {
        let mut entries = entries(record);
        let entry = entries
            .iter_mut()
            .find(|(k, _)| k.as_text() == Some(key))
            .unwrap();
        entry.1 = to.into();
        entries
    }

    /// All that a record says, shares included.
    fn content(record: &KeyRecord) -> (String, Vec<KeyPackage>, PublicKeyPackage, [u8; 32]) {
        (
            format!("{record:?}"),
            record.material.packages.clone(),
            record.material.public.clone(),
            record.request_digest,
        )
    }

    #[test]
    fn the_entries_are_those_of_the_documentation_in_deterministic_order() {
        let record = record(2, 3);
        let keys: Vec<Vec<u8>> = entries(&record).iter().map(|(key, _)| bytes(key)).collect();
        assert!(keys.is_sorted());
        let documented = include_str!("encoding.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | `")?.split('`').next());
        let keys = entries(&record);
        assert!(
            keys.iter()
                .filter_map(|(key, _)| key.as_text())
                .eq(documented)
        );
    }

    #[test]
    fn shares_are_the_frost_crates_own_serialisation_and_open_with_it() {
        let record = record(3, 5);
        let entries = entries(&record);
        let value = |name: &str| {
            &entries
                .iter()
                .find(|(key, _)| key.as_text() == Some(name))
                .unwrap()
                .1
        };
        let shares = value("shares").as_array().unwrap();
        for (share, package) in shares.iter().zip(&record.material.packages) {
            let share = share.as_bytes().unwrap();
            assert_eq!(*share, package.serialize().unwrap());
            assert_eq!(KeyPackage::deserialize(share).unwrap(), *package);
            assert_eq!(share.len(), 136);
        }
        let public = value("public").as_bytes().unwrap();
        assert_eq!(*public, record.material.public.serialize().unwrap());
    }

    #[test]
    fn the_longest_record_is_written_without_moving_its_shares() {
        let names: Vec<String> = (0..32).map(|i| format!("{i:0>64}")).collect();
        let new = super::super::NewKey {
            owner: "o".repeat(64),
            created_at: u64::MAX,
            ..new_key(1)
        };
        let participants = Participants::new(2, &names).unwrap();
        let record = KeyRecord {
            generation: u32::MAX,
            replaces: Some(new.id),
            replaced_by: Some(new.id),
            ..KeyRecord::deal(new, participants, &mut OsRng).unwrap()
        };
        let encoded = record.encode().unwrap();
        assert_eq!(encoded.capacity(), FIXED_MAX + PARTICIPANT_MAX * 32);
        assert_eq!(
            content(&KeyRecord::decode(&encoded).unwrap()),
            content(&record)
        );
    }

    #[test]
    fn a_record_with_a_byte_changed_is_refused_or_has_the_same_key() {
        let record = record(2, 3);
        let encoded = record.encode().unwrap();
        let mut refused = 0;
        for at in 0..encoded.len() {
            for bits in [0x01, 0x20, 0x80] {
                let mut changed = encoded.to_vec();
                changed[at] ^= bits;
                match KeyRecord::decode(&changed) {
                    Err(_) => refused += 1,
                    // Sealing guards what nothing in the record can tell: id, owner, time, links, digest.
                    Ok(other) => {
                        assert_eq!(other.material.packages, record.material.packages);
                        assert_eq!(other.material.public, record.material.public);
                        assert_eq!(other.participants(), record.participants());
                        assert_eq!(*other.encode().unwrap(), changed);
                    }
                }
            }
        }
        assert!(refused > encoded.len());
    }

    #[test]
    fn a_truncated_or_extended_record_is_refused() {
        let encoded = record(2, 2).encode().unwrap();
        for length in 0..encoded.len() {
            assert!(KeyRecord::decode(&encoded[..length]).is_err());
        }
        let mut longer = encoded.to_vec();
        longer.push(0);
        assert_eq!(
            KeyRecord::decode(&longer).unwrap_err(),
            RecordError::NotCanonical
        );
    }

    #[test]
    fn unknown_missing_and_reordered_entries_are_refused() {
        let record = record(2, 2);
        let all = entries(&record);
        for missing in 0..all.len() {
            let mut entries = all.clone();
            entries.remove(missing);
            assert!(matches!(
                refused(entries),
                RecordError::Malformed | RecordError::NotCanonical
            ));
        }
        let mut more = all.clone();
        more.push(("zzzzzzzzzzzzzzzz".into(), 1.into()));
        assert_eq!(refused(more), RecordError::Malformed);
        let mut reordered = all;
        reordered.swap(1, 2);
        assert_eq!(refused(reordered), RecordError::NotCanonical);
    }

    #[test]
    fn another_version_is_named() {
        let later = set(&record(2, 2), "v", 2);
        assert_eq!(refused(later), RecordError::Version { came: 2 });
    }

    #[test]
    fn entries_out_of_range_are_refused() {
        let record = record(2, 2);
        let entry = |key, to: Value| match refused(set(&record, key, to)) {
            RecordError::Entry { entry, .. } => entry,
            other => panic!("{other}"),
        };
        assert_eq!(entry("owner", "a b".into()), "owner");
        assert_eq!(entry("generation", 0.into()), "generation");
    }

    #[test]
    fn shares_that_do_not_fit_are_refused_by_the_rule_they_break() {
        let (record, other) = (record(2, 3), record(2, 3));
        let inconsistent = |entries| match refused(entries) {
            RecordError::Inconsistent(error) => error,
            error => panic!("{error}"),
        };
        let share = |record: &KeyRecord, index: usize| -> Value {
            record.material.packages[index].serialize().unwrap().into()
        };
        let with = |shares: Vec<Value>| set(&record, "shares", Value::Array(shares));
        let own = |index| share(&record, index);

        assert_eq!(
            inconsistent(with(vec![own(0), own(1)])),
            MaterialError::Count {
                what: "key packages",
                expected: 3,
                came: 2
            }
        );
        assert!(matches!(
            inconsistent(with(vec![own(1), own(0), own(2)])),
            MaterialError::Identifier { name, .. } if name == "node-1"
        ));
        assert_eq!(
            inconsistent(with(vec![own(0), share(&other, 1), own(2)])),
            MaterialError::GroupKey {
                name: "node-2".to_owned()
            }
        );
        let old = share(&record.rotate(&mut OsRng).unwrap(), 2);
        assert_eq!(
            inconsistent(with(vec![own(0), own(1), old])),
            MaterialError::VerifyingShare {
                name: "node-3".to_owned(),
                place: "public key package"
            }
        );
        let threshold = inconsistent(set(&record, "threshold", 3));
        assert!(matches!(threshold, MaterialError::Threshold { of, .. } if of == "the group"));
        let names: Vec<Value> = ["node-1", "node-2", "node-4"].map(Value::from).into();
        let renamed = inconsistent(set(&record, "participants", Value::Array(names)));
        assert!(matches!(renamed, MaterialError::Identifier { name, .. } if name == "node-4"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_record_reads_back_from_its_encoding(
            (t, n) in (2_usize..=6).prop_flat_map(|n| (2..=n, Just(n))),
            owner in "[A-Za-z0-9._-]{1,64}",
            created_at: u64,
            generation in 1_u32..,
            id: [u8; 22],
            links: (Option<[u8; 22]>, Option<[u8; 22]>),
            digest: [u8; 32],
            disabled: bool,
        ) {
            let record = KeyRecord {
                id: KeyId::from_bytes(id),
                owner,
                created_at,
                generation,
                status: if disabled { KeyStatus::Disabled } else { KeyStatus::Enabled },
                replaces: links.0.map(KeyId::from_bytes),
                replaced_by: links.1.map(KeyId::from_bytes),
                request_digest: digest,
                ..record(t as u16, n)
            };
            let encoded = record.encode().unwrap();
            let decoded = KeyRecord::decode(&encoded).unwrap();
            prop_assert_eq!(content(&decoded), content(&record));
        }

        #[test]
        fn bytes_that_are_no_record_are_refused(bytes: Vec<u8>) {
            prop_assert!(KeyRecord::decode(&bytes).is_err());
        }
    }
}
