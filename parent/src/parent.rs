//! What runs on the parent instance: the proxy, the record store, the enclave's way out and its log, started together and
//! stopped in order.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Instant;

use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use http::Method;
use permafrost_common::transport::{Address, Cid, Listener, Peers, TransportError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::egress::{Egress, EgressError};
use crate::enclave_log::EnclaveLog;
use crate::metrics;
use crate::proxy::{Proxy, ProxyError, Readiness};
use crate::store::{self, RecordStore, StoreError};

/// Proxy, record store, way out and the enclave's log, with their addresses taken.
pub struct Parent {
    proxy: Proxy,
    store: Running,
    egress: Option<Running>,
    logs: Option<Running>,
}

/// Why the parent does not start.
#[derive(Debug, thiserror::Error)]
pub enum ParentError {
    /// The proxy does not.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The database cannot be opened.
    #[error("store.path = {path}: {source}")]
    Store {
        /// The database of the configuration.
        path: String,
        /// What the store said.
        source: StoreError,
    },
    /// The store's address cannot be had.
    #[error("store.listen: {0}")]
    Listen(#[from] TransportError),
    /// There is no way out.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The address for the enclave's log cannot be had.
    #[error("enclave_log.listen: {0}")]
    Logs(#[source] TransportError),
}

impl Parent {
    /// Opens the record store, the way out and the enclave's log, which serve from now on, and takes the proxy's address. Without
    /// an entry in `egress.allow` there is no way out, and its address stays free.
    ///
    /// # Errors
    /// Where an address is taken or the database cannot be opened.
    pub async fn start(config: &Config) -> Result<Self, ParentError> {
        let proxy = Proxy::bind(config).await?;
        let records = RecordStore::open(&config.store.path)
            .await
            .map_err(|source| ParentError::Store {
                path: config.store.path.display().to_string(),
                source,
            })?;
        let listener = Listener::bind(&config.store.listen, enclave_peers(config)).await?;
        let egress = if config.egress.allow.is_empty() {
            None
        } else {
            let peers = enclave_peers(config);
            let egress = Egress::bind(&config.egress, &config.credentials, peers).await?;
            let hosts = config.egress.allow.len();
            tracing::info!(target: "egress", listen = %egress.address(), hosts, "there is a way out");
            Some(egress)
        };
        let logs = EnclaveLog::bind(&config.enclave_log, enclave_peers(config))
            .await
            .map_err(ParentError::Logs)?;
        if let Some(logs) = &logs {
            tracing::info!(target: "logs", listen = %logs.address(), "the enclave's log is taken");
        }
        Ok(Self {
            proxy,
            store: Running::store(records, listener),
            egress: egress.map(Running::egress),
            logs: logs.map(Running::logs),
        })
    }

    /// The address that clients connect to.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.proxy.local_addr()
    }

    /// Asks the enclave whether it is ready.
    pub fn readiness(&self) -> Readiness {
        self.proxy.readiness()
    }

    /// Serves until `stop` completes. Requests that are there may finish, then the way out, the store and the log end, which
    /// the enclave needs until then. Returns how many connections had to be cut off.
    pub async fn run(self, stop: impl Future<Output = ()>) -> usize {
        let cut_off = self.proxy.serve(stop).await;
        if let Some(egress) = self.egress {
            egress.stop().await;
        }
        self.store.stop().await;
        if let Some(logs) = self.logs {
            logs.stop().await;
        }
        cut_off
    }
}

/// Only the enclave may reach the store, the way out and the log: over vsock its CID says so, over a Unix socket the file's mode.
fn enclave_peers(config: &Config) -> Peers {
    match (&config.store.enclave_cid, &config.enclave.address) {
        (
            0,
            Address::Vsock {
                cid: Cid::Number(cid),
                ..
            },
        ) => Peers::Cids(vec![*cid]),
        (0, _) => Peers::Any,
        (cid, _) => Peers::Cids(vec![*cid]),
    }
}

/// What serves the enclave, until it is told to stop.
struct Running {
    name: &'static str,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Running {
    fn store(records: RecordStore, listener: Listener) -> Self {
        Self::start("the record store", |stopped| async move {
            let router = store::router(records.clone()).layer(middleware::from_fn(observe));
            store::serve_router(router, listener, stopped).await;
            records.close().await;
        })
    }

    fn egress(egress: Egress) -> Self {
        Self::start("the way out", |stopped| egress.serve(stopped))
    }

    fn logs(logs: EnclaveLog) -> Self {
        Self::start("the enclave's log", |stopped| logs.serve(stopped))
    }

    fn start<S>(name: &'static str, serve: impl FnOnce(Stopped) -> S) -> Self
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        let stopped: Stopped = Box::pin(async move {
            let _stopped_or_dropped = stopped.await;
        });
        Self {
            name,
            stop,
            serving: tokio::spawn(serve(stopped)),
        }
    }

    async fn stop(self) {
        let _already_ended = self.stop.send(());
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "{} failed", self.name);
        }
    }
}

type Stopped = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Counts what the enclave asks of the store.
async fn observe(request: Request, next: Next) -> Response {
    let operation = match *request.method() {
        Method::PUT => "put",
        Method::GET if request.uri().path().split('/').count() > 3 => "get",
        Method::GET => "list",
        _ => "other",
    };
    let began = Instant::now();
    let response = next.run(request).await;
    metrics::store_operation(operation, response.status().as_u16(), began.elapsed());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(enclave: &str, enclave_cid: u32) -> Peers {
        let mut config = Config::default();
        config.enclave.address = enclave.parse().unwrap();
        config.store.enclave_cid = enclave_cid;
        enclave_peers(&config)
    }

    #[test]
    fn only_the_enclaves_cid_is_served() {
        assert_eq!(peers("vsock://16:5000", 0), Peers::Cids(vec![16]));
        assert_eq!(peers("vsock://16:5000", 17), Peers::Cids(vec![17]));
        assert_eq!(peers("unix:/run/enclave.sock", 17), Peers::Cids(vec![17]));
        assert_eq!(peers("unix:/run/enclave.sock", 0), Peers::Any);
    }
}
