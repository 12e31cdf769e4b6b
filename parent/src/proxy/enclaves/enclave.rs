//! One enclave as the parent sees it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use http::{HeaderMap, HeaderValue, Request, Response};
use hyper::body::Incoming;
use permafrost_common::api::ATTESTATION_HEADER;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::naming::Named;
use crate::config::EnclaveConfig;
use crate::metrics;
use crate::proxy::body::RequestBody;
use crate::proxy::upstream::{Upstream, UpstreamError};

/// One enclave: the connections to it, and what is known of it.
pub(crate) struct Enclave {
    name: String,
    address: String,
    upstream: Upstream,
    mode: AtomicU8,
    ready: AtomicBool,
    in_flight: AtomicUsize,
    boot: RwLock<Option<KnownBoot>>,
    /// Wakes the watch before its time.
    pub(super) doubted: Notify,
}

/// Which requests an enclave gets.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// Its share of those that name no boot, and those that name its own.
    Serving,
    /// Only those that name its boot.
    Draining,
    /// None. Those that name its boot go to another enclave, which tells their clients to move.
    Removed,
}

/// The boot that an enclave runs, as it says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct KnownBoot {
    /// What its responses carry in `X-Enclave-Attestation`.
    pub(super) digest: HeaderValue,
    /// The ids of its Oblivious HTTP keys, once they were fetched.
    pub(super) key_ids: Option<Vec<u8>>,
}

impl Enclave {
    pub(super) fn new(config: &EnclaveConfig) -> Self {
        metrics::enclave_serving(&config.name, true);
        Self {
            name: config.name.clone(),
            address: config.address.to_string(),
            upstream: Upstream::new(config),
            mode: AtomicU8::new(Mode::Serving as u8),
            ready: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            boot: RwLock::new(None),
            doubted: Notify::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn mode(&self) -> Mode {
        match self.mode.load(Ordering::SeqCst) {
            mode if mode == Mode::Serving as u8 => Mode::Serving,
            mode if mode == Mode::Draining as u8 => Mode::Draining,
            _ => Mode::Removed,
        }
    }

    pub(crate) fn set_mode(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::SeqCst);
        metrics::enclave_serving(&self.name, mode == Mode::Serving);
        tracing::info!(enclave = self.name, ?mode, "an enclave's mode was set");
    }

    /// Whether it was ready when it was last asked, and no connection has failed since.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    pub(super) fn set_ready(&self, ready: bool) {
        let before = self.ready.swap(ready, Ordering::Relaxed);
        metrics::enclave_ready(&self.name, ready);
        if before != ready {
            tracing::info!(enclave = self.name, ready, "an enclave's readiness changed");
        }
    }

    /// How many clients' requests it has not finished.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Counts a request, until the value is dropped.
    pub(super) fn take_up(self: Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        metrics::enclave_request_began(&self.name);
        InFlight(self)
    }

    /// The digest of the boot that it runs, as it says.
    pub(crate) fn boot(&self) -> Option<String> {
        let boot = self.known_boot()?;
        boot.digest.to_str().ok().map(str::to_owned)
    }

    pub(super) fn known_boot(&self) -> Option<KnownBoot> {
        let boot = self.boot.read().unwrap_or_else(PoisonError::into_inner);
        boot.clone()
    }

    pub(super) fn is_named(&self, named: &Named) -> bool {
        let boot = self.boot.read().unwrap_or_else(PoisonError::into_inner);
        let Some(boot) = boot.as_ref() else {
            return false;
        };
        match named {
            Named::Boot(digest) => boot.digest == digest,
            Named::KeyId(id) => boot.key_ids.as_ref().is_some_and(|ids| ids.contains(id)),
            Named::Nothing => false,
        }
    }

    pub(super) async fn send(
        &self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let sent = self.upstream.send(request).await;
        if let Ok(response) = &sent {
            self.learn(response.headers());
        }
        sent
    }

    /// Asks it soon whether it is ready, because a request failed.
    pub(super) fn doubt(&self) {
        self.doubted.notify_one();
    }

    /// Notes that it did not respond in time.
    pub(crate) fn timed_out(&self) {
        self.upstream.timed_out();
    }

    /// Notes which boot responded.
    fn learn(&self, headers: &HeaderMap) {
        let Some(digest) = headers.get(ATTESTATION_HEADER) else {
            return;
        };
        let known = self.known_boot();
        if known.is_none_or(|known| known.digest != digest) {
            self.set_boot(KnownBoot {
                digest: digest.clone(),
                key_ids: None,
            });
        }
    }

    pub(super) fn set_boot(&self, boot: KnownBoot) {
        *self.boot.write().unwrap_or_else(PoisonError::into_inner) = Some(boot);
    }
}

/// A request that an enclave has not finished.
pub(crate) struct InFlight(Arc<Enclave>);

impl InFlight {
    pub(crate) fn enclave(&self) -> &str {
        self.0.name()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
        metrics::enclave_request_ended(self.0.name());
    }
}
