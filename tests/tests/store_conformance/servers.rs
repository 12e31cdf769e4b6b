//! The stores to test: the parent's over SQLite, and a table at moto or dynalite.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use permafrost::store::{RecordStore, serve};
use permafrost_common::transport::{Listener, Peers};
use permafrost_enclave::aws::{Connector, Credentials, Egress};
use permafrost_enclave::clock::Clock;
use permafrost_enclave::store::dynamodb::{DynamoDb, TableArn, Times, service};
use permafrost_enclave::store::{Store, StoreClient};
use permafrost_tests::LyingEgress;
use permafrost_tests::dynamodb::{Front, HOST, Server};
pub(crate) use permafrost_tests::dynamodb::{dynalite, moto};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A store of the parent's, with a file of its own.
pub(crate) struct Sqlite {
    pub(crate) store: Store,
    _folder: TempDir,
}

impl Sqlite {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let records = RecordStore::open(folder.path().join("records.sqlite"))
            .await
            .unwrap();
        let address = format!("unix:{}/store.sock", folder.path().display());
        let address = address.parse().unwrap();
        let listener = Listener::bind(&address, Peers::Any).await.unwrap();
        tokio::spawn(serve(records, listener, std::future::pending()));
        Self {
            store: StoreClient::new(address, Duration::from_secs(20)).into(),
            _folder: folder,
        }
    }
}

/// A table of its own at one of the servers, and the enclave's client of it.
pub(crate) struct Table {
    pub(crate) store: Store,
    pub(crate) arn: TableArn,
    pub(crate) front: Front,
    pub(crate) egress: LyingEgress,
    pub(crate) server: &'static Server,
    socket: PathBuf,
    _folder: TempDir,
}

/// Short, so that what is tried in vain ends soon; long enough for a slow machine.
pub(crate) const TIMES: Times = Times {
    attempt: Duration::from_secs(10),
    whole: Duration::from_secs(30),
};

impl Table {
    pub(crate) async fn new(server: &'static Server) -> Self {
        Self::with(server, json!({})).await
    }

    /// One whose description differs in these members.
    pub(crate) async fn with(server: &'static Server, differing: Value) -> Self {
        let arn = server.new_table(differing).await;
        let front = Front::before(server).await;
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("egress.sock");
        let egress = LyingEgress::serve(&socket, front.address(), credentials("PARENTS"));
        let mut table = Self {
            store: Store::from(StoreClient::new("unix:/".parse().unwrap(), Duration::ZERO)),
            arn,
            front,
            egress,
            server,
            socket,
            _folder: folder,
        };
        table.store = table.client(table.arn.clone(), TIMES).into();
        table
    }

    /// Another client, of this table or one that is named otherwise.
    pub(crate) fn client(&self, arn: TableArn, times: Times) -> DynamoDb {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.front.authority().as_bytes()).unwrap())
            .unwrap();
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let clock = Clock::starting_at(now.as_millis().try_into().unwrap());
        let egress = format!("unix:{}", self.socket.display());
        let connector = Connector::new(
            service(&arn, HOST.to_owned(), 443),
            roots,
            Egress::new(egress.parse().unwrap()),
            Arc::new(clock),
        );
        DynamoDb::new(connector.unwrap(), arn, credentials("ENCLAVES"), times)
    }

    /// A client that gives up early.
    pub(crate) fn impatient(&self) -> Store {
        let times = Times {
            attempt: Duration::from_millis(700),
            whole: Duration::from_millis(1500),
        };
        self.client(self.arn.clone(), times).into()
    }
}

pub(crate) fn credentials(whose: &str) -> Credentials {
    Credentials {
        access_key_id: format!("AKIAEXAMPLEOF{whose}"),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        token: None,
        expiration: None,
    }
}
