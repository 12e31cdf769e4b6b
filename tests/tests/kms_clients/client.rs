//! A client in Python, configured like an operator's machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use permafrost_kms::emulator::Emulator;
use permafrost_tests::python::{python, script};
use tempfile::TempDir;

/// What a client's environment says about a KMS.
pub(crate) struct Client {
    endpoint: String,
    state: PathBuf,
    home: TempDir,
}

impl Client {
    pub(crate) fn of(emulator: &Emulator) -> Self {
        Self::at(emulator.endpoint_url(), emulator.state())
    }

    pub(crate) fn at(endpoint: String, state: &Path) -> Self {
        Self {
            endpoint,
            state: state.to_owned(),
            home: TempDir::new().unwrap(),
        }
    }

    /// Python with a script of `tests/python`, and only the PATH of this machine's environment.
    pub(crate) fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(python());
        command
            .arg("-B")
            .arg(script(name))
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("AWS_ENDPOINT_URL_KMS", &self.endpoint)
            .env("AWS_CA_BUNDLE", self.state.join("ca.pem"))
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env(
                "AWS_SHARED_CREDENTIALS_FILE",
                self.state.join("credentials"),
            )
            .env("AWS_PROFILE", "administrator")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    /// Runs a script, which must succeed; gives what it printed.
    pub(crate) async fn run(&self, name: &str, arguments: &[&str]) -> String {
        let mut command = tokio::process::Command::from(self.command(name, arguments));
        let done = command.kill_on_drop(true).stdin(Stdio::null()).output();
        let done = tokio::time::timeout(SCRIPT_TIME, done).await;
        good(name, done.expect("the script ends in time").unwrap())
    }
}

/// The output of a program, which must have succeeded.
pub(crate) fn good(what: &str, output: Output) -> String {
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{what}: {said}\n{complained}");
    said
}

/// How long a script may take. A start of Python with boto3 takes a second, one of `aws` two.
const SCRIPT_TIME: Duration = Duration::from_secs(180);
