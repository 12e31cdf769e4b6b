//! TLS that ends inside the enclave, which recognises a service by its host name and the pinned root certificates, at the enclave's time.

use std::sync::Arc;
use std::time::Duration;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::clock::Clock;

/// Makes TLS connections to one host.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    host: ServerName<'static>,
}

impl Tls {
    /// `host` is a DNS name; its certificate must lead to one of `roots` and be valid at the time of `clock`.
    pub(super) fn new(
        host: &str,
        roots: RootCertStore,
        clock: Arc<Clock>,
    ) -> Result<Self, TlsSetupError> {
        let mut config = ClientConfig::builder_with_details(
            Arc::new(default_provider()),
            Arc::new(AttestedTime(clock)),
        )
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_root_certificates(roots)
        .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            host: ServerName::try_from(host.to_owned())?,
        })
    }

    /// Makes the handshake over a byte stream that the parent carries.
    pub(super) async fn over(
        &self,
        stream: TokioIo<Upgraded>,
    ) -> std::io::Result<TlsStream<TokioIo<Upgraded>>> {
        self.connector.connect(self.host.clone(), stream).await
    }
}

/// The measured configuration's host or root certificates do not make a TLS client.
#[derive(Debug, thiserror::Error)]
pub enum TlsSetupError {
    /// The host is not a DNS name.
    #[error("the endpoint of an AWS service: {0}")]
    Host(#[from] rustls::pki_types::InvalidDnsNameError),
    /// The library refuses.
    #[error("TLS: {0}")]
    Library(#[from] rustls::Error),
}

/// Certificates are checked at the time that the NSM signed: the parent's clock is not evidence.
#[derive(Debug)]
struct AttestedTime(Arc<Clock>);

impl TimeProvider for AttestedTime {
    fn current_time(&self) -> Option<UnixTime> {
        let now = Duration::from_secs(self.0.now().as_secs());
        Some(UnixTime::since_unix_epoch(now))
    }
}
