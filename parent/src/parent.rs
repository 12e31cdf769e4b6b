//! What runs on the parent instance: the proxy, the record store, the egress proxy and the enclave log, started together
//! and stopped in order.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Instant;

use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use http::Method;
use permafrost_common::transport::{Listener, Peers, TransportError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::admin::Admin;
use crate::config::{Config, DatabaseConfig, EnclaveConfig};
use crate::egress::{Egress, EgressError};
use crate::enclave_log::EnclaveLog;
use crate::metrics;
use crate::proxy::{Proxy, ProxyError, Readiness};
use crate::store::{self, RecordStore, StoreError};

/// The proxy, the record store, the egress proxy and the enclave log, each bound to its address.
pub struct Parent {
    proxy: Proxy,
    store: Running,
    egress: Option<Running>,
    enclave_log: Option<Running>,
    admin: Option<Running>,
}

/// Why the parent does not start.
#[derive(Debug, thiserror::Error)]
pub enum ParentError {
    /// The proxy does not start.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The database file cannot be opened.
    #[error("store.sqlite = {path}: {source}")]
    Store {
        /// The database file in the configuration.
        path: String,
        /// The store's error.
        source: StoreError,
    },
    /// The PostgreSQL database cannot be used.
    #[error("store.postgres: {0}")]
    Postgres(#[source] StoreError),
    /// The store cannot bind its address.
    #[error("store.listen: {0}")]
    Listen(#[from] TransportError),
    /// The egress proxy does not start.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The parent cannot bind the address for the enclave log.
    #[error("enclave_log.listen: {0}")]
    EnclaveLog(#[source] TransportError),
    /// The parent cannot bind the administration socket.
    #[error("admin.listen: {0}")]
    Admin(#[source] TransportError),
}

impl Parent {
    /// Starts the record store, the egress proxy and the enclave log, which serve from now on, and binds the proxy's address.
    /// Without an entry in `egress.allow` there is no egress proxy, and its address stays free.
    ///
    /// # Errors
    /// [`ParentError`] if an address cannot be bound or the database cannot be opened.
    pub async fn start(config: &Config) -> Result<Self, ParentError> {
        let proxy = Proxy::bind(config).await?;
        let records = open(&config.store.database).await?;
        let listener = Listener::bind(&config.store.listen, enclave_peers(config)).await?;
        let egress = if config.egress.allow.is_empty() {
            None
        } else {
            let peers = enclave_peers(config);
            let egress = Egress::bind(&config.egress, &config.credentials, peers).await?;
            let hosts = config.egress.allow.len();
            tracing::info!(target: "egress", listen = %egress.address(), hosts, "the egress proxy listens");
            Some(egress)
        };
        let enclave_log =
            EnclaveLog::bind(&config.enclave_log, &config.enclaves, enclave_peers(config))
                .await
                .map_err(ParentError::EnclaveLog)?;
        if let Some(log) = &enclave_log {
            tracing::info!(target: "enclave_log", listen = %log.address(), "the receiver of the enclave log listens");
        }
        let admin = Admin::bind(config.admin.listen.as_ref(), proxy.enclaves())
            .await
            .map_err(ParentError::Admin)?;
        Ok(Self {
            proxy,
            store: Running::store(records, listener),
            egress: egress.map(Running::egress),
            enclave_log: enclave_log.map(Running::enclave_log),
            admin: admin.map(Running::admin),
        })
    }

    /// The address that clients connect to.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.proxy.local_addr()
    }

    /// Asks the enclave whether it is ready.
    pub fn readiness(&self) -> Readiness {
        self.proxy.readiness()
    }

    /// Serves until `stop` completes. Requests in progress may finish; then the egress proxy, the store and the enclave log,
    /// which the enclave needs until then, end. Returns how many connections had to be cut off.
    pub async fn run(self, stop: impl Future<Output = ()>) -> usize {
        let cut_off = self.proxy.serve(stop).await;
        if let Some(admin) = self.admin {
            admin.stop().await;
        }
        if let Some(egress) = self.egress {
            egress.stop().await;
        }
        self.store.stop().await;
        if let Some(log) = self.enclave_log {
            log.stop().await;
        }
        cut_off
    }
}

async fn open(database: &DatabaseConfig) -> Result<RecordStore, ParentError> {
    match database {
        DatabaseConfig::Sqlite(path) => {
            RecordStore::open(path)
                .await
                .map_err(|source| ParentError::Store {
                    path: path.display().to_string(),
                    source,
                })
        }
        DatabaseConfig::Postgres(config) => RecordStore::connect(config)
            .await
            .map_err(ParentError::Postgres),
    }
}

/// Only the enclaves may connect to the store, the egress proxy and the enclave log: over vsock their CIDs ensure that, over a
/// Unix socket the file's mode.
fn enclave_peers(config: &Config) -> Peers {
    let cids: Vec<u32> = match config.store.enclave_cid {
        0 => config
            .enclaves
            .iter()
            .filter_map(EnclaveConfig::cid)
            .collect(),
        cid => vec![cid],
    };
    match cids.is_empty() {
        true => Peers::Any,
        false => Peers::Cids(cids),
    }
}

/// A service for the enclave that runs until it is stopped.
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
        Self::start("the egress proxy", |stopped| egress.serve(stopped))
    }

    fn enclave_log(log: EnclaveLog) -> Self {
        Self::start("the enclave log", |stopped| log.serve(stopped))
    }

    fn admin(admin: Admin) -> Self {
        Self::start("the administration socket", |stopped| admin.serve(stopped))
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

/// Records each request of the enclave to the store.
async fn observe(request: Request, next: Next) -> Response {
    let operation = match *request.method() {
        Method::PUT => "put",
        Method::DELETE => "delete",
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

    fn peers(enclaves: &[&str], enclave_cid: u32) -> Peers {
        let mut config = Config::default();
        let enclave = |address: &&str| EnclaveConfig {
            address: address.parse().unwrap(),
            ..EnclaveConfig::default()
        };
        config.enclaves = enclaves.iter().map(enclave).collect();
        config.store.enclave_cid = enclave_cid;
        enclave_peers(&config)
    }

    #[test]
    fn only_the_enclaves_cids_are_served() {
        let socket = "unix:/run/enclave.sock";
        assert_eq!(peers(&["vsock://16:5000"], 0), Peers::Cids(vec![16]));
        assert_eq!(peers(&["vsock://16:5000"], 17), Peers::Cids(vec![17]));
        assert_eq!(peers(&[socket], 17), Peers::Cids(vec![17]));
        assert_eq!(peers(&[socket], 0), Peers::Any);
        let three = ["vsock://16:5000", "vsock://17:5000", socket];
        assert_eq!(peers(&three, 0), Peers::Cids(vec![16, 17]));
    }
}
