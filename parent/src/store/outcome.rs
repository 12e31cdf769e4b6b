//! What the operations of a record store are given, and what they result in.

use bytes::Bytes;
use permafrost_common::store::Expected;

/// The newest version of a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The version, from 1.
    pub version: u64,
    /// The sealed record.
    pub bytes: Bytes,
}

/// What [`RecordStore::get`](super::RecordStore::get) finds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fetched {
    /// The newest version.
    Record(Record),
    /// The version that the caller has is the newest.
    NotModified,
    /// There is no such record.
    Absent,
}

impl Fetched {
    /// That of a row with the newest version, without its record if the caller has it.
    pub(super) fn of_row(row: Option<(i64, Option<Vec<u8>>)>) -> Self {
        match row {
            None => Self::Absent,
            Some((_, None)) => Self::NotModified,
            Some((version, Some(record))) => Self::Record(Record {
                version: version as u64,
                bytes: record.into(),
            }),
        }
    }
}

/// A change of a record.
#[derive(Debug)]
pub(super) enum Change {
    /// The next version with these tags, if this is the present one.
    Put(Expected, Bytes, String),
    /// No record any more, if this is its version.
    Delete(u64),
}

/// The record has another version than the change expected.
#[derive(Debug)]
pub(super) struct Conflict {
    pub(super) current: Option<u64>,
}

/// The outcome of a [`RecordStore::put`](super::RecordStore::put).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Put {
    /// The record is durable, with this version.
    Stored {
        /// The new version.
        version: u64,
    },
    /// The record did not have the expected version; nothing was written.
    Conflict {
        /// The version of the stored record, if there is one.
        current: Option<u64>,
    },
}

/// The outcome of a [`RecordStore::delete`](super::RecordStore::delete).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deletion {
    /// There is no such record any more, and that is durable.
    Deleted,
    /// The record did not have this version; nothing was deleted.
    Conflict {
        /// The version of the stored record, if there is one.
        current: Option<u64>,
    },
}
