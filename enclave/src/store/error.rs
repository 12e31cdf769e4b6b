//! Why the record store gave no usable response.

use std::time::Duration;

use permafrost_common::transport::TransportError;

use super::dynamodb;

/// Why a request to the record store has no result.
#[derive(Debug, thiserror::Error)]
pub enum StoreClientError {
    /// The caller's request is not one of the protocol's; nothing was sent.
    #[error("not a request of the record store: {0}")]
    Invalid(String),
    /// There is no connection; nothing was sent.
    #[error("the record store is not reachable: {0}")]
    Unreachable(#[from] TransportError),
    /// Nothing was written: the request was a read, or it certainly never left.
    #[error("record store: {0}")]
    Failed(#[source] Fault),
    /// The write may or may not have happened, and may still happen. Read the record to find out.
    #[error("record store: the outcome of a write is unknown: {0}")]
    UnknownOutcome(#[source] Fault),
}

/// What was wrong with the record store's response. Text from the store is escaped and cut to 200 characters.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// No whole response arrived in time.
    #[error("no response within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The connection failed, or the response is not HTTP/1.1.
    #[error("the connection failed: {0}")]
    Connection(#[from] hyper::Error),
    /// A status that the protocol does not have for this request.
    #[error("the status was {came}, with the text \"{said}\"; expected {expected}")]
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
    /// The response names an impossible version.
    #[error("the response names version {came}; expected {expected}")]
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
    /// The listing is not of the requested range.
    #[error("the listing is not of the requested range: {0}")]
    Listing(String),
    /// DynamoDB gave no usable response.
    #[error(transparent)]
    DynamoDb(#[from] Box<dynamodb::Fault>),
}

/// Bytes from the store as an error message may quote them: escaped, at most 200 characters.
pub(super) fn quotable(bytes: &[u8]) -> String {
    let mut text = bytes.escape_ascii().to_string();
    text.truncate(200);
    text
}
