//! Enclaves of one deployment with a DynamoDB table as their store, each with a parent of its own that can lie.

use std::fs;
use std::path::{Path, PathBuf};

use permafrost_client::{Client, Expectation, Principal, RootCertificate, SigningKey};
use permafrost_common::api::StoreState;
use permafrost_common::egress::Credentials;
use permafrost_common::kms::KeyArn;
use permafrost_enclave::store::dynamodb::TableArn;
use serde_json::json;
use tempfile::TempDir;

use crate::dynamodb::{Front, HOST, Server};
use crate::{DevelopmentKms, EnclaveProcess, LyingEgress, LyingStore, Measured, ParentSide};

/// One KMS, one table and one measured configuration.
pub struct TableDeployment {
    /// The KMS, which does not lie.
    pub kms: DevelopmentKms,
    /// What stands before DynamoDB.
    pub front: Front,
    /// The table.
    pub table: TableArn,
    /// The server that has the table.
    pub server: &'static Server,
    key_arn: KeyArn,
    measured: Measured,
    lines: String,
    further_roots: String,
    folder: TempDir,
}

/// An enclave and the parent in front of it.
pub struct TableEnclave {
    /// The enclave.
    pub enclave: EnclaveProcess,
    /// The parent's store, which has nothing but the table's credentials.
    pub store: LyingStore,
    /// The parent's egress proxy.
    pub egress: LyingEgress,
}

impl TableDeployment {
    /// With an empty table at this server.
    pub async fn at(server: &'static Server) -> Self {
        Self::with(server, "").await
    }

    /// The same, with these further lines of the section `store`.
    pub async fn with(server: &'static Server, lines: &str) -> Self {
        let table = server.new_table(json!({})).await;
        Self::of(server, table, lines).await
    }

    /// With this table.
    pub async fn of(server: &'static Server, table: TableArn, lines: &str) -> Self {
        Self::trusting(server, table, lines, "").await
    }

    /// With further root certificates, in PEM, that services may lead to.
    pub async fn trusting(
        server: &'static Server,
        table: TableArn,
        lines: &str,
        further_roots: &str,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path();
        let kms = DevelopmentKms::start(&place.join("kms"), &root_of(place));
        let deployment = Self {
            key_arn: kms.new_key(),
            front: Front::before(server).await,
            kms,
            table,
            server,
            measured: Measured::new("test").people(""),
            lines: lines.to_owned(),
            further_roots: further_roots.to_owned(),
            folder,
        };
        deployment.allow(&[&deployment.configuration()]);
        deployment
    }

    /// Lets enclaves with these configurations have root secrets.
    pub fn allow(&self, configurations: &[&str]) {
        let name = self.measured.deployment();
        self.kms.allow(&self.key_arn, name, configurations);
    }

    /// The measured configuration.
    pub fn configuration(&self) -> String {
        let kms = self.kms.section(&self.key_arn);
        let store = format!(
            "[store]\ndynamodb = \"{}\"\nendpoint = \"{HOST}:443\"\nroots = \"\"\"\n{}{}\"\"\"\n{}\n",
            self.table,
            self.front.authority(),
            self.further_roots,
            self.lines
        );
        self.measured.to_toml(&format!("{kms}{store}"))
    }

    /// Starts an enclave with an empty store at its parent; it listens, and waits for credentials.
    pub fn start(&self, name: &str) -> TableEnclave {
        self.start_on(name, LyingStore::serve)
    }

    /// The fork: a copy of what this parent has, and on it a second enclave of the same image and configuration, ready. KMS serves both.
    pub fn forked_enclave(&self, first: &TableEnclave, name: &str) -> TableEnclave {
        let forked = self.start_on(name, |socket| first.store.copied_to(socket));
        forked.enclave.wait_until_ready();
        forked
    }

    fn start_on(&self, name: &str, store: impl FnOnce(&Path) -> LyingStore) -> TableEnclave {
        let place = self.place(name);
        self.copy_state(&place);
        let store = store(&place.join("store.sock"));
        let egress = place.join("egress.sock");
        let egress = LyingEgress::serve(&egress, self.kms.address(), self.kms.credentials());
        egress.route(HOST, self.front.address());
        let enclave = EnclaveProcess::start(&place, &self.configuration(), &side(&place), &[]);
        TableEnclave {
            enclave,
            store,
            egress,
        }
    }

    /// Starts another enclave with the parent of this one.
    pub fn start_beside(&self, first: &TableEnclave, name: &str) -> EnclaveProcess {
        let place = self.place(name);
        self.copy_state(&place);
        let state = first.enclave.state();
        let parent = side(state.parent().expect("a folder"));
        EnclaveProcess::start(&place, &self.configuration(), &parent, &[])
    }

    /// Starts an enclave, and gives it credentials.
    pub async fn start_with_credentials(&self, name: &str) -> TableEnclave {
        let started = self.start(name);
        self.give_credentials(&started, "FIRST").await;
        started.enclave.wait_until_ready();
        started
    }

    /// Gives an enclave the credentials of this name.
    pub async fn give_credentials(&self, to: &TableEnclave, name: &str) -> StoreState {
        to.enclave.wait_until_it_takes_credentials();
        let operator = self.principal(to, "alice").await;
        let given = operator.set_store_credentials(&credentials(name)).await;
        given.expect("credentials that the table accepts")
    }

    /// A principal of the configuration, straight to an enclave.
    pub async fn principal(&self, at: &TableEnclave, name: &str) -> Principal {
        self.principal_at(&at.enclave, name).await
    }

    /// The same.
    pub async fn principal_at(&self, enclave: &EnclaveProcess, name: &str) -> Principal {
        let root = RootCertificate::from_pem(&enclave.root_pem()).expect("a root");
        let client = Client::new(enclave.address().parse().expect("an endpoint"));
        let expectation = Expectation::any_measurements().root_certificate(root);
        let verified = client.verify(&expectation).await;
        verified
            .and_then(|enclave| enclave.as_principal(name, self.key(name)))
            .expect("a principal")
    }

    /// The key of a principal of the configuration.
    pub fn key(&self, name: &str) -> SigningKey {
        let pkcs8 = self.measured.key(name).to_pkcs8().expect("PKCS #8");
        SigningKey::from_pkcs8(&pkcs8).expect("a key")
    }

    /// A profile for a principal at an enclave, as `permafrost` takes it.
    pub fn profile(&self, at: &TableEnclave, name: &str) -> PathBuf {
        let folder = at.enclave.state();
        let pem = self.measured.key(name).to_pem().expect("PEM");
        fs::write(folder.join(format!("{name}.pem")), pem).expect("a key");
        let profile = folder.join(format!("{name}.toml"));
        let text = format!(
            "endpoint = \"{}\"\nroot_certificate = \"development-root.pem\"\nprincipal = \"{name}\"\nkey = \"{name}.pem\"\n",
            at.enclave.address()
        );
        fs::write(&profile, text).expect("a profile");
        profile
    }

    /// What the table has of this kind.
    pub async fn items(&self, kind: &str) -> Vec<serde_json::Value> {
        let query = json!({
            "TableName": self.table.name(),
            "ConsistentRead": true,
            "KeyConditionExpression": "kind = :kind",
            "ExpressionAttributeValues": {":kind": {"S": kind}},
        });
        let found = self.server.call("Query", &query).await;
        found["Items"].as_array().expect("items").clone()
    }

    /// Gives an enclave in this folder an emulated NSM under the root certificate of the first.
    fn copy_state(&self, place: &Path) {
        let state = place.join("state");
        fs::create_dir_all(&state).expect("a folder");
        if let Ok(files) = fs::read_dir(self.place("first").join("state")) {
            for file in files.map(|file| file.expect("a file")) {
                let to = state.join(file.file_name());
                if file.path() != to {
                    fs::copy(file.path(), to).expect("a copy");
                }
            }
        }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The parent's side for an enclave in this folder.
fn side(place: &Path) -> ParentSide {
    ParentSide {
        store: format!("unix:{}", place.join("store.sock").display()),
        egress: format!("unix:{}", place.join("egress.sock").display()),
    }
}

/// The root certificate of all enclaves, which the first one makes.
fn root_of(folder: &Path) -> PathBuf {
    folder.join("first/state/development-root.pem")
}

/// Credentials of this name: 1 to 8 letters.
pub fn credentials(name: &str) -> Credentials {
    Credentials {
        access_key_id: format!("AKIAEXAMPLE{name:0>9}"),
        secret_access_key: format!("wJalrXUtnFEMI/K7MDENG/bPxRfiCY{name:0>10}"),
        token: None,
        expiration: None,
    }
}
