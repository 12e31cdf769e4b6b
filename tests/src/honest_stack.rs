//! The real parent program in front of the real enclave program.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use permafrost_client::{Client, Enclave, Expectation, Principal, RootCertificate, SigningKey};
use permafrost_common::kms::KeyArn;
use permafrost_common::store::Listing;
use tempfile::TempDir;

use crate::{
    DevelopmentKms, EnclaveProcess, Measured, ParentProcess, ParentSide, binaries, measurements_of,
};

/// `permafrost serve` and an enclave, each a process that can be killed and started again.
pub struct HonestStack {
    /// The enclave.
    pub enclave: EnclaveProcess,
    /// The KMS.
    pub kms: DevelopmentKms,
    /// The key of the measured configuration.
    pub key_arn: KeyArn,
    parent: ParentProcess,
    measured: Measured,
    folder: TempDir,
}

impl HonestStack {
    /// Starts both; the store is a SQLite file.
    pub fn start(measured: Measured) -> Self {
        Self::start_program(&binaries::enclave(), measured)
    }

    /// The same with another enclave program than the one that was built beside the tests.
    pub fn start_program(program: &Path, measured: Measured) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::within(folder, program, measured, &[], 1)
    }

    /// The same, with a parent that has this many places for enclaves. Only the first has one;
    /// [`HonestStack::start_beside`] starts the others.
    pub fn with_places(measured: Measured, places: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::within(folder, &binaries::enclave(), measured, &[], places)
    }

    /// The same, with an enclave whose log lines go to the parent.
    pub fn with_the_log_at_the_parent(measured: Measured) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let logs = format!("unix:{}/log.sock", folder.path().display());
        Self::within(folder, &binaries::enclave(), measured, &["--log", &logs], 1)
    }

    /// The same, with log lines that go to this socket.
    pub fn with_the_log_at(measured: Measured, socket: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let logs = format!("unix:{}", socket.display());
        Self::within(folder, &binaries::enclave(), measured, &["--log", &logs], 1)
    }

    fn within(
        folder: TempDir,
        program: &Path,
        measured: Measured,
        arguments: &[&str],
        places: usize,
    ) -> Self {
        let place = folder.path();
        let kms = DevelopmentKms::start(
            &place.join("kms"),
            &place.join("state/development-root.pem"),
        );
        let mut parent = ParentProcess::in_folder(place, &kms);
        parent.configure(&format!(
            "{3}\
             [health]\ninterval_ms = 100\n\
             [admin]\nlisten = \"unix:{0}/admin.sock\"\n\
             [store]\nlisten = \"unix:{0}/store.sock\"\nsqlite = \"{0}/store.sqlite\"\n\
             [enclave_log]\nlisten = \"unix:{0}/log.sock\"\n\
             [egress]\nlisten = \"unix:{0}/egress.sock\"\n\
             [[egress.allow]]\nhost = \"{1}\"\nport = 443\naddresses = [\"{2}\"]\n",
            place.display(),
            kms.host(),
            kms.address(),
            enclave_tables(place, places)
        ));
        let key_arn = kms.new_key();
        let configuration = measured.to_toml(&kms.section(&key_arn));
        let release = measurements_of(program, &configuration);
        kms.allow_releases(&key_arn, measured.deployment(), &[release]);
        let enclave = EnclaveProcess::start_program(
            program,
            place,
            &configuration,
            &parent_side(place),
            arguments,
        );
        parent.restart();
        enclave.wait_until_ready();
        Self {
            enclave,
            kms,
            key_arn,
            parent,
            measured,
            folder,
        }
    }

    /// Starts another enclave of the deployment, in the parent's place of this number, 2 or higher. It may not be ready yet.
    pub fn start_beside(
        &self,
        place: usize,
        program: &Path,
        configuration: &str,
    ) -> EnclaveProcess {
        let folder = place_of(self.folder(), place);
        self.enclave.copy_state(&folder.join("state"));
        let side = parent_side(self.folder());
        EnclaveProcess::start_program(program, &folder, configuration, &side, &[])
    }

    /// The measured configuration, with further lines in its section `root`, each with its end of line.
    pub fn configuration_with(&self, lines: &str) -> String {
        let section = self.kms.section(&self.key_arn);
        self.measured.to_toml(&format!("{section}{lines}"))
    }

    /// Runs `permafrost enclaves` with these arguments, and returns the JSON that it prints.
    pub fn enclaves(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.try_enclaves(arguments);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Runs `permafrost enclaves` with these arguments, and returns what it prints and how it ends.
    pub fn try_enclaves(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binaries::parent());
        command
            .arg("enclaves")
            .args(arguments)
            .args(["--json", "--admin"])
            .arg(format!("unix:{}/admin.sock", self.folder().display()));
        command.output().expect("the program starts")
    }

    /// Starts the parent again, after SIGKILL.
    pub fn restart_parent(&mut self) {
        self.parent.restart();
    }

    /// Ends the parent by SIGKILL.
    pub fn kill_parent(&mut self) {
        self.parent.kill();
    }

    /// Where the parent listens: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        self.parent.endpoint()
    }

    /// Where everything is: configurations, logs, the database and the emulator's state.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the store has as the record of the root secret, and its version.
    pub fn root_secret(&self) -> (Vec<u8>, u64) {
        self.record("root-secret", "newest")
    }

    /// What the store has as this record, and its version.
    pub fn record(&self, kind: &str, id: &str) -> (Vec<u8>, u64) {
        let (head, record) = self.ask_store(&format!("/records/{kind}/{id}"));
        let tag = head
            .split("etag: \"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let version = tag.and_then(|tag| tag.parse().ok()).expect("a version");
        (record, version)
    }

    /// How many records of this kind the store has, up to 100.
    pub fn count(&self, kind: &str) -> usize {
        let (_, listing) = self.ask_store(&format!("/records/{kind}"));
        let listing: Listing = serde_json::from_slice(&listing).expect("a listing");
        listing.records.len()
    }

    /// The head, in lower case, and the body of the store's response.
    fn ask_store(&self, path: &str) -> (String, Vec<u8>) {
        let mut stream =
            UnixStream::connect(self.folder().join("store.sock")).expect("the store's socket");
        let request = format!("GET {path} HTTP/1.1\r\nhost: store\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut response = Vec::new();
        stream.read_to_end(&mut response).expect("a response");
        let end = response
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a head");
        let head = String::from_utf8_lossy(&response[..end]).to_lowercase();
        (head, response.split_off(end + 4))
    }

    /// Everything the parent has logged.
    pub fn parent_log(&self) -> String {
        self.parent.log()
    }

    /// The enclave as a client has verified it, through the parent.
    pub async fn verified(&self) -> Enclave {
        let root = RootCertificate::from_pem(&self.enclave.root_pem()).expect("a root");
        let client = Client::new(self.endpoint().parse().expect("an endpoint"));
        let expectation = Expectation::any_measurements().root_certificate(root);
        client
            .verify(&expectation)
            .await
            .expect("the enclave verifies")
    }

    /// A profile for this principal of the configuration, as `permafrost` takes it.
    pub fn profile(&self, name: &str) -> PathBuf {
        let pem = self.measured.key(name).to_pem().expect("PEM");
        fs::write(self.folder().join(format!("{name}.pem")), pem).expect("a key");
        let profile = self.folder().join(format!("{name}.toml"));
        let text = format!(
            "endpoint = \"{}\"\nroot_certificate = \"state/development-root.pem\"\nprincipal = \"{name}\"\nkey = \"{name}.pem\"\n",
            self.endpoint()
        );
        fs::write(&profile, text).expect("a profile");
        profile
    }

    /// A principal of the configuration, through the parent.
    pub async fn principal(&self, name: &str) -> Principal {
        let pkcs8 = self.measured.key(name).to_pkcs8().expect("PKCS #8");
        let key = SigningKey::from_pkcs8(&pkcs8).expect("a key");
        let enclave = self.verified().await;
        enclave.as_principal(name, key).expect("a principal")
    }
}

/// The tables of the parent's configuration for its enclaves.
fn enclave_tables(folder: &Path, places: usize) -> String {
    let addresses = (1..=places).map(|place| EnclaveProcess::address_in(&place_of(folder, place)));
    let tables = addresses.map(|address| format!("[[enclave]]\naddress = \"{address}\"\n"));
    tables.collect()
}

/// The folder of the enclave in a place: the first shares it with the parent.
fn place_of(folder: &Path, place: usize) -> PathBuf {
    match place {
        1 => folder.to_owned(),
        _ => folder.join(format!("enclave-{place}")),
    }
}

fn parent_side(folder: &Path) -> ParentSide {
    ParentSide {
        store: format!("unix:{}/store.sock", folder.display()),
        egress: format!("unix:{}/egress.sock", folder.display()),
    }
}
