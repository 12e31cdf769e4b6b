//! Reading a listing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use permafrost_common::store::{LISTING_BYTES_MAX, Listing, RECORD_MAX, VERSION_MAX, is_id};

use super::accepted::Range;
use super::error::{Fault, quotable};

/// A listing of the records of one kind, in ascending order of id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entries {
    /// Entries with ids of the requested range: with the prefix, greater than `after`, each once.
    pub records: Vec<Entry>,
    /// Whether the store says that there are more; only true if at least one record is here.
    pub more: bool,
}

/// One record of a listing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The record's id.
    pub id: String,
    /// From 1.
    pub version: u64,
    /// 0 to [`RECORD_MAX`] bytes.
    pub bytes: Bytes,
}

/// Reads the JSON of a listing; refuses one that is not of the range.
pub(super) fn parse(text: &[u8], range: Range<'_>) -> Result<Entries, Fault> {
    // The parser quotes a text of the wrong type, however long.
    let page: Listing = serde_json::from_slice(text)
        .map_err(|error| Fault::Listing(quotable(error.to_string().as_bytes())))?;
    if page.records.len() > range.limit {
        return Err(Fault::Listing(format!(
            "{} records came; expected at most {}",
            page.records.len(),
            range.limit
        )));
    }
    if page.more && page.records.is_empty() {
        return Err(Fault::Listing(
            "it has no record and says that there are more".into(),
        ));
    }
    let mut after = range.after.to_owned();
    let mut total = 0;
    let mut records = Vec::with_capacity(page.records.len());
    for entry in page.records {
        let entry = checked(entry, range.prefix, &after)?;
        total += entry.bytes.len();
        after.clone_from(&entry.id);
        records.push(entry);
    }
    if total > LISTING_BYTES_MAX {
        return Err(Fault::Listing(format!(
            "{total} bytes of records came; expected at most {LISTING_BYTES_MAX}"
        )));
    }
    Ok(Entries {
        records,
        more: page.more,
    })
}

fn checked(
    entry: permafrost_common::store::Entry,
    prefix: &str,
    after: &str,
) -> Result<Entry, Fault> {
    let id = entry.id;
    let refuse =
        |what: String| Fault::Listing(format!("id \"{}\": {what}", quotable(id.as_bytes())));
    if !is_id(&id) {
        return Err(refuse("expected 1 to 128 of a-z, 0-9 and -".into()));
    }
    if !id.starts_with(prefix) {
        return Err(refuse(format!("expected one that begins with {prefix:?}")));
    }
    if id.as_str() <= after {
        return Err(refuse(format!("expected one greater than {after:?}")));
    }
    if !(1..=VERSION_MAX).contains(&entry.version) {
        return Err(refuse(format!(
            "version {}; expected 1 to {VERSION_MAX}",
            entry.version
        )));
    }
    let bytes = STANDARD
        .decode(entry.record)
        .map_err(|error| refuse(format!("the record is not base64: {error}")))?;
    if bytes.len() > RECORD_MAX {
        return Err(refuse(format!(
            "a record of {} bytes; expected at most {RECORD_MAX}",
            bytes.len()
        )));
    }
    Ok(Entry {
        version: entry.version,
        bytes: bytes.into(),
        id,
    })
}
