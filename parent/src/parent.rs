//! What runs on the parent instance: the proxy and the record store, started together and stopped in order.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use permafrost_common::transport::{Address, Cid, Listener, Peers, TransportError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::proxy::{Proxy, ProxyError, Readiness};
use crate::store::{self, RecordStore, StoreError};

/// Proxy and record store, with their addresses taken.
pub struct Parent {
    proxy: Proxy,
    store: RunningStore,
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
}

impl Parent {
    /// Opens the record store, which serves from now on, and takes the proxy's address.
    ///
    /// # Errors
    /// Where an address is taken or the database cannot be opened.
    pub async fn start(config: &Config) -> Result<Self, ParentError> {
        let proxy = Proxy::bind(config).await?;
        let records =
            RecordStore::open(&config.store.path)
                .await
                .map_err(|source| ParentError::Store {
                    path: config.store.path.display().to_string(),
                    source,
                })?;
        let listener = Listener::bind(&config.store.listen, store_peers(config)).await?;
        Ok(Self {
            proxy,
            store: RunningStore::start(records, listener),
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

    /// Serves until `stop` completes. Requests that are there may finish, then the store ends, which the enclave needs
    /// until then. Returns how many connections had to be cut off.
    pub async fn run(self, stop: impl Future<Output = ()>) -> usize {
        let cut_off = self.proxy.serve(stop).await;
        self.store.stop().await;
        cut_off
    }
}

/// Only the enclave may reach the store: over vsock its CID says so, over a Unix socket the file's mode.
fn store_peers(config: &Config) -> Peers {
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

struct RunningStore {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl RunningStore {
    fn start(records: RecordStore, listener: Listener) -> Self {
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(store::serve(records, listener, async {
            let _stopped_or_dropped = stopped.await;
        }));
        Self { stop, serving }
    }

    async fn stop(self) {
        let _already_ended = self.stop.send(());
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the record store failed");
        }
    }
}
