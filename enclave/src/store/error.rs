//! Why the record store gave no answer that can be used.

use std::time::Duration;

use permafrost_common::transport::TransportError;

/// Why a request to the record store has no result.
#[derive(Debug, thiserror::Error)]
pub enum StoreClientError {
    /// The caller asked for what the protocol does not have; nothing was sent.
    #[error("not a request of the record store: {0}")]
    Invalid(String),
    /// There is no connection; nothing was sent.
    #[error("record store unreachable: {0}")]
    Unreachable(#[from] TransportError),
    /// Nothing was written: the request reads, or it certainly never left.
    #[error("record store: {0}")]
    Failed(#[source] Fault),
    /// The write may or may not have happened, now or later. Read the record to know.
    #[error("record store: a write of unknown outcome: {0}")]
    UnknownOutcome(#[source] Fault),
}

/// What was wrong with the record store's answer. Texts of the store are escaped and cut to 200 characters.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// There was no whole answer in time.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The connection broke, or what came is not HTTP/1.1.
    #[error("the connection failed: {0}")]
    Connection(#[from] hyper::Error),
    /// A status that the protocol does not have for this request.
    #[error("the status was {came}; expected {expected}; it said \"{said}\"")]
    Status {
        /// The status code.
        came: u16,
        /// The status codes that would have been accepted.
        expected: &'static str,
        /// The body.
        said: String,
    },
    /// The `ETag` is missing, repeated or not a version.
    #[error("the ETag was {came}; expected one version in quotes, \"1\" or more")]
    Etag {
        /// `missing`, or the header's values.
        came: String,
    },
    /// The answer names a version that cannot be.
    #[error("the answer names version {came}; expected {expected}")]
    Version {
        /// The version of the `ETag`, or `none`.
        came: String,
        /// What would have been accepted.
        expected: String,
    },
    /// The body is longer than anything the protocol has.
    #[error("the body is longer than {limit} bytes")]
    TooLong {
        /// The most bytes that are read.
        limit: usize,
    },
    /// A list that is not a page of what was asked for.
    #[error("the page is not one of those asked for: {0}")]
    Listing(String),
}

/// Bytes of the store as they may stand in a message: escaped, at most 200 characters.
pub(super) fn quotable(bytes: &[u8]) -> String {
    let mut text = bytes.escape_ascii().to_string();
    text.truncate(200);
    text
}
