//! The real parent program as a child process.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use permafrost_common::egress::Credentials;

use crate::{DevelopmentKms, binaries};

/// `permafrost serve`, which can be killed and started again. It ends with this value.
pub struct ParentProcess {
    running: Option<Child>,
    port: u16,
    endpoint: String,
    credentials: Credentials,
    folder: PathBuf,
}

impl ParentProcess {
    /// One that does not run yet: in `folder`, with the KMS's credentials of an enclave. Its port is free now.
    pub fn in_folder(folder: &Path, kms: &DevelopmentKms) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = address.expect("a free port").port();
        Self {
            running: None,
            port,
            endpoint: format!("http://127.0.0.1:{port}"),
            credentials: kms.credentials(),
            folder: folder.to_owned(),
        }
    }

    /// Writes its configuration, for the next start: the port at which it listens, and these lines.
    pub fn configure(&self, lines: &str) {
        let text = format!("listen = \"127.0.0.1:{}\"\n{lines}", self.port);
        fs::write(self.folder.join("parent.toml"), text).expect("a configuration");
    }

    /// Starts it again, after SIGKILL, and waits until it listens.
    pub fn restart(&mut self) {
        self.kill();
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.log_path())
            .expect("a log file");
        let child = Command::new(binaries::parent())
            .env("AWS_ACCESS_KEY_ID", &self.credentials.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &self.credentials.secret_access_key)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN")
            .arg("serve")
            .arg("--config")
            .arg(self.folder.join("parent.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the parent program starts");
        self.running = Some(child);
        self.wait_until_it_listens();
    }

    /// Ends it by SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().expect("a child can be killed");
            child.wait().expect("a killed child ends");
        }
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).expect("a log")
    }

    fn wait_until_it_listens(&mut self) {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let child = self.running.as_mut().expect("it was started");
            if let Some(status) = child.try_wait().expect("a child has a status") {
                panic!("the parent ended with {status}:\n{}", self.log());
            }
            assert!(started.elapsed() < Duration::from_secs(30), "no parent");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("parent.log")
    }
}

impl Drop for ParentProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
