//! What is stored of derived keys: only those that are not as they were derived.
//!
//! They are in [`BUCKETS`] records that are made together with the derivation root, so that a bucket that is not there was lost or
//! hidden, and no key of it signs. Names and ids of the records are HMACs: the store learns how many there are, not which.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use ciborium::Value;
use permafrost_common::api::KeyStatus;
use permafrost_common::key_path::Path;
use zeroize::Zeroizing;

use crate::records::Record;
use crate::sealing::DerivationRoot;

/// How many records there are.
pub const BUCKETS: u8 = 16;

/// The most exceptions in a record, which has at most 256 KiB.
const BUCKET_MAX: usize = 10_000;

const TAG_LEN: usize = 16;

/// How a derived key differs from what it was when it was first derived.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exception {
    /// 1 when derived, one more after each rotation.
    pub generation: u32,
    /// Enabled or disabled.
    pub status: KeyStatus,
}

/// Where the exception of a path is, if there is one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The id of the record.
    pub bucket: String,
    tag: [u8; TAG_LEN],
}

/// The exceptions of one record.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Bucket(BTreeMap<[u8; TAG_LEN], Exception>);

impl Exception {
    /// As every key is derived.
    pub const NONE: Self = Self {
        generation: 1,
        status: KeyStatus::Enabled,
    };
}

impl Place {
    /// The place of a path.
    pub fn of(root: &DerivationRoot, path: &Path) -> Self {
        let key = root.exceptions_key();
        let tag = tag(&key, &[b"path", path.to_bytes().as_slice()].concat());
        let [first, ..] = tag;
        Self {
            bucket: bucket_id(&key, first % BUCKETS),
            tag,
        }
    }

    /// The ids of all records.
    pub fn buckets(root: &DerivationRoot) -> Vec<String> {
        let key = root.exceptions_key();
        (0..BUCKETS).map(|number| bucket_id(&key, number)).collect()
    }
}

impl Bucket {
    /// How the key of a place is.
    pub fn at(&self, place: &Place) -> Exception {
        self.0.get(&place.tag).copied().unwrap_or(Exception::NONE)
    }

    /// These exceptions with another one; `None` if there is no room for it.
    pub fn with(&self, place: &Place, exception: Exception) -> Option<Self> {
        let mut changed = self.clone();
        changed.0.insert(place.tag, exception);
        (changed.0.len() <= BUCKET_MAX).then_some(changed)
    }
}

/// Deterministic CBOR of an array of `[tag (bytes, 16), generation, whether it is disabled]`, in ascending order of tag.
impl Record for Bucket {
    const KIND: &'static str = "derived";

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let entries = self.0.iter().map(|(tag, exception)| {
            Value::Array(vec![
                Value::Bytes(tag.to_vec()),
                exception.generation.into(),
                (exception.status != KeyStatus::Enabled).into(),
            ])
        });
        let mut bytes = Vec::new();
        ciborium::into_writer(&Value::Array(entries.collect()), &mut bytes)
            .map_err(|error| error.to_string())?;
        Ok(bytes.into())
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let value: Value = ciborium::from_reader(bytes).map_err(|_| "not CBOR")?;
        let mut bucket = Self::default();
        for entry in value.as_array().ok_or("not an array")? {
            let Some([tag, generation, is_disabled]) = entry.as_array().map(Vec::as_slice) else {
                return Err("an exception is not [tag, generation, whether it is disabled]".into());
            };
            let tag = tag
                .as_bytes()
                .and_then(|bytes| bytes.as_slice().try_into().ok());
            let generation = generation
                .as_integer()
                .and_then(|number| u32::try_from(number).ok());
            let status = match is_disabled.as_bool() {
                Some(true) => KeyStatus::Disabled,
                Some(false) => KeyStatus::Enabled,
                None => return Err("an exception's status is not a boolean".into()),
            };
            let exception = Exception {
                generation: generation
                    .filter(|number| *number > 0)
                    .ok_or("a generation is not 1 or more")?,
                status,
            };
            bucket
                .0
                .insert(tag.ok_or("a tag is not 16 bytes")?, exception);
        }
        match bucket.encode()?.as_slice() == bytes {
            true => Ok(bucket),
            false => Err("its encoding is not deterministic".into()),
        }
    }
}

fn bucket_id(key: &hmac::Key, number: u8) -> String {
    hex::encode(tag(key, &[b"bucket".as_slice(), &[number]].concat()))
}

fn tag(key: &hmac::Key, data: &[u8]) -> [u8; TAG_LEN] {
    let full = hmac::sign(key, data);
    let mut tag = [0; TAG_LEN];
    for (to, from) in tag.iter_mut().zip(full.as_ref()) {
        *to = *from;
    }
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use permafrost_common::key_path::Branch;

    fn place(name: &str) -> Place {
        let root = DerivationRoot::new(Zeroizing::new([1; 32]));
        let branch = Branch::parse("m/0'/users").unwrap();
        Place::of(&root, &Path::new(branch, name, None).unwrap())
    }

    #[test]
    fn exceptions_are_of_one_path_and_survive_encoding() {
        let disabled = Exception {
            generation: 3,
            status: KeyStatus::Disabled,
        };
        let bucket = Bucket::default().with(&place("alice"), disabled).unwrap();
        let again = Bucket::decode(&bucket.encode().unwrap()).unwrap();
        assert_eq!(again.at(&place("alice")), disabled);
        assert_eq!(again.at(&place("bob")), Exception::NONE);
    }

    #[test]
    fn a_full_bucket_is_within_the_longest_record() {
        let mut bucket = Bucket::default();
        for number in 0..BUCKET_MAX {
            let mut tag = [0xff; TAG_LEN];
            tag[..8].copy_from_slice(&number.to_be_bytes());
            let exception = Exception {
                generation: u32::MAX,
                status: KeyStatus::Disabled,
            };
            bucket.0.insert(tag, exception);
        }
        assert!(bucket.encode().unwrap().len() + 1024 < permafrost_common::store::RECORD_MAX);
        assert!(bucket.with(&place("one more"), Exception::NONE).is_none());
    }

    #[test]
    fn every_bucket_is_used() {
        let root = DerivationRoot::new(Zeroizing::new([1; 32]));
        let used: std::collections::BTreeSet<_> =
            (0..1000).map(|n| place(&n.to_string()).bucket).collect();
        assert_eq!(used, Place::buckets(&root).into_iter().collect());
    }
}
