//! The connections to the enclave: a pool over a transport address.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{HOST, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use permafrost_common::transport::{self, Address};
use tower::Service;

use super::body::{Loan, RequestBody};
use crate::config::EnclaveConfig;
use crate::metrics;

/// Connections to the enclave, made when needed and kept for the next request.
///
/// A request is sent at most once: it is tried on another connection only if the first one had closed before any part of
/// the request was written.
#[derive(Clone)]
pub(super) struct Upstream {
    client: Client<Connector, Loan>,
    reachability: Arc<Reachability>,
}

/// Why the enclave did not respond.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpstreamError {
    /// There was no connection: no part of the request was sent.
    #[error("{why}")]
    NotConnected {
        /// What the system said.
        why: String,
        /// The request, for another enclave.
        unsent: Option<Box<Request<RequestBody>>>,
    },
    /// The connection broke: the request may have arrived.
    #[error("{0}")]
    Broken(String),
}

impl Upstream {
    pub(super) fn new(config: &EnclaveConfig) -> Self {
        let reachability = Arc::new(Reachability::new(&config.name));
        let connector = Connector {
            address: Arc::new(config.address.clone()),
            timeout: config.connect_timeout,
            reachability: reachability.clone(),
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(config.idle_timeout)
            .pool_max_idle_per_host(config.idle_connections)
            .set_host(false)
            .build(connector);
        Self {
            client,
            reachability,
        }
    }

    /// Sends one request and returns the head of the response, whose body still streams.
    ///
    /// The path and the query are sent byte for byte as they are in `request`. `Host` is what the client sent, except where RFC 9112
    /// demands another: section 3.2.2 the host of a target in absolute form, section 3.2 an empty one if the client, which then
    /// speaks HTTP/1.0, sent none.
    pub(super) async fn send(
        &self,
        mut request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, UpstreamError> {
        if let Some(authority) = request.uri().authority() {
            let host = HeaderValue::from_str(authority.as_str()).map_err(not_made)?;
            request.headers_mut().insert(HOST, host);
        }
        request
            .headers_mut()
            .entry(HOST)
            .or_insert(HeaderValue::from_static(""));
        *request.uri_mut() = pool_uri(request.uri().path_and_query())?;
        *request.version_mut() = Version::HTTP_11;
        let (head, body) = request.into_parts();
        let (loan, lender) = Loan::of(body);
        let sent = self
            .client
            .request(Request::from_parts(head.clone(), loan))
            .await;
        self.reachability.saw(sent.is_ok());
        sent.map_err(|error| match error.is_connect() {
            true => UpstreamError::NotConnected {
                why: causes(&error),
                unsent: lender
                    .take_back()
                    .map(|body| Box::new(Request::from_parts(head, body))),
            },
            false => UpstreamError::Broken(causes(&error)),
        })
    }

    /// Marks the enclave as unreachable after it failed to respond in time.
    pub(super) fn timed_out(&self) {
        self.reachability.saw(false);
    }
}

/// The pool is keyed by scheme and authority, which never leave this process: the enclave has one address.
fn pool_uri(path_and_query: Option<&PathAndQuery>) -> Result<Uri, UpstreamError> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(Authority::from_static("enclave"));
    parts.path_and_query = Some(
        path_and_query
            .cloned()
            .unwrap_or_else(|| PathAndQuery::from_static("/")),
    );
    Uri::from_parts(parts).map_err(not_made)
}

fn not_made(error: impl std::fmt::Display) -> UpstreamError {
    UpstreamError::NotConnected {
        why: error.to_string(),
        unsent: None,
    }
}

/// An error with its causes; hyper's outermost text alone says little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// Whether the last attempt to reach the enclave succeeded.
#[derive(Debug)]
struct Reachability {
    enclave: String,
    state: AtomicU8,
}

const REACHED: u8 = 1;
const LOST: u8 = 2;

impl Reachability {
    fn new(enclave: &str) -> Self {
        Self {
            enclave: enclave.to_owned(),
            state: AtomicU8::default(),
        }
    }

    fn saw(&self, reached: bool) {
        let now = if reached { REACHED } else { LOST };
        let before = self.state.swap(now, Ordering::Relaxed);
        let again = reached && before == LOST;
        metrics::enclave_reachable(&self.enclave, reached, again);
        if again {
            tracing::info!(enclave = self.enclave, "the enclave is reachable again");
        } else if !reached && before != LOST {
            tracing::warn!(enclave = self.enclave, "the enclave cannot be reached");
        }
    }
}

#[derive(Clone)]
struct Connector {
    address: Arc<Address>,
    timeout: Duration,
    reachability: Arc<Reachability>,
}

impl Service<Uri> for Connector {
    type Response = EnclaveConnection;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<EnclaveConnection>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let connected = transport::connect_within(&connector.address, connector.timeout)
                .await
                .map_err(io::Error::other);
            metrics::enclave_connect(&connector.reachability.enclave, connected.is_ok());
            if connected.is_err() {
                connector.reachability.saw(false);
            }
            connected.map(|stream| EnclaveConnection(TokioIo::new(stream)))
        })
    }
}

/// A transport stream in the form that the pool requires.
struct EnclaveConnection(TokioIo<transport::Stream>);

impl Connection for EnclaveConnection {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for EnclaveConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl hyper::rt::Write for EnclaveConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, buffers)
    }
}
