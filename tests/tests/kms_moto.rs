//! The enclave's KMS client against moto, an independent server: the same signed calls over real TLS.
//!
//! moto does not support `Recipient` and does not check signatures, so the enclave refuses the responses to attested calls here.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use permafrost_common::egress::Credentials;
use permafrost_enclave::attestor::Attestor;
use permafrost_enclave::aws::{self, Egress};
use permafrost_enclave::clock::Clock;
use permafrost_enclave::config::Config;
use permafrost_enclave::kms::recipient::PendingRecipientKey;
use permafrost_enclave::kms::{Connector, Fault, Kms};
use permafrost_enclave::nsm::Nsm;
use permafrost_enclave::nsm::emulator::{Emulator, Measured};
use permafrost_tests::python::python;
use permafrost_tests::{Authority, LyingEgress};
use serde_json::{Value, json};
use tempfile::TempDir;

const HOST: &str = "kms.us-east-1.localhost";

const NO_KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000";

/// A running moto, behind a parent's egress proxy. It ends with this value.
struct Moto {
    server: Child,
    folder: TempDir,
    roots: String,
    _egress: LyingEgress,
}

impl Moto {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let roots = certificates(&folder);
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let server = Command::new(python())
            .args(["-m", "moto.server", "--host", "127.0.0.1", "--port"])
            .arg(address.port().to_string())
            .arg("--ssl-cert")
            .arg(folder.path().join("server.pem"))
            .arg("--ssl-key")
            .arg(folder.path().join("server-key.pem"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let credentials = Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            token: Some("a token".to_owned()),
            expiration: None,
        };
        let egress = LyingEgress::serve(&folder.path().join("egress.sock"), address, credentials);
        let mut moto = Self {
            server,
            folder,
            roots,
            _egress: egress,
        };
        moto.wait_until_it_listens(address);
        moto
    }

    fn wait_until_it_listens(&mut self, address: SocketAddr) {
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = self.server.try_wait().unwrap();
            assert!(ended.is_none(), "moto ended: {ended:?}");
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "moto does not listen"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn connector(&self, key: &str, clock: &Arc<Clock>) -> Connector {
        let configuration = format!(
            "deployment = \"test\"\n[kms]\nkey_arn = \"{key}\"\nendpoint = \"{HOST}:443\"\nroots = \"\"\"\n{}\"\"\"",
            self.roots
        );
        let config = Config::parse(configuration.as_bytes()).unwrap().kms;
        let egress = format!("unix:{}", self.folder.path().join("egress.sock").display());
        Connector::new(
            config,
            Egress::new(egress.parse().unwrap()),
            Arc::clone(clock),
        )
        .unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

/// Writes a server's certificate and key, and gives the authority's certificate.
fn certificates(folder: &TempDir) -> String {
    let authority = Authority::new("the front's");
    let (server, key) = authority.server(HOST);
    fs::write(folder.path().join("server.pem"), server.pem()).unwrap();
    fs::write(folder.path().join("server-key.pem"), key.serialize_pem()).unwrap();
    authority.pem()
}

fn clock() -> Arc<Clock> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    Arc::new(Clock::starting_at(now.as_millis().try_into().unwrap()))
}

fn refused_kind(response: Result<Value, Fault>) -> String {
    match response {
        Err(Fault::Aws(aws::Fault::Refused { kind, .. })) => kind,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_calls_work_against_an_independent_server() {
    let moto = Moto::start();
    let clock = clock();
    let anywhere = moto.connector(NO_KEY, &clock);
    let made = anywhere.send("CreateKey", &json!({})).await.unwrap();
    let arn = made["KeyMetadata"]["Arn"].as_str().unwrap();

    let kms = moto.connector(arn, &clock);
    let context = json!({"deployment": "test", "epoch": "1", "purpose": "root-secret"});
    let wanted = json!({"KeyId": arn, "KeySpec": "AES_256", "EncryptionContext": context});
    let key = kms.send("GenerateDataKey", &wanted).await.unwrap();
    assert_eq!(key["KeyId"], arn);
    let blob = &key["CiphertextBlob"];
    let opened = json!({"KeyId": arn, "CiphertextBlob": blob, "EncryptionContext": context});
    let opened = kms.send("Decrypt", &opened).await.unwrap();
    assert_eq!(opened["Plaintext"], key["Plaintext"]);
    assert_eq!(opened["KeyId"], arn);

    let other = json!({"KeyId": arn, "CiphertextBlob": blob, "EncryptionContext": {"epoch": "2"}});
    let refused = refused_kind(kms.send("Decrypt", &other).await);
    assert_eq!(refused, "InvalidCiphertextException");
    let none = json!({"KeyId": NO_KEY, "KeySpec": "AES_256"});
    let refused = refused_kind(kms.send("GenerateDataKey", &none).await);
    assert_eq!(refused, "NotFoundException");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kms_that_ignores_the_recipient_gives_no_root_secret() {
    let moto = Moto::start();
    let clock = clock();
    let anywhere = moto.connector(NO_KEY, &clock);
    let made = anywhere.send("CreateKey", &json!({})).await.unwrap();
    let connector = moto.connector(made["KeyMetadata"]["Arn"].as_str().unwrap(), &clock);

    let state = TempDir::new().unwrap();
    let measured = Measured {
        executable_sha384: [1; 48],
        configuration_sha384: [2; 48],
    };
    let nsm = Nsm::new(Emulator::start(state.path(), measured).unwrap());
    let attestor = Attestor::new(nsm, clock, [1; 48], b"user data".to_vec());
    let kms = Kms::new(
        connector,
        "test".to_owned(),
        Arc::new(attestor),
        PendingRecipientKey::begin(),
    );
    let refused = kms.generate_data_key(1).await.unwrap_err().to_string();
    assert!(
        refused.contains("the Recipient was stripped or ignored"),
        "{refused}"
    );
}
