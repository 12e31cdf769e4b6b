//! Bodies that pass through: counted, capped, never kept.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::exchange::Exchange;

/// How many bytes of a refused request's body are read and discarded, so that the client sees the response instead of a
/// reset connection (RFC 9112 section 9.6).
const LINGER_BYTES: u64 = 4 * 1024 * 1024;

/// How long they are read.
const LINGER_TIME: Duration = Duration::from_secs(2);

/// The body of a request, passed on to the enclave.
///
/// Fails with [`BodyTooLarge`] beyond the limit. If the enclave responds before it has read the whole body, the rest is
/// read and discarded within limits.
pub(super) struct RequestBody {
    /// What was read ahead.
    ahead: Option<Result<Frame<Bytes>, BodyError>>,
    inner: Option<Incoming>,
    intake: Arc<Intake>,
}

type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The state of a request's body, shared with the code that must explain a failure.
#[derive(Debug)]
pub(super) struct Intake {
    limit: u64,
    bytes: AtomicU64,
    ended: AtomicBool,
    broken: AtomicBool,
}

impl Intake {
    pub(super) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            limit,
            bytes: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            broken: AtomicBool::new(false),
        })
    }

    /// The bytes that have arrived, without framing.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.bytes() > self.limit
    }

    /// Whether the last byte has arrived.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Whether the client's connection failed before the last byte.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }
}

/// A request's body is longer than the parent's limit.
#[derive(Debug, thiserror::Error)]
#[error("the body is longer than {limit} bytes")]
pub(super) struct BodyTooLarge {
    limit: u64,
}

impl RequestBody {
    pub(super) fn new(inner: Incoming, intake: Arc<Intake>) -> Self {
        if inner.is_end_stream() {
            intake.ended.store(true, Ordering::Relaxed);
        }
        Self {
            ahead: None,
            inner: Some(inner),
            intake,
        }
    }

    /// An empty body, for the parent's own requests.
    pub(super) fn empty() -> Self {
        Self {
            ahead: None,
            inner: None,
            intake: Intake::new(0),
        }
    }

    /// The first byte, which stays in the body.
    pub(super) async fn first_byte(&mut self) -> Option<u8> {
        if self.ahead.is_none() {
            self.ahead = self.frame().await;
        }
        let frame = self.ahead.as_ref()?.as_ref().ok()?;
        frame.data_ref()?.first().copied()
    }

    fn read_ahead(&self) -> Option<&Bytes> {
        self.ahead.as_ref()?.as_ref().ok()?.data_ref()
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestBody")
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(ahead) = self.ahead.take() {
            return Poll::Ready(Some(ahead));
        }
        let Some(inner) = self.inner.as_mut() else {
            return Poll::Ready(None);
        };
        match ready!(Pin::new(inner).poll_frame(cx)) {
            None => {
                self.intake.ended.store(true, Ordering::Relaxed);
                Poll::Ready(None)
            }
            Some(Err(error)) => {
                self.intake.broken.store(true, Ordering::Relaxed);
                Poll::Ready(Some(Err(error.into())))
            }
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                let total = self.intake.bytes.fetch_add(length, Ordering::Relaxed) + length;
                if total > self.intake.limit {
                    let limit = self.intake.limit;
                    return Poll::Ready(Some(Err(BodyTooLarge { limit }.into())));
                }
                if self.is_end_stream() {
                    self.intake.ended.store(true, Ordering::Relaxed);
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_none() && self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = self.read_ahead().map_or(0, |data| data.len() as u64);
        let left = self.inner.as_ref().map(Body::size_hint);
        let left = left.unwrap_or_else(|| SizeHint::with_exact(0));
        let mut whole = SizeHint::new();
        if let Some(upper) = left.upper() {
            whole.set_upper(upper.saturating_add(ahead));
        }
        whole.set_lower(left.lower().saturating_add(ahead));
        whole
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(rest) = self.inner.take().filter(|body| !body.is_end_stream()) else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(LINGER_TIME, discard(rest)));
        }
    }
}

async fn discard(mut body: Incoming) {
    let mut left = LINGER_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        left = left.saturating_sub(length);
        if left == 0 {
            return;
        }
    }
}

/// A request's body on loan to a connection. Whoever lent it has it back if no part of it was read.
pub(super) struct Loan {
    shared: Lender,
    taken: Option<RequestBody>,
}

/// The lender's side of a [`Loan`].
#[derive(Clone)]
pub(super) struct Lender(Arc<Mutex<Option<RequestBody>>>);

impl Loan {
    pub(super) fn of(body: RequestBody) -> (Self, Lender) {
        let lender = Lender(Arc::new(Mutex::new(Some(body))));
        let loan = Self {
            shared: lender.clone(),
            taken: None,
        };
        (loan, lender)
    }
}

impl Lender {
    /// The body, unless a part of it was read.
    pub(super) fn take_back(&self) -> Option<RequestBody> {
        self.body().take()
    }

    fn body(&self) -> MutexGuard<'_, Option<RequestBody>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for Loan {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.taken.is_none() {
            self.taken = self.shared.take_back();
        }
        match &mut self.taken {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.taken {
            Some(body) => body.is_end_stream(),
            None => self.shared.body().as_ref().is_none_or(Body::is_end_stream),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.taken {
            Some(body) => body.size_hint(),
            None => self
                .shared
                .body()
                .as_ref()
                .map(Body::size_hint)
                .unwrap_or_default(),
        }
    }
}

/// The body of a response: the enclave's stream, or a few bytes of the parent's own.
pub(super) type ResponseBody = Either<Incoming, Full<Bytes>>;

/// A [`ResponseBody`] that reports its progress to its [`Exchange`]. Dropping it ends the exchange.
pub(super) struct ObservedBody {
    inner: ResponseBody,
    exchange: Exchange,
}

impl ObservedBody {
    pub(super) fn new(inner: ResponseBody, mut exchange: Exchange) -> Self {
        if inner.is_end_stream() {
            exchange.response_complete();
        }
        Self { inner, exchange }
    }
}

impl Body for ObservedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = match &mut self.inner {
            Either::Left(stream) => Pin::new(stream).poll_frame(cx),
            Either::Right(full) => Pin::new(full)
                .poll_frame(cx)
                .map_err(|never| match never {}),
        };
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                self.exchange.response_bytes(length);
                if self.inner.is_end_stream() {
                    self.exchange.response_complete();
                }
            }
            Poll::Ready(None) => self.exchange.response_complete(),
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
