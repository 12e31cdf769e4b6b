//! Blind indexes: what the store keeps beside a sealed record, so that it finds the records of a value without learning the value.
//!
//! A tag is the first 16 bytes, in hexadecimal, of the HMAC-SHA256 under the deployment's index key of the CBOR array of four texts: the
//! deployment, the kind of record, the field and the value. The store learns which records have the same value, and nothing else about it.

use aws_lc_rs::hmac;
use ciborium::Value;
use permafrost_common::store::TAG_LEN;

use super::{Indexed, Record, Records};

impl<T: Record> Records<T> {
    /// The tags of a record as the store takes them.
    pub(super) fn tags_of(&self, record: &T) -> String {
        let indexed = record.indexed();
        if indexed.is_empty() {
            return String::new();
        }
        let key = self.index_key();
        let mut tags: Vec<String> = indexed
            .iter()
            .map(|one| self.tag_under(&key, one))
            .collect();
        tags.sort_unstable();
        tags.join(",")
    }

    /// The tag of a field's value.
    pub(super) fn tag(&self, indexed: &Indexed) -> String {
        self.tag_under(&self.index_key(), indexed)
    }

    fn index_key(&self) -> hmac::Key {
        self.secrets.now().derivation().index_key()
    }

    fn tag_under(&self, key: &hmac::Key, (field, value): &Indexed) -> String {
        let texts = [self.deployment.as_str(), T::KIND, field, value];
        let texts = Value::Array(texts.into_iter().map(Value::from).collect());
        let mut input = Vec::new();
        // Writing to memory does not fail.
        let _ = ciborium::into_writer(&texts, &mut input);
        let mut tag = hex::encode(hmac::sign(key, &input));
        tag.truncate(TAG_LEN);
        tag
    }
}
