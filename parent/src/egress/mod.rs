//! The egress proxy, and the credentials that the enclave signs AWS requests with.
//!
//! An enclave has no network. To reach a host, AWS KMS above all, it asks the parent: `CONNECT HOST:PORT` opens a TCP
//! connection to a host that the configuration lists, and to no other. TLS runs through it from end to end, so that the
//! parent is only a pipe. The enclave is safe because it checks the host's certificate itself, not because of this list; the
//! list keeps a misused enclave out of the parent's network. The protocol is in [`permafrost_common::egress`].
//!
//! | you want to | start at |
//! |---|---|
//! | serve the proxy | [`Egress::bind`], then [`Egress::serve`] |
//! | configure what is allowed | [`EgressConfig`], [`AllowConfig`] |
//! | configure where credentials come from | [`CredentialsConfig`] |
//! | replace DNS in a test | [`Egress::with_resolver`] |

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

/// An egress proxy that is bound to its address and does not serve yet.
pub struct Egress {
    listener: Listener,
    gate: Gate,
}

/// Why the egress proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The allow-list is not accepted.
    #[error("egress.allow: {0}")]
    Allow(#[from] AllowError),
    /// The proxy cannot bind the listen address.
    #[error("egress.listen: {0}")]
    Listen(#[from] TransportError),
}

impl Egress {
    /// Binds the listen address. `peers` are the peers whose connections are accepted: the enclave and no other.
    ///
    /// # Errors
    /// [`EgressError`] if the address cannot be bound or the allow-list contradicts itself.
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

    /// Uses this resolver instead of the system's. The proxy checks its answers in the same way.
    pub fn with_resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.gate.resolver = Arc::new(resolver);
        self
    }

    /// The address that the enclave connects to.
    pub fn address(&self) -> &Address {
        self.listener.address()
    }

    /// Serves until `stop` completes; then ends every connection.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        server::serve(self.gate, self.listener, stop).await;
    }
}
