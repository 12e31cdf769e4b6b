//! The real servers: the parent's store over SQLite, moto and dynalite.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Response};
use permafrost::store::{RecordStore, serve};
use permafrost_common::transport::{Listener, Peers};
use permafrost_enclave::aws::{Connector, Credentials, Egress};
use permafrost_enclave::clock::Clock;
use permafrost_enclave::store::dynamodb::{DynamoDb, TableArn, Times, service};
use permafrost_enclave::store::{Store, StoreClient};
use permafrost_tests::LyingEgress;
use permafrost_tests::python::{python, script};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::RwLock;

use crate::front::{Front, HOST, plain};
use crate::transactions::Transactions;

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

/// A server of DynamoDB's protocol, for all the tests of this program. It ends with it, because its standard input does.
pub(crate) struct Server {
    address: SocketAddr,
    lacks: Lack,
    turns: RwLock<()>,
    executed: Transactions,
    _process: Child,
}

/// What a server cannot do as DynamoDB does it.
enum Lack {
    /// It checks a condition and writes in two steps that another call may come between, so that it gets one call at a time.
    Atomicity,
    /// It has no transactions, so that [`Transactions`] makes one of its calls, with no other between them.
    Transactions,
}

pub(crate) fn moto() -> &'static Server {
    static MOTO: OnceLock<Server> = OnceLock::new();
    MOTO.get_or_init(|| {
        let mut command = Command::new(python());
        command.arg(script("moto_server.py"));
        Server::start(command, Lack::Atomicity)
    })
}

pub(crate) fn dynalite() -> &'static Server {
    static DYNALITE: OnceLock<Server> = OnceLock::new();
    DYNALITE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dynalite");
        assert!(
            folder.join("node_modules/dynalite").is_dir(),
            "dynalite is not there: run `scripts/setup interop`"
        );
        let mut command = Command::new("node");
        command.arg(folder.join("serve.js"));
        Server::start(command, Lack::Transactions)
    })
}

impl Server {
    fn start(mut command: Command, lacks: Lack) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut port).unwrap();
        let port: u16 = port.trim().parse().expect("the server prints its port");
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            lacks,
            turns: RwLock::default(),
            executed: Transactions::default(),
            _process: process,
        }
    }

    /// Carries a request, to its end also if no one awaits the response any more.
    pub(crate) async fn send(&'static self, headers: &HeaderMap, body: Bytes) -> Response<Bytes> {
        let carried = tokio::spawn(self.carry(headers.clone(), body));
        carried.await.unwrap()
    }

    async fn carry(&self, headers: HeaderMap, body: Bytes) -> Response<Bytes> {
        let target = headers["x-amz-target"].to_str().unwrap();
        let is_transaction = target.ends_with(".TransactWriteItems");
        let (_alone, _together) = match self.lacks {
            Lack::Transactions if !is_transaction => (None, Some(self.turns.read().await)),
            _ => (Some(self.turns.write().await), None),
        };
        if matches!(self.lacks, Lack::Transactions) && is_transaction {
            let body = serde_json::from_slice(&body).unwrap();
            return self.executed.execute(self.address, &body).await;
        }
        let Ok(response) = plain(self.address, &headers, body).await;
        response
    }

    /// A call by someone else. Neither server checks signatures.
    pub(crate) async fn call(&'static self, call: &str, body: &Value) -> Value {
        let headers = unsigned(call);
        let response = self.send(&headers, body.to_string().into()).await;
        let text = String::from_utf8_lossy(response.body()).into_owned();
        assert!(response.status().is_success(), "{call}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

/// The headers of a call by no one.
pub(crate) fn unsigned(call: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let scope = "AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/dynamodb/aws4_request";
    let signature = format!(
        "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={}",
        "0".repeat(64)
    );
    headers.insert("host", HOST.parse().unwrap());
    headers.insert(
        "content-type",
        "application/x-amz-json-1.0".parse().unwrap(),
    );
    headers.insert("x-amz-date", "20260101T000000Z".parse().unwrap());
    headers.insert(
        "x-amz-target",
        format!("DynamoDB_20120810.{call}").parse().unwrap(),
    );
    headers.insert("authorization", signature.parse().unwrap());
    headers
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
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let name = format!("records-{}", TABLES.fetch_add(1, Ordering::Relaxed));
        let mut description = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "kind", "AttributeType": "S"},
                {"AttributeName": "id", "AttributeType": "S"},
            ],
            "KeySchema": [
                {"AttributeName": "kind", "KeyType": "HASH"},
                {"AttributeName": "id", "KeyType": "RANGE"},
            ],
        });
        for (member, value) in differing.as_object().unwrap() {
            description[member] = value.clone();
        }
        let made = server.call("CreateTable", &description).await;
        let arn = made["TableDescription"]["TableArn"].as_str().unwrap();
        let front = Front::before(server).await;
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("egress.sock");
        let egress = LyingEgress::serve(&socket, front.address(), credentials("PARENTS"));
        let mut table = Self {
            store: Store::from(StoreClient::new("unix:/".parse().unwrap(), Duration::ZERO)),
            arn: arn.parse().unwrap(),
            front,
            egress,
            server,
            socket,
            _folder: folder,
        };
        table.store = table.client(table.arn.clone(), TIMES).into();
        while table
            .server
            .call("DescribeTable", &json!({"TableName": name}))
            .await["Table"]["TableStatus"]
            != "ACTIVE"
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
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
