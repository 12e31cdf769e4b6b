//! What the operations of a record store result in.

use bytes::Bytes;

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
