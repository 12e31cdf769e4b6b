//! The ids that a listing may have, and where it ends.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use permafrost_common::store::{Entry, LISTING_BYTES_MAX, Listing};

/// The ids that begin with a prefix and are greater than another id: from the first, up to and without the second.
///
/// One lower bound, because an index search uses one only.
pub(super) struct IdRange {
    pub(super) from: String,
    pub(super) below: String,
}

impl IdRange {
    pub(super) fn new(prefix: &str, after: &str) -> Self {
        // No byte of an id is less than `-` or greater than `z`: the ids greater than `after` are those from `after` and a space, and `~`
        // ends the prefix's range.
        Self {
            from: match after {
                "" => prefix.to_owned(),
                after => format!("{after} ").max(prefix.to_owned()),
            },
            below: format!("{prefix}~"),
        }
    }
}

/// The listing of rows of which there is one more than `limit` if there are more: as many as fit.
pub(super) fn entries(rows: Vec<(String, i64, Vec<u8>)>, limit: usize) -> Listing {
    let found = rows.len();
    let mut total = 0;
    let records: Vec<Entry> = rows
        .into_iter()
        .take(limit)
        .take_while(|(_, _, record)| {
            total += record.len();
            total <= LISTING_BYTES_MAX
        })
        .map(|(id, version, record)| Entry {
            id,
            version: version as u64,
            record: STANDARD.encode(record),
        })
        .collect();
    Listing {
        more: records.len() < found,
        records,
    }
}
