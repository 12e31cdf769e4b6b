//! The store of a parent at a database of PostgreSQL.

use std::path::PathBuf;
use std::time::Duration;

use permafrost::store::{PostgresConfig, RecordStore, serve};
use permafrost_common::transport::{Listener, Peers};
use permafrost_enclave::store::{Store, StoreClient};
use permafrost_tests::PostgresServer;
use tempfile::TempDir;

/// A store of a parent, in a database of its own.
pub(crate) struct Postgres {
    pub(crate) store: Store,
    _parent: Parent,
}

impl Postgres {
    pub(crate) async fn start() -> Self {
        let server = PostgresServer::shared();
        let parent = Parent::serve(&by_socket(server, &server.new_database())).await;
        Self {
            store: parent.store(),
            _parent: parent,
        }
    }
}

/// The store of one parent at a database.
pub(crate) struct Parent {
    folder: TempDir,
}

impl Parent {
    pub(crate) async fn serve(config: &PostgresConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let records = RecordStore::connect(config).await.unwrap();
        let parent = Self { folder };
        let listener = Listener::bind(&parent.address().parse().unwrap(), Peers::Any)
            .await
            .unwrap();
        tokio::spawn(serve(records, listener, std::future::pending()));
        parent
    }

    /// A client of it.
    pub(crate) fn store(&self) -> Store {
        StoreClient::new(self.address().parse().unwrap(), Duration::from_secs(20)).into()
    }

    fn address(&self) -> String {
        format!("unix:{}/store.sock", self.folder.path().display())
    }
}

/// A database of the server by its Unix socket.
pub(crate) fn by_socket(server: &PostgresServer, database: &str) -> PostgresConfig {
    PostgresConfig {
        database: server.url(database).parse().unwrap(),
        root_certificates: None,
    }
}

/// The same by TCP, at a place in which `PORT` stands for the server's port.
pub(crate) fn by_tcp(
    server: &PostgresServer,
    place: &str,
    root_certificates: Option<PathBuf>,
) -> PostgresConfig {
    let place = place.replace("PORT", &server.port().to_string());
    PostgresConfig {
        database: format!("postgresql://{place}").parse().unwrap(),
        root_certificates,
    }
}
