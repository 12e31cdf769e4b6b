//! Reading the responses about one record.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use permafrost_common::store::{Expected, RECORD_MAX, parse_etag};

use super::error::{Fault, quotable};

/// How much is read of a body that only goes into an error message.
const WORDS_MAX: usize = 1024;

/// What the store has of a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fetched {
    /// The newest version, according to the store. It may be older than the known one: the caller has to check that.
    Record {
        /// From 1.
        version: u64,
        /// 0 to [`RECORD_MAX`] bytes.
        bytes: Bytes,
    },
    /// The store says that the known version is the newest.
    NotModified,
    /// The store says that there is no such record.
    Absent,
}

/// The outcome of a put.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PutOutcome {
    /// The store says that the record is durable.
    Stored {
        /// 1, or one more than was expected.
        version: u64,
    },
    /// The record did not have the expected version; nothing was written.
    Conflict {
        /// The version that the store says it has, if any; never the expected one.
        current: Option<u64>,
    },
}

/// The outcome of a deletion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeleteOutcome {
    /// The store says that it has no such record any more.
    Deleted,
    /// The record did not have this version; nothing was deleted.
    Conflict {
        /// The version that the store says it has, if any; never the one that was to be deleted.
        current: Option<u64>,
    },
}

/// Reads the response to a GET of one record; `known` is the version of its `If-None-Match`.
pub(super) async fn fetched(
    response: Response<Incoming>,
    known: Option<u64>,
) -> Result<Fetched, Fault> {
    match (response.status(), known) {
        (StatusCode::OK, _) => {
            let version = version(response.headers())?;
            let bytes = body(response, RECORD_MAX).await?;
            Ok(Fetched::Record { version, bytes })
        }
        (StatusCode::NOT_MODIFIED, Some(known)) => {
            let version = version(response.headers())?;
            if version != known {
                return Err(Fault::Version {
                    came: version.to_string(),
                    expected: known.to_string(),
                });
            }
            Ok(Fetched::NotModified)
        }
        (StatusCode::NOT_FOUND, _) => {
            body(response, WORDS_MAX).await?;
            Ok(Fetched::Absent)
        }
        (_, Some(_)) => Err(unexpected(response, "200, 304 or 404").await),
        (_, None) => Err(unexpected(response, "200 or 404").await),
    }
}

/// Reads the response to a PUT.
pub(super) async fn put_outcome(
    response: Response<Incoming>,
    expected: Expected,
) -> Result<PutOutcome, Fault> {
    let (before, next) = match expected {
        Expected::Absent => (None, Some(1)),
        Expected::Version(version) => (Some(version), version.checked_add(1)),
    };
    match response.status() {
        StatusCode::NO_CONTENT => {
            let version = version(response.headers())?;
            if Some(version) != next {
                return Err(Fault::Version {
                    came: version.to_string(),
                    expected: next.map_or("none".to_owned(), |next| next.to_string()),
                });
            }
            Ok(PutOutcome::Stored { version })
        }
        StatusCode::PRECONDITION_FAILED => Ok(PutOutcome::Conflict {
            current: conflicting(response, before).await?,
        }),
        _ => Err(unexpected(response, "204 or 412").await),
    }
}

/// Reads the response to a DELETE of this version.
pub(super) async fn delete_outcome(
    response: Response<Incoming>,
    version: u64,
) -> Result<DeleteOutcome, Fault> {
    match response.status() {
        StatusCode::NO_CONTENT => Ok(DeleteOutcome::Deleted),
        StatusCode::PRECONDITION_FAILED => Ok(DeleteOutcome::Conflict {
            current: conflicting(response, Some(version)).await?,
        }),
        _ => Err(unexpected(response, "204 or 412").await),
    }
}

/// The version that a 412 names; not the one that the request had as its condition.
async fn conflicting(
    response: Response<Incoming>,
    condition: Option<u64>,
) -> Result<Option<u64>, Fault> {
    let current = response
        .headers()
        .contains_key(header::ETAG)
        .then(|| version(response.headers()))
        .transpose()?;
    if current == condition {
        let name =
            |version: Option<u64>| version.map_or("none".to_owned(), |version| version.to_string());
        return Err(Fault::Version {
            came: name(current),
            expected: format!("another than {}", name(condition)),
        });
    }
    body(response, WORDS_MAX).await?;
    Ok(current)
}

/// The whole body, if it has at most `limit` bytes.
pub(super) async fn body(response: Response<Incoming>, limit: usize) -> Result<Bytes, Fault> {
    match Limited::new(response.into_body(), limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Fault::TooLong { limit }),
        Err(error) => match error.downcast::<hyper::Error>() {
            Ok(error) => Err(Fault::Connection(*error)),
            // Limited has no third kind of error.
            Err(_) => Err(Fault::TooLong { limit }),
        },
    }
}

/// A status that the protocol does not have, with what the store said about it.
pub(super) async fn unexpected(response: Response<Incoming>, expected: &'static str) -> Fault {
    let came = response.status().as_u16();
    let said = match body(response, WORDS_MAX).await {
        Ok(body) => quotable(&body),
        Err(fault) => fault.to_string(),
    };
    Fault::Status {
        came,
        expected,
        said,
    }
}

fn version(headers: &HeaderMap) -> Result<u64, Fault> {
    let values: Vec<&[u8]> = headers
        .get_all(header::ETAG)
        .iter()
        .map(|value| value.as_bytes())
        .collect();
    let one = match values.as_slice() {
        [] => {
            return Err(Fault::Etag {
                came: "missing".to_owned(),
            });
        }
        [one] => std::str::from_utf8(one).ok().and_then(parse_etag),
        _ => None,
    };
    one.ok_or_else(|| Fault::Etag {
        came: quotable(&values.join(b", ".as_slice())),
    })
}
