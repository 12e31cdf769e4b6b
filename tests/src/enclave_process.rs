//! The real enclave program as a child process.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::binaries;

/// A running enclave with the emulated NSM. It ends with this value.
pub struct EnclaveProcess {
    child: Option<Child>,
    folder: PathBuf,
    store: String,
    arguments: Vec<String>,
}

/// How long a start may take before a test gives up.
const START: Duration = Duration::from_secs(30);

impl EnclaveProcess {
    /// Starts an enclave whose configuration, state, socket and log are in `folder`, with its store at `store`.
    pub fn start(folder: &Path, configuration: &str, store: &str) -> Self {
        Self::start_with(folder, configuration, store, &[])
    }

    /// The same, with further arguments of the program.
    pub fn start_with(folder: &Path, configuration: &str, store: &str, arguments: &[&str]) -> Self {
        fs::create_dir_all(folder.join("state")).expect("a state folder");
        fs::write(folder.join("enclave.toml"), configuration).expect("a configuration");
        let mut enclave = Self {
            child: None,
            folder: folder.to_owned(),
            store: store.to_owned(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
        };
        enclave.restart();
        enclave
    }

    /// Starts it again, after whatever it was doing was cut off by SIGKILL.
    pub fn restart(&mut self) {
        self.kill();
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.log_path())
            .expect("a log file");
        let child = Command::new(binaries::enclave())
            .arg("--config")
            .arg(self.folder.join("enclave.toml"))
            .arg("--listen")
            .arg(self.address())
            .arg("--store")
            .arg(&self.store)
            .args(["--nsm", "emulator", "--exit-on-stdin-close", "--state"])
            .arg(self.state())
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the enclave program starts");
        self.child = Some(child);
        self.wait_until_it_listens();
    }

    /// Ends it by SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a child can be killed");
            child.wait().expect("a killed child ends");
        }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    /// The emulator's state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// The development root certificate, PEM.
    pub fn root_pem(&self) -> String {
        fs::read_to_string(self.state().join("development-root.pem")).expect("a development root")
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        let mut text = String::new();
        File::open(self.log_path())
            .and_then(|mut file| file.read_to_string(&mut text))
            .expect("a log");
        text
    }

    fn wait_until_it_listens(&mut self) {
        let started = Instant::now();
        while std::os::unix::net::UnixStream::connect(self.socket()).is_err() {
            let child = self.child.as_mut().expect("it was started");
            if let Some(status) = child.try_wait().expect("a child has a status") {
                panic!("the enclave ended with {status}:\n{}", self.log());
            }
            assert!(
                started.elapsed() < START,
                "the enclave does not listen:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("enclave.sock")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("enclave.log")
    }
}

impl Drop for EnclaveProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
