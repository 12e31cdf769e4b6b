//! The blind reverse proxy: HTTP/1.1 over TCP on the outside, the enclave's transport address on the inside.
//!
//! It forwards bytes. Paths, queries and header fields pass unchanged, because signatures cover them; only hop-by-hop fields
//! end here (RFC 9110 section 7.6.1). Bodies stream in both directions. The proxy's own responses are unsigned: problem
//! documents if the enclave cannot be reached or a limit is exceeded, and those at `/healthz`, `/readyz` and `/metrics`,
//! which never reach the enclave.

mod body;
mod deadline;
mod enclaves;
mod exchange;
mod gateway;
mod hop_by_hop;
mod operations;
mod response;
mod route;
mod upstream;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use permafrost_common::problem::Problem;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use self::deadline::Deadline;
pub(crate) use self::enclaves::{Enclave, Enclaves, Mode};
use self::gateway::Gateway;
use crate::config::Config;
use crate::metrics::{self, MetricsError, Ongoing};
use crate::page::{Page, PageError};

/// How long the proxy stops accepting after an error such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A proxy that is bound to its address and does not serve yet.
pub struct Proxy {
    listener: TcpListener,
    gateway: Arc<Gateway>,
    grace: Duration,
}

/// Why a proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The proxy cannot bind the listen address.
    #[error("listen = {address}: {source}")]
    Listen {
        /// The address in the configuration.
        address: SocketAddr,
        /// The operating system's error.
        source: io::Error,
    },
    /// The page cannot be served.
    #[error(transparent)]
    Page(#[from] PageError),
    /// Metrics cannot be recorded.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

impl Proxy {
    /// Binds the listen address of the configuration. The enclave need not run yet.
    ///
    /// # Errors
    /// [`ProxyError::Listen`] if the address cannot be bound, [`ProxyError::Page`] if the page cannot be read.
    pub async fn bind(config: &Config) -> Result<Self, ProxyError> {
        let page = Page::read(&config.page)?;
        let address = config.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| ProxyError::Listen { address, source })?;
        Ok(Self {
            listener,
            gateway: Arc::new(Gateway::new(config, page, metrics::recorder()?)),
            grace: config.stop.grace,
        })
    }

    /// The address that clients connect to; if the configured port is 0, this has the actual port.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Asks the enclave whether it is ready, also before the proxy serves.
    pub fn readiness(&self) -> Readiness {
        Readiness(self.gateway.clone())
    }

    /// The enclaves that requests go to.
    pub(crate) fn enclaves(&self) -> Arc<Enclaves> {
        self.gateway.enclaves.clone()
    }

    /// Serves until `stop` completes; then accepts nothing more, finishes the requests in progress within the configured grace,
    /// and returns how many connections had to be cut off.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> usize {
        let places = Arc::new(Semaphore::new(self.gateway.limits.connections));
        let closing = watch::Sender::new(false);
        let _watching = Watching::start(self.gateway.enclaves.clone());
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            let accepted = async {
                let place = places.clone().acquire_owned().await;
                (self.listener.accept().await, place)
            };
            let (accepted, place) = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = accepted => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let serving =
                        serve_connection(self.gateway.clone(), stream, peer, closing.subscribe());
                    connections.spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
        drop(self.listener);
        closing.send_replace(true);
        finish(connections, self.grace).await
    }
}

/// Whether an enclave behind a [`Proxy`] is ready.
#[derive(Clone)]
pub struct Readiness(Arc<Gateway>);

impl Readiness {
    /// Asks now, for at most two seconds.
    ///
    /// # Errors
    /// `enclave-unreachable`, or `not-ready` with the reason that the enclave gives.
    pub async fn ask(&self) -> Result<(), Problem> {
        operations::ready(&self.0).await.map(drop)
    }
}

/// Asks the enclaves for their health until it is dropped.
struct Watching(JoinHandle<()>);

impl Watching {
    fn start(enclaves: Arc<Enclaves>) -> Self {
        Self(tokio::spawn(async move { enclaves.watch().await }))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn finish(mut connections: JoinSet<()>, grace: Duration) -> usize {
    let all_done = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, all_done).await.is_ok() {
        return 0;
    }
    let cut_off = connections.len();
    connections.shutdown().await;
    cut_off
}

async fn serve_connection(
    gateway: Arc<Gateway>,
    stream: TcpStream,
    peer: SocketAddr,
    mut closing: watch::Receiver<bool>,
) {
    let _ongoing = Ongoing::connection();
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %peer, "TCP_NODELAY could not be set");
    }
    let limits = &gateway.limits;
    let deadline = Deadline::new(limits.idle_timeout, limits.request_timeout);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.idle_timeout)
        // A client may close its sending half after the request and still read the response. One that has left altogether looks
        // the same until the response is written, so the deadline ends its request, too.
        .half_close(true)
        // Above the limit, so that a header that is a little too long gets a problem document and not hyper's bare 431.
        .max_header_size(limits.header_bytes.saturating_mul(2).saturating_add(8192));
    let service = {
        let (gateway, deadline) = (gateway.clone(), deadline.clone());
        service_fn(move |request| {
            let (gateway, deadline) = (gateway.clone(), deadline.clone());
            async move { Ok::<_, Infallible>(gateway.respond(request, peer, deadline).await) }
        })
    };
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let mut passed = pin!(deadline.passed());
    let mut told = false;
    loop {
        tokio::select! {
            served = connection.as_mut() => {
                if let Err(error) = served {
                    tracing::debug!(%error, %peer, "a connection broke");
                }
                return;
            }
            _ = closing.wait_for(|closing| *closing), if !told => {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
            () = passed.as_mut() => {
                tracing::debug!(%peer, "a connection exceeded its deadline");
                return;
            }
        }
    }
}
