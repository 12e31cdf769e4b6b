//! The servers of DynamoDB's protocol that are not ours, moto and dynalite.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use permafrost_enclave::store::dynamodb::TableArn;
use serde_json::{Value, json};
use tokio::sync::RwLock;

use super::front::{HOST, plain};
use super::transactions::Transactions;
use crate::python::{python, script};

/// A server of DynamoDB's protocol, for all the tests of this program. It ends with it, because its standard input does.
pub struct Server {
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

/// moto, one for all the tests of a program.
pub fn moto() -> &'static Server {
    static MOTO: OnceLock<Server> = OnceLock::new();
    MOTO.get_or_init(|| {
        let mut command = Command::new(python());
        command.arg(script("moto_server.py"));
        Server::start(command, Lack::Atomicity)
    })
}

/// dynalite, one for all the tests of a program.
pub fn dynalite() -> &'static Server {
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
    pub async fn send(&'static self, headers: &HeaderMap, body: Bytes) -> Response<Bytes> {
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
    pub async fn call(&'static self, call: &str, body: &Value) -> Value {
        let headers = unsigned(call);
        let response = self.send(&headers, body.to_string().into()).await;
        let text = String::from_utf8_lossy(response.body()).into_owned();
        assert!(response.status().is_success(), "{call}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Makes a table whose description differs from the documented one in these members.
    pub async fn new_table(&'static self, differing: Value) -> TableArn {
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
        let made = self.call("CreateTable", &description).await;
        let arn = made["TableDescription"]["TableArn"].as_str().unwrap();
        let described = json!({"TableName": name});
        while self.call("DescribeTable", &described).await["Table"]["TableStatus"] != "ACTIVE" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        arn.parse().unwrap()
    }
}

/// The headers of a call by no one.
pub(super) fn unsigned(call: &str) -> HeaderMap {
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
