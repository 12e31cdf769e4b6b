//! Connections that are kept between requests.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;

/// How long an idle connection is kept: the parent's store closes them after 75 seconds, and the earlier side should be the one
/// that knows whether a request is about to go out.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// How long a kept connection may take to be ready again after its last response: the task that drives it has to run once.
const READY_TIME: Duration = Duration::from_millis(20);

/// A connection that can take a request.
pub(super) type Sender = SendRequest<Full<Bytes>>;

/// Idle connections, all to the same place.
#[derive(Debug)]
pub(super) struct Kept {
    most: usize,
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    sender: Sender,
    since: Instant,
}

impl Kept {
    /// Keeps at most this many.
    pub(super) fn at_most(most: usize) -> Self {
        Self {
            most,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// A kept connection that looks alive, the most recently used first.
    pub(super) async fn take(&self) -> Option<Sender> {
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

    /// Keeps a connection whose last response was read to its end.
    pub(super) fn keep(&self, sender: Sender) {
        let mut idle = self.lock();
        if idle.len() < self.most && !sender.is_closed() {
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
