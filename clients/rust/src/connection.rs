//! HTTP/1.1 over kept connections, with limits on time and length.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, header::HOST, response::Parts};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use permafrost_common::transport;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::{Endpoint, Error};

/// The longest body of a response that is read, in bytes: more than a full listing of the largest keys.
pub(crate) const RESPONSE_MAX: usize = 4 * 1024 * 1024;

/// How many idle connections are kept.
const IDLE_MAX: usize = 16;

/// What hyper reads of a response's head before it gives up, in bytes.
const HEAD_MAX: usize = 32 * 1024;

type Sender = SendRequest<Full<Bytes>>;

/// The connections to one endpoint.
pub(crate) struct Connections {
    pub(crate) endpoint: Endpoint,
    time_limit: Duration,
    idle: Mutex<Vec<Sender>>,
}

/// A response that has arrived as a whole; nothing about it has been checked.
#[derive(Debug)]
pub(crate) struct RawResponse {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
}

/// Why there is no response.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Whether a connection broke that had been idle: most likely the peer closed it before the request arrived.
    pub(crate) on_kept_connection: bool,
}

impl Connections {
    pub(crate) fn new(endpoint: Endpoint, time_limit: Duration) -> Self {
        Self {
            endpoint,
            time_limit,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Sends a request in origin form and reads the whole response.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<RawResponse, Failure> {
        tokio::time::timeout(self.time_limit, self.exchange(request))
            .await
            .unwrap_or_else(|_| {
                Err(Failure::fresh(Error::TimedOut {
                    endpoint: self.endpoint.clone(),
                    after: self.time_limit,
                }))
            })
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<RawResponse, Failure> {
        let mut request = request.map(Full::new);
        let host = HeaderValue::from_str(&self.endpoint.host_field())
            .map_err(|error| self.unreachable(error))?;
        request.headers_mut().insert(HOST, host);
        loop {
            let (mut sender, kept) = match self.kept().await {
                Some(sender) => (sender, true),
                None => (self.connect().await?, false),
            };
            let mut error = match sender.try_send_request(request).await {
                Ok(response) => return self.collect(response, sender).await,
                Err(error) => error,
            };
            match error.take_message() {
                Some(unsent) if kept => request = unsent,
                Some(_) => return Err(self.unreachable(error.into_error())),
                None => {
                    return Err(Failure {
                        on_kept_connection: kept,
                        ..self.interrupted(error.into_error())
                    });
                }
            }
        }
    }

    /// A connection that was left open, if its peer has not closed it.
    async fn kept(&self) -> Option<Sender> {
        loop {
            let mut sender = self.idle().pop()?;
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    async fn connect(&self) -> Result<Sender, Failure> {
        match &self.endpoint {
            Endpoint::Http { host, port } => {
                let name = host.trim_start_matches('[').trim_end_matches(']');
                let stream = TcpStream::connect((name, *port))
                    .await
                    .map_err(|error| self.unreachable(error))?;
                stream
                    .set_nodelay(true)
                    .map_err(|error| self.unreachable(error))?;
                self.handshake(stream).await
            }
            Endpoint::Transport(address) => {
                let stream = transport::connect(address)
                    .await
                    .map_err(|error| self.unreachable(error))?;
                self.handshake(stream).await
            }
        }
    }

    async fn handshake<S>(&self, stream: S) -> Result<Sender, Failure>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.unreachable(error))?;
        // The task ends when the peer closes or the sender is dropped; the sender gets its error, too.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn collect(
        &self,
        response: http::Response<Incoming>,
        sender: Sender,
    ) -> Result<RawResponse, Failure> {
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, RESPONSE_MAX)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    Failure::fresh(Error::ResponseTooLarge { max: RESPONSE_MAX })
                } else {
                    self.interrupted(error)
                }
            })?
            .to_bytes();
        let mut idle = self.idle();
        if idle.len() < IDLE_MAX && !sender.is_closed() {
            idle.push(sender);
        }
        Ok(RawResponse { parts, body })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Sender>> {
        // Nothing panics while the lock is held, and a list of connections cannot be half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreachable(&self, reason: impl ToString) -> Failure {
        Failure::fresh(Error::Unreachable {
            endpoint: self.endpoint.clone(),
            reason: reason.to_string(),
        })
    }

    fn interrupted(&self, reason: impl ToString) -> Failure {
        Failure::fresh(Error::Interrupted {
            endpoint: self.endpoint.clone(),
            reason: reason.to_string(),
        })
    }
}

impl Failure {
    pub(crate) fn fresh(error: Error) -> Self {
        Self {
            error,
            on_kept_connection: false,
        }
    }
}
