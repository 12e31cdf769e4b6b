//! Every connection always has a deadline for its next step: a client that sends no request, does not finish one, or does
//! not read the response loses its connection, and with it the place that it held.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// One connection's deadline; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Deadline {
    at: Arc<watch::Sender<Instant>>,
    idle: Duration,
    request: Duration,
}

impl Deadline {
    /// `idle` is the time allowed between requests, `request` the time for each of them.
    pub(super) fn new(idle: Duration, request: Duration) -> Self {
        Self {
            at: Arc::new(watch::Sender::new(Instant::now() + idle)),
            idle,
            request,
        }
    }

    pub(super) fn request_began(&self) {
        self.at.send_replace(Instant::now() + self.request);
    }

    pub(super) fn request_ended(&self) {
        self.at.send_replace(Instant::now() + self.idle);
    }

    /// Returns when the deadline has passed, however often it is moved in the meantime.
    pub(super) async fn passed(&self) {
        let mut moved = self.at.subscribe();
        loop {
            let at = *moved.borrow_and_update();
            tokio::select! {
                () = tokio::time::sleep_until(at) => return,
                changed = moved.changed() => if changed.is_err() { return },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_deadline_that_is_moved_does_not_pass_early() {
        let deadline = Deadline::new(Duration::from_millis(40), Duration::from_millis(200));
        let began = Instant::now();
        deadline.request_began();
        deadline.passed().await;
        assert!(began.elapsed() >= Duration::from_millis(200));
    }

    #[tokio::test]
    async fn an_idle_connection_reaches_its_deadline() {
        let deadline = Deadline::new(Duration::from_millis(20), Duration::from_secs(60));
        deadline.request_began();
        deadline.request_ended();
        tokio::time::timeout(Duration::from_secs(5), deadline.passed())
            .await
            .unwrap();
    }
}
