//! Kept connections to the record store.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use permafrost_common::transport::{Address, connect_within};

use super::error::{Fault, StoreClientError};

/// The most idle connections that are kept.
const IDLE_MAX: usize = 8;

/// How long an idle connection is kept: the store closes them after 75 seconds, and the earlier side should be the
/// one that knows whether a request is about to go out.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// How long a kept connection may take to be ready again after its last response: the task that drives it has to run once.
const READY_TIME: Duration = Duration::from_millis(20);

/// The longest header of a response, in bytes.
const HEADER_MAX: usize = 16 * 1024;

/// The most header fields of a response.
const HEADERS_MAX: usize = 32;

/// A connection that can take a request.
pub(super) type Sender = SendRequest<Full<Bytes>>;

/// Connections to one address.
#[derive(Debug)]
pub(super) struct Pool {
    address: Address,
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    sender: Sender,
    since: Instant,
}

impl Pool {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// A kept connection that looks alive, the most recently used first.
    pub(super) async fn kept(&self) -> Option<Sender> {
        loop {
            let mut idle = self.lock().pop()?;
            if idle.since.elapsed() > IDLE_TIME {
                continue;
            }
            let ready = tokio::time::timeout(READY_TIME, idle.sender.ready()).await;
            if matches!(ready, Ok(Ok(()))) {
                return Some(idle.sender);
            }
        }
    }

    /// A new connection.
    pub(super) async fn fresh(&self, time: Duration) -> Result<Sender, StoreClientError> {
        let stream = connect_within(&self.address, time).await?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEADER_MAX)
            .max_headers(HEADERS_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| StoreClientError::Failed(Fault::Connection(error)))?;
        // The task that awaits a response gets its errors; it ends when the sender is dropped.
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Keeps a connection whose last response was read to its end.
    pub(super) fn keep(&self, sender: Sender) {
        let mut idle = self.lock();
        if idle.len() < IDLE_MAX && !sender.is_closed() {
            idle.push(Idle {
                sender,
                since: Instant::now(),
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        // No code that holds the lock can leave the list half-changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
