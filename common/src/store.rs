//! The record store's protocol: HTTP/1.1 between the enclave (client) and the parent (server).
//!
//! | request | meaning | responses |
//! |---|---|---|
//! | `GET /records/{kind}/{id}` | the newest version; `If-None-Match: "V"` when V is known | 200 with the record and `ETag: "V"`; 304 with that `ETag` if it still is V; 404 |
//! | `PUT /records/{kind}/{id}` | the next version: `If-None-Match: *` for the first, `If-Match: "V"` for V+1 | 204 with the new `ETag`; 412 with the `ETag` there is, without one if there is no record |
//! | `DELETE /records/{kind}/{id}` | deletes the record if `If-Match: "V"` is its version | 204 without an `ETag`; 412 with the `ETag` there is, without one if there is no record |
//! | `GET /records/{kind}?prefix=&after=&limit=&tag=` | ids in ascending byte order | 200 with [`Listing`] as JSON |
//!
//! - Versions count from 1 to [`VERSION_MAX`] without a gap; an `ETag` is the version in decimal, in quotes
//!   ([`etag`]). A `PUT` carries exactly one of the two conditions, with exactly one version; a `DELETE` exactly the one that it has.
//! - A record is opaque bytes (`application/octet-stream`), 0 to [`RECORD_MAX`] of them.
//! - A 204 means durable: the record, or its absence, survives a loss of power. Of any number of `PUT`s and `DELETE`s with the same
//!   condition exactly one gets a 204.
//! - After a `DELETE` the store remembers nothing of the record: a `PUT` of the first version succeeds again. The enclave deletes only
//!   what has expired, at ids that never recur.
//! - A `PUT` is safe to repeat, but the response does not show it: if the response to the first was lost, the second gets 412 with
//!   the `ETag` V+1 of its own record. The enclave finds out by reading the record. A `DELETE` is
//!   safe to repeat, too: the second gets 412 without an `ETag`.
//! - A `PUT` may carry [`TAGS_HEADER`]: at most [`TAGS_MAX`] different tags in ascending order, with commas between them. They
//!   replace all tags of the version before, in the same transaction; without the header a record has none.
//! - `prefix` and `after` are empty or begin like an id, `limit` is 1 to [`LISTING_MAX`] (the default). A listing has the ids that
//!   begin with `prefix`, are greater than `after` and, if there is a `tag`, whose record has that tag. It ends early if its records
//!   would together exceed [`LISTING_BYTES_MAX`], but never before the first.
//! - `kind` is 1 to 32 of `a-z` and `-`; `id` is 1 to 128 of `a-z`, `0-9` and `-`; a tag is [`TAG_LEN`] of `0-9` and `a-f`.
//! - Every other response is `text/plain` for people: 400 a malformed kind, id, condition or query, 404 no such path, 405 no such
//!   method, 413 a record that is too long, 503 the database does not respond.

use serde::{Deserialize, Serialize};

/// The longest record, in bytes.
pub const RECORD_MAX: usize = 256 * 1024;

/// The greatest version: SQL's integers are signed.
pub const VERSION_MAX: u64 = i64::MAX as u64;

/// The header of a `PUT` with the record's tags.
pub const TAGS_HEADER: &str = "record-tags";

/// The most tags of one record.
pub const TAGS_MAX: usize = 8;

/// The length of a tag: 16 bytes in hexadecimal.
pub const TAG_LEN: usize = 32;

/// The most records in one [`Listing`].
pub const LISTING_MAX: usize = 100;

/// The most bytes of records in one [`Listing`], before base64. One record always fits.
pub const LISTING_BYTES_MAX: usize = 1024 * 1024;

/// The longest [`Listing`] as JSON, in bytes: base64 grows by a third, and 256 bytes hold an id, a version and the
/// names.
pub const LISTING_TEXT_MAX: usize = LISTING_BYTES_MAX / 3 * 4 + LISTING_MAX * 256 + 1024;

/// The version that the store must have for a put to succeed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expected {
    /// None: the record becomes version 1.
    Absent,
    /// This one: the record becomes the next.
    Version(u64),
}

/// Part of the records of one kind.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Listing {
    /// In ascending order of id.
    pub records: Vec<Entry>,
    /// Whether there are more after the last of these.
    pub more: bool,
}

/// One record of a [`Listing`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Entry {
    /// The record's id.
    pub id: String,
    /// Its version, from 1.
    pub version: u64,
    /// The sealed record, standard base64 with padding.
    pub record: String,
}

/// Whether a text may name a kind of record: 1 to 32 of `a-z` and `-`.
pub fn is_kind(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

/// Whether a text may be a record's id: 1 to 128 of `a-z`, `0-9` and `-`.
pub fn is_id(text: &str) -> bool {
    !text.is_empty() && is_id_prefix(text)
}

/// Whether a text may be the beginning of a record's id: 0 to 128 of `a-z`, `0-9` and `-`.
pub fn is_id_prefix(text: &str) -> bool {
    text.len() <= 128
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether a text may be a tag: [`TAG_LEN`] of `0-9` and `a-f`.
pub fn is_tag(text: &str) -> bool {
    text.len() == TAG_LEN && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a text may be the value of [`TAGS_HEADER`]: 1 to [`TAGS_MAX`] different tags in ascending order, with commas between them.
pub fn is_tags(text: &str) -> bool {
    let tags: Vec<&str> = text.split(',').collect();
    tags.len() <= TAGS_MAX
        && tags.iter().all(|tag| is_tag(tag))
        && tags.is_sorted_by(|one, next| one < next)
}

/// The `ETag` of a version: the decimal number in quotes (RFC 9110 section 8.8.3, a strong validator).
pub fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// The version that an `ETag` names: only what [`etag`] makes of 1 to [`VERSION_MAX`].
pub fn parse_etag(text: &str) -> Option<u64> {
    let version = text.strip_prefix('"')?.strip_suffix('"')?.parse().ok()?;
    ((1..=VERSION_MAX).contains(&version) && etag(version) == text).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_has_one_form_only() {
        for version in [1, 2, 10, VERSION_MAX] {
            assert_eq!(parse_etag(&etag(version)), Some(version));
        }
        for text in [
            "",
            "\"",
            "\"\"",
            "1",
            "\"0\"",
            "\"01\"",
            "\"+1\"",
            "\"-1\"",
            "\" 1\"",
            "W/\"1\"",
            "\"1\", \"2\"",
            "*",
            "\"9223372036854775808\"",
            "\"18446744073709551616\"",
        ] {
            assert_eq!(parse_etag(text), None, "{text:?}");
        }
    }

    #[test]
    fn kinds_and_ids_are_what_a_path_takes_as_it_is() {
        assert!(is_kind("key") && is_kind(&"k".repeat(32)));
        assert!(is_id("a-0") && is_id(&"0".repeat(128)));
        assert!(is_id_prefix("") && !is_id(""));
        for text in ["", "K", "k/", "k.", "k%", "k k", "é", "k?"] {
            assert!(!is_kind(text) && !is_id(text), "{text:?}");
        }
        assert!(!is_kind("k1") && !is_kind(&"k".repeat(33)) && !is_id(&"0".repeat(129)));
    }

    #[test]
    fn tags_have_one_form_only() {
        let [one, two] = ["0".repeat(TAG_LEN), "f".repeat(TAG_LEN)];
        let many: Vec<String> = (0..=TAGS_MAX).map(|n| format!("{n:032x}")).collect();
        assert!(is_tags(&one) && is_tags(&format!("{one},{two}")));
        assert!(is_tags(&many[1..].join(",")) && !is_tags(&many.join(",")));
        for text in [
            String::new(),
            format!("{two},{one}"),
            format!("{one},{one}"),
            format!("{one},"),
            format!("{one}, {two}"),
            two.to_uppercase(),
            "0".repeat(TAG_LEN - 1),
            "0".repeat(TAG_LEN + 1),
        ] {
            assert!(!is_tags(&text), "{text:?}");
        }
    }

    #[test]
    fn the_longest_listing_fits_its_limit() {
        let entry = Entry {
            id: "z".repeat(128),
            version: VERSION_MAX,
            record: String::new(),
        };
        let page = Listing {
            records: vec![entry; LISTING_MAX],
            more: false,
        };
        // Each record's base64 rounds up to a multiple of four.
        let text = serde_json::to_string(&page).unwrap().len()
            + LISTING_BYTES_MAX / 3 * 4
            + 4 * LISTING_MAX;
        assert!(text <= LISTING_TEXT_MAX, "{text}");
    }
}
