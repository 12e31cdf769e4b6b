//! The requests to the record store.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use permafrost_common::store::{Expected, LISTING_TEXT_MAX, TAGS_HEADER, etag};
use permafrost_common::transport::Address;
use tokio::time::{Instant, timeout_at};

use super::accepted::{Range, check_place, check_record, check_tags, check_version};
use super::error::{Fault, StoreClientError};
use super::kept::Sender;
use super::listing::{self, Entries};
use super::pool::Pool;
use super::response::{self, DeleteOutcome, Fetched, PutOutcome};

/// A client of one record store; keeps up to 8 idle connections.
#[derive(Debug)]
pub struct StoreClient {
    pool: Pool,
    time_limit: Duration,
}

impl StoreClient {
    /// A client that connects when it is first used. One request may take `time_limit`, from connecting to the last byte of the
    /// response.
    pub fn new(address: Address, time_limit: Duration) -> Self {
        Self {
            pool: Pool::new(address),
            time_limit,
        }
    }

    /// The newest version of a record, according to the store, without its bytes if it is the `known` version.
    ///
    /// # Errors
    ///
    /// [`StoreClientError::Invalid`], [`StoreClientError::Unreachable`] and [`StoreClientError::Failed`].
    pub async fn get(
        &self,
        kind: &str,
        id: &str,
        known: Option<u64>,
    ) -> Result<Fetched, StoreClientError> {
        let mut request = Request::get(place(kind, id)?);
        if let Some(known) = known {
            check_version(known)?;
            request = request.header(header::IF_NONE_MATCH, etag(known));
        }
        let request = complete(request, Bytes::new())?;
        self.read(request, async |response| {
            response::fetched(response, known).await
        })
        .await
    }

    /// Stores the next version of a record, with these tags (as in the header, or empty), if the store has the expected one.
    ///
    /// # Errors
    ///
    /// After [`StoreClientError::UnknownOutcome`] the record may have been written; after the others it was not.
    /// A store that follows the protocol responds to a repeated put with a conflict.
    pub async fn put(
        &self,
        kind: &str,
        id: &str,
        expected: Expected,
        bytes: &[u8],
        tags: &str,
    ) -> Result<PutOutcome, StoreClientError> {
        let request = Request::put(place(kind, id)?);
        let request = match expected {
            Expected::Absent => request.header(header::IF_NONE_MATCH, "*"),
            Expected::Version(version) => {
                check_version(version)?;
                request.header(header::IF_MATCH, etag(version))
            }
        };
        check_record(bytes)?;
        check_tags(tags)?;
        let mut request = request.header(header::CONTENT_TYPE, "application/octet-stream");
        if !tags.is_empty() {
            request = request.header(TAGS_HEADER, tags);
        }
        let request = complete(request, Bytes::copy_from_slice(bytes))?;
        self.write(request, async |response| {
            response::put_outcome(response, expected).await
        })
        .await
    }

    /// Deletes a record if the store has this version of it.
    ///
    /// # Errors
    ///
    /// After [`StoreClientError::UnknownOutcome`] the record may have been deleted; after the others it was not.
    /// A store that follows the protocol responds to a repeated deletion with a conflict that names no version.
    pub async fn delete(
        &self,
        kind: &str,
        id: &str,
        version: u64,
    ) -> Result<DeleteOutcome, StoreClientError> {
        let request = Request::delete(place(kind, id)?);
        check_version(version)?;
        let request = request.header(header::IF_MATCH, etag(version));
        self.write(complete(request, Bytes::new())?, async |response| {
            response::delete_outcome(response, version).await
        })
        .await
    }

    /// The records of a range, in ascending byte order of id. The store may end a listing early, but then says that there are more. Nothing
    /// here shows whether the records have the tag.
    ///
    /// # Errors
    ///
    /// [`StoreClientError::Invalid`], [`StoreClientError::Unreachable`] and [`StoreClientError::Failed`].
    pub async fn listing(&self, kind: &str, range: Range<'_>) -> Result<Entries, StoreClientError> {
        range.check(kind)?;
        let Range {
            prefix,
            tag,
            after,
            limit,
        } = range;
        let mut path = format!("/records/{kind}?prefix={prefix}&after={after}&limit={limit}");
        if let Some(tag) = tag {
            path = format!("{path}&tag={tag}");
        }
        let request = complete(Request::get(path), Bytes::new())?;
        self.read(request, async |response: Response<Incoming>| {
            if response.status() != StatusCode::OK {
                return Err(response::unexpected(response, "200").await);
            }
            let text = response::body(response, LISTING_TEXT_MAX).await?;
            listing::parse(&text, range)
        })
        .await
    }

    async fn read<T>(
        &self,
        request: Request<Full<Bytes>>,
        interpret: impl AsyncFnOnce(Response<Incoming>) -> Result<T, Fault>,
    ) -> Result<T, StoreClientError> {
        let deadline = Instant::now() + self.time_limit;
        let (sender, response) = self.send(request, true, deadline).await?;
        self.finish(interpret(response), sender, deadline)
            .await
            .map_err(StoreClientError::Failed)
    }

    async fn write<T>(
        &self,
        request: Request<Full<Bytes>>,
        interpret: impl AsyncFnOnce(Response<Incoming>) -> Result<T, Fault>,
    ) -> Result<T, StoreClientError> {
        let deadline = Instant::now() + self.time_limit;
        let (sender, response) = self.send(request, false, deadline).await?;
        self.finish(interpret(response), sender, deadline)
            .await
            .map_err(StoreClientError::UnknownOutcome)
    }

    /// Sends a request and waits for the response to begin.
    ///
    /// The store may just have closed a kept connection. A `repeatable` request that fails on one is sent again on a fresh
    /// connection; any other only if it certainly never left.
    async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        repeatable: bool,
        deadline: Instant,
    ) -> Result<(Sender, Response<Incoming>), StoreClientError> {
        if let Some(sender) = self.pool.kept.take().await {
            let copy = repeatable.then(|| request.clone());
            match self.attempt(sender, request, deadline).await {
                Ok(answered) => return Ok(answered),
                Err(failure) if matches!(failure.fault, Fault::TimedOut(_)) => {
                    return Err(failure.into_error(repeatable));
                }
                Err(Failure { unsent, fault }) => match unsent.or(copy) {
                    Some(again) => request = again,
                    None => return Err(StoreClientError::UnknownOutcome(fault)),
                },
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let sender = self.pool.fresh(left).await?;
        self.attempt(sender, request, deadline)
            .await
            .map_err(|failure| failure.into_error(repeatable))
    }

    async fn attempt(
        &self,
        mut sender: Sender,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<(Sender, Response<Incoming>), Failure> {
        match timeout_at(deadline, sender.try_send_request(request)).await {
            Ok(Ok(response)) => Ok((sender, response)),
            Ok(Err(mut error)) => Err(Failure {
                unsent: error.take_message(),
                fault: Fault::Connection(error.into_error()),
            }),
            Err(_) => Err(Failure {
                unsent: None,
                fault: Fault::TimedOut(self.time_limit),
            }),
        }
    }

    /// Reads a response to its end, and keeps the connection if the response was good.
    async fn finish<T>(
        &self,
        reading: impl Future<Output = Result<T, Fault>>,
        sender: Sender,
        deadline: Instant,
    ) -> Result<T, Fault> {
        let outcome = timeout_at(deadline, reading)
            .await
            .map_err(|_| Fault::TimedOut(self.time_limit))??;
        self.pool.kept.keep(sender);
        Ok(outcome)
    }
}

/// Why one attempt got no response.
struct Failure {
    /// The request, if hyper had not begun to send it.
    unsent: Option<Request<Full<Bytes>>>,
    fault: Fault,
}

impl Failure {
    fn into_error(self, repeatable: bool) -> StoreClientError {
        if repeatable || self.unsent.is_some() {
            StoreClientError::Failed(self.fault)
        } else {
            StoreClientError::UnknownOutcome(self.fault)
        }
    }
}

fn place(kind: &str, id: &str) -> Result<String, StoreClientError> {
    check_place(kind, id)?;
    Ok(format!("/records/{kind}/{id}"))
}

fn complete(
    request: http::request::Builder,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, StoreClientError> {
    request
        .header(header::HOST, "store")
        .body(Full::new(body))
        .map_err(|error| StoreClientError::Invalid(error.to_string()))
}
