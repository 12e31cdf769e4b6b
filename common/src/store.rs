//! The record store's protocol: HTTP/1.1 between the enclave (client) and the parent (server).
//!
//! | request | meaning | answers |
//! |---|---|---|
//! | `GET /records/{kind}/{id}` | the newest version; `If-None-Match: "V"` when V is known | 200 with the record and `ETag: "V"`; 304; 404 |
//! | `PUT /records/{kind}/{id}` | the next version; `If-None-Match: *` for the first, `If-Match: "V"` for V+1 | 204 with the new `ETag`; 412 with the `ETag` there is, if any |
//! | `GET /records/{kind}?prefix=&after=&limit=` | ids in ascending byte order | 200 with [`Page`] as JSON |
//!
//! Versions count from 1. A record is opaque bytes, at most [`RECORD_MAX`]. A 204 means durable.
//! `kind` is 1 to 32 of `a-z` and `-`; `id` is 1 to 128 of `a-z`, `0-9` and `-`.

use serde::{Deserialize, Serialize};

/// The longest record, in bytes.
pub const RECORD_MAX: usize = 256 * 1024;

/// The most records in one [`Page`].
pub const PAGE_MAX: usize = 100;

/// Part of the records of one kind.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Page {
    /// In ascending order of id.
    pub records: Vec<Entry>,
    /// Whether there are more after the last of these.
    pub more: bool,
}

/// One record of a [`Page`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Entry {
    /// The record's id.
    pub id: String,
    /// Its version, from 1.
    pub version: u64,
    /// The sealed record, standard base64.
    pub record: String,
}

/// Whether a text may name a kind of record: 1 to 32 of `a-z` and `-`.
pub fn is_kind(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

/// Whether a text may be a record's id: 1 to 128 of `a-z`, `0-9` and `-`.
pub fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
