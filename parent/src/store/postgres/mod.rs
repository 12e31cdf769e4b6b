//! A record store in a PostgreSQL database, which several parents of one deployment may use at once.

mod config;
mod origin;
mod read;
mod write;

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sqlx::ConnectOptions;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, Postgres};
use tokio::time::timeout;

use super::error::StoreError;

pub use config::{PostgresConfig, PostgresUrl, PostgresUrlError};

/// The most connections of one parent. PostgreSQL accepts 100 by default, of all its clients.
const CONNECTIONS: u32 = 16;

/// How long to wait for a connection, an existing or a new one.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// How long one operation may take at a connection; longer than the server's own limits, which leave a usable connection behind.
const OPERATION_TIME: Duration = Duration::from_secs(15);

/// What every session sets, whatever the database's or the user's defaults are.
const SESSION: [(&str, &str); 5] = [
    ("statement_timeout", "10s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("default_transaction_isolation", "read committed"),
    ("search_path", "pg_catalog"),
];

/// The sealed records in a PostgreSQL database. Clones share the connections.
#[derive(Clone, Debug)]
pub(super) struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    /// See [`RecordStore::connect`](super::RecordStore::connect).
    pub(super) async fn connect(config: &PostgresConfig) -> Result<Self, StoreError> {
        let options = options(config)?;
        let failed = |source| StoreError::Postgres {
            database: config.database.to_string(),
            source,
        };
        let late = |_| failed(sqlx::Error::PoolTimedOut);
        // By itself first: a pool does not say why it gets no connection.
        let mut connection = timeout(CONNECT_TIME, options.connect())
            .await
            .map_err(late)?
            .map_err(failed)?;
        timeout(
            OPERATION_TIME,
            origin::prepare(&mut connection, &config.database),
        )
        .await
        .map_err(late)??;
        let _ = connection.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT_TIME)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    match origin::unfitness(connection).await? {
                        None => Ok(()),
                        Some(finding) => Err(sqlx::Error::Configuration(finding.into())),
                    }
                })
            })
            .connect_with(options)
            .await
            .map_err(failed)?;
        Ok(Self { pool })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// Runs one operation at a connection of the pool, which loses the connection if the operation takes too long: its response
    /// would be taken for the next one's.
    async fn at_connection<T>(
        &self,
        operation: impl AsyncFnOnce(&mut PoolConnection<Postgres>) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        if let Ok(outcome) = timeout(OPERATION_TIME, operation(&mut connection)).await {
            return outcome;
        }
        drop(connection.detach());
        Err(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            format!("no response within {OPERATION_TIME:?}"),
        )))
    }
}

fn options(config: &PostgresConfig) -> Result<PgConnectOptions, StoreError> {
    let options = config
        .database
        .options()
        .map_err(|source| StoreError::Postgres {
            database: config.database.to_string(),
            source,
        })?
        .application_name("permafrost")
        .options(SESSION)
        .disable_statement_logging();
    let Some(path) = &config.root_certificates else {
        return Ok(options);
    };
    let text = std::fs::read(path).map_err(|source| StoreError::RootCertificates {
        path: path.clone(),
        finding: source.to_string(),
    })?;
    // Without this check a file of something else would leave only the public root certificates.
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    if !certificates.is_ok_and(|certificates| !certificates.is_empty()) {
        return Err(StoreError::RootCertificates {
            path: path.clone(),
            finding: "accepted: one or more certificates in PEM".to_owned(),
        });
    }
    Ok(options.ssl_root_cert_from_pem(text))
}
