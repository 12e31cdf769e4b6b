//! How a CONNECT request ended: counted once and logged once, whatever happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::metrics;

/// The label of all hosts that are not on the allow-list, so that requests cannot create labels.
const UNLISTED: &str = "unlisted";

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// Both sides closed, or one closed and the other left.
    Done,
    NotAllowed,
    AddressRefused,
    Unreachable,
    ConnectTimeout,
    TooMany,
    IdleTimeout,
    TimeLimit,
    ByteLimit,
    /// A side failed before either had closed.
    Broken,
    /// The enclave left before it was connected, or the parent stopped.
    CutOff,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotAllowed => "not-allowed",
            Self::AddressRefused => "address-refused",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect-timeout",
            Self::TooMany => "too-many",
            Self::IdleTimeout => "idle-timeout",
            Self::TimeLimit => "time-limit",
            Self::ByteLimit => "byte-limit",
            Self::Broken => "broken",
            Self::CutOff => "cut-off",
        }
    }
}

/// One CONNECT request, from its header to the last byte.
pub(super) struct Attempt {
    target: String,
    host: Option<String>,
    began: Instant,
    outcome: Outcome,
    detail: Option<String>,
    carried: Arc<Carried>,
}

/// The numbers of bytes carried in each direction.
#[derive(Debug, Default)]
pub(super) struct Carried {
    to_host: AtomicU64,
    to_enclave: AtomicU64,
}

impl Attempt {
    pub(super) fn new(target: String) -> Self {
        Self {
            target,
            host: None,
            began: Instant::now(),
            outcome: Outcome::CutOff,
            detail: None,
            carried: Arc::default(),
        }
    }

    /// Notes that the host is on the allow-list.
    pub(super) fn listed(&mut self, host: &str) {
        self.host = Some(host.to_owned());
    }

    pub(super) fn ended(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    /// Notes that the attempt ended before there was a connection, and why.
    pub(super) fn refused(&mut self, outcome: Outcome, why: &str) {
        self.outcome = outcome;
        self.detail = Some(why.to_owned());
    }

    pub(super) fn carried(&self) -> Arc<Carried> {
        self.carried.clone()
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let outcome = self.outcome.as_str();
        metrics::egress_ended(self.host.as_deref().unwrap_or(UNLISTED), outcome);
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (to_host, to_enclave) = self.carried.both();
        let (target, detail) = (&self.target, self.detail.as_deref());
        match self.outcome {
            Outcome::Done | Outcome::CutOff => {
                tracing::info!(target: "egress", to = %target, outcome, to_host, to_enclave, ms);
            }
            _ => {
                tracing::warn!(target: "egress", to = %target, outcome, to_host, to_enclave, ms, detail);
            }
        }
    }
}

impl Carried {
    pub(super) fn to_host(&self, bytes: u64) {
        self.to_host.fetch_add(bytes, Ordering::Relaxed);
        metrics::egress_bytes("to-host", bytes);
    }

    pub(super) fn to_enclave(&self, bytes: u64) {
        self.to_enclave.fetch_add(bytes, Ordering::Relaxed);
        metrics::egress_bytes("to-enclave", bytes);
    }

    /// The bytes to the host and to the enclave.
    pub(super) fn both(&self) -> (u64, u64) {
        (
            self.to_host.load(Ordering::Relaxed),
            self.to_enclave.load(Ordering::Relaxed),
        )
    }
}
