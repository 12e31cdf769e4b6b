//! One request and its response, from the first byte of the header to the last byte of the body: the access log, the
//! metrics, and the permits that it holds until then.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::{Method, Request};
use tokio::sync::OwnedSemaphorePermit;

use super::body::Intake;
use super::deadline::Deadline;
use super::enclaves::InFlight;
use super::route;
use crate::metrics::{self, Ongoing};

/// The longest path that is logged, in characters.
const LOGGED_PATH_MAX: usize = 512;

/// Dropping it ends the exchange, logs the line and counts the metrics.
pub(super) struct Exchange {
    peer: SocketAddr,
    method: Method,
    path: String,
    route: &'static str,
    started: Instant,
    status: Option<u16>,
    intake: Arc<Intake>,
    response_bytes: u64,
    complete: bool,
    deadline: Deadline,
    permit: Option<OwnedSemaphorePermit>,
    in_flight: Option<InFlight>,
    _ongoing: Ongoing,
}

impl Exchange {
    pub(super) fn begin<B>(
        request: &Request<B>,
        peer: SocketAddr,
        intake: Arc<Intake>,
        deadline: Deadline,
    ) -> Self {
        deadline.request_began();
        let path = request.uri().path();
        Self {
            peer,
            method: request.method().clone(),
            path: path.chars().take(LOGGED_PATH_MAX).collect(),
            route: route::template(path),
            started: Instant::now(),
            status: None,
            intake,
            response_bytes: 0,
            complete: false,
            deadline,
            permit: None,
            in_flight: None,
            _ongoing: Ongoing::request(),
        }
    }

    /// Keeps one of the places for concurrent requests until the response has been sent.
    pub(super) fn hold(&mut self, permit: OwnedSemaphorePermit) {
        self.permit = Some(permit);
    }

    /// Counts the request as one of this enclave's until the response has been sent.
    pub(super) fn at(&mut self, in_flight: InFlight) {
        self.in_flight = Some(in_flight);
    }

    pub(super) fn responded(&mut self, status: u16) {
        self.status = Some(status);
    }

    pub(super) fn response_bytes(&mut self, bytes: usize) {
        self.response_bytes += bytes as u64;
    }

    /// Notes that the last byte of the response was sent.
    pub(super) fn response_complete(&mut self) {
        self.complete = true;
    }

    /// Probes come every few seconds and bring no news, so they are logged at debug level only.
    fn is_probe(&self) -> bool {
        matches!(self.route, "/healthz" | "/readyz" | "/metrics")
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.deadline.request_ended();
        let took = self.started.elapsed();
        metrics::request_done(route::method(&self.method), self.route, self.status, took);
        metrics::bodies(self.intake.bytes(), self.response_bytes);

        macro_rules! log_at {
            ($level:ident) => {
                tracing::$level!(
                    target: "access",
                    method = %self.method,
                    path = self.path,
                    status = self.status,
                    enclave = self.in_flight.as_ref().map(InFlight::enclave),
                    bytes_in = self.intake.bytes(),
                    bytes_out = self.response_bytes,
                    complete = self.complete,
                    ms = (took.as_secs_f64() * 1e6).round() / 1e3,
                    peer = %self.peer,
                    "request"
                )
            };
        }
        if self.is_probe() {
            log_at!(debug);
        } else {
            log_at!(info);
        }
    }
}
