//! The enclave's way out, and the credentials that it signs AWS requests with.
//!
//! An enclave has no network. What it must reach, AWS KMS above all, it asks the parent for: `CONNECT HOST:PORT` gives a
//! TCP connection to what the configuration lists, and nothing else. TLS runs through it from end to end, so the parent is
//! a pipe here; what keeps the enclave safe is that it checks the host's certificate itself, not this list. The list
//! keeps a misused enclave from the parent's network. The protocol is in [`permafrost_common::egress`].
//!
//! | you want to | start at |
//! |---|---|
//! | serve it | [`Egress::bind`], then [`Egress::serve`] |
//! | say what is allowed | [`EgressConfig`], [`AllowConfig`] |
//! | say where credentials come from | [`CredentialsConfig`] |
//! | answer for DNS in a test | [`Egress::with_resolver`] |

mod addresses;
mod allow_list;
mod config;
mod credentials;
mod dial;
mod host;
mod network;
mod outcome;
mod relay;
mod server;

use std::future::Future;
use std::sync::Arc;

use permafrost_common::transport::{Address, Listener, Peers, TransportError};
use tokio::sync::Semaphore;

pub use self::config::{AllowConfig, AllowError, EgressConfig};
pub(crate) use self::credentials::causes_without_content;
pub use self::credentials::{CredentialsConfig, CredentialsSource};
pub use self::dial::{Addresses, Resolve, SystemResolver};
pub use self::host::{HostName, HostNameError};
pub use self::network::{Network, NetworkError};

use self::allow_list::AllowList;
use self::credentials::CredentialsCache;
use self::relay::Limits;
use self::server::Gate;

/// A way out that has its address and does not serve yet.
pub struct Egress {
    listener: Listener,
    gate: Gate,
}

/// Why there is no way out.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The allow-list is not accepted.
    #[error("egress.allow: {0}")]
    Allow(#[from] AllowError),
    /// The listen address cannot be had.
    #[error("egress.listen: {0}")]
    Listen(#[from] TransportError),
}

impl Egress {
    /// Takes the listen address. `peers` says whose connections are kept: the enclave's, and nobody else's.
    ///
    /// # Errors
    /// Where the address is taken or the allow-list contradicts itself.
    pub async fn bind(
        egress: &EgressConfig,
        credentials: &CredentialsConfig,
        peers: Peers,
    ) -> Result<Self, EgressError> {
        let gate = Gate {
            allow: AllowList::new(egress.allow.clone())?,
            resolver: Arc::new(SystemResolver),
            connections: egress.connections,
            places: Arc::new(Semaphore::new(egress.connections)),
            connect_timeout: egress.connect_timeout,
            limits: Limits {
                idle: egress.idle_timeout,
                time: egress.time_limit,
                bytes: egress.direction_bytes,
            },
            credentials: CredentialsCache::new(credentials),
        };
        let listener = Listener::bind(&egress.listen, peers).await?;
        Ok(Self { listener, gate })
    }

    /// Asks another resolver than the system's. Its answers are checked all the same.
    pub fn with_resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.gate.resolver = Arc::new(resolver);
        self
    }

    /// Where the enclave finds it.
    pub fn address(&self) -> &Address {
        self.listener.address()
    }

    /// Serves until `stop` completes; then ends every connection.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        server::serve(self.gate, self.listener, stop).await;
    }
}
