//! The real enclave program as a child process.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::binaries;

/// A running enclave with the emulated NSM. It ends with this value.
pub struct EnclaveProcess {
    child: Option<Child>,
    program: PathBuf,
    folder: PathBuf,
    arguments: Vec<String>,
}

/// Where the enclave finds its parent's services, as its arguments name them.
#[derive(Clone, Debug)]
pub struct ParentSide {
    /// The record store.
    pub store: String,
    /// The way out.
    pub egress: String,
}

/// How long a start may take before a test gives up.
const START: Duration = Duration::from_secs(30);

impl EnclaveProcess {
    /// Starts an enclave whose configuration, state, socket and log are in `folder`, with further arguments of the
    /// program. It listens then; [`EnclaveProcess::wait_until_ready`] waits for the root secret.
    pub fn start(
        folder: &Path,
        configuration: &str,
        parent: &ParentSide,
        arguments: &[&str],
    ) -> Self {
        let program = binaries::enclave();
        Self::start_program(&program, folder, configuration, parent, arguments)
    }

    /// The same with another program than the one that was built, such as [`binaries::another_enclave`].
    pub fn start_program(
        program: &Path,
        folder: &Path,
        configuration: &str,
        parent: &ParentSide,
        arguments: &[&str],
    ) -> Self {
        fs::create_dir_all(folder.join("state")).expect("a state folder");
        fs::write(folder.join("enclave.toml"), configuration).expect("a configuration");
        let mut enclave = Self {
            child: None,
            program: program.to_owned(),
            folder: folder.to_owned(),
            arguments: [
                &["--store", parent.store.as_str(), "--egress", &parent.egress],
                arguments,
            ]
            .concat()
            .iter()
            .map(ToString::to_string)
            .collect(),
        };
        enclave.restart_unready();
        enclave
    }

    /// Starts it again, after whatever it was doing was cut off by SIGKILL, and waits until it is ready.
    pub fn restart(&mut self) {
        self.restart_unready();
        self.wait_until_ready();
    }

    /// Starts it again, and waits only until it listens.
    pub fn restart_unready(&mut self) {
        self.kill();
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.log_path())
            .expect("a log file");
        let child = Command::new(&self.program)
            .arg("--config")
            .arg(self.folder.join("enclave.toml"))
            .arg("--listen")
            .arg(self.address())
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

    /// Runs another program, from the next start on.
    pub fn run(&mut self, program: &Path) {
        self.program = program.to_owned();
    }

    /// Changes its configuration, for the next start.
    pub fn configure(&self, configuration: &str) {
        fs::write(self.folder.join("enclave.toml"), configuration).expect("a configuration");
    }

    /// Waits until it has its root secret.
    pub fn wait_until_ready(&self) {
        let started = Instant::now();
        while let Some(reason) = self.waits_for() {
            assert!(
                started.elapsed() < START,
                "the enclave is not ready: {reason}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Why it is not ready, in its own words; nothing when it is.
    pub fn waits_for(&self) -> Option<String> {
        let asked = UnixStream::connect(self.socket()).and_then(|mut stream| {
            stream.write_all(
                b"GET /v1/health HTTP/1.1\r\nhost: enclave\r\nconnection: close\r\n\r\n",
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        });
        let answer = match asked {
            Ok(answer) => answer,
            Err(error) => return Some(error.to_string()),
        };
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        let health: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        match health["ready"] == true {
            true => None,
            false => Some(health["reason"].as_str().unwrap_or(&answer).to_owned()),
        }
    }

    /// Waits until the reason why it is not ready has this text in it, and gives the whole reason.
    pub fn refuses_with(&self, text: &str) -> String {
        let started = Instant::now();
        loop {
            let reason = self
                .waits_for()
                .unwrap_or_else(|| panic!("it is ready, without {text:?}"));
            if reason.contains(text) {
                return reason;
            }
            assert!(
                started.elapsed() < START,
                "expected {text:?}, got: {reason}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
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
        while UnixStream::connect(self.socket()).is_err() {
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
