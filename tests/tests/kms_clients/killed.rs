//! The development KMS as a separate process, which can be killed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use permafrost_tests::binaries;
use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Client, good};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_emulator_loses_no_acknowledged_key() {
    let state = TempDir::new().unwrap();
    let mut first = Process::start(state.path());
    assert!(
        first.told["warning"]
            .as_str()
            .unwrap()
            .contains("DEVELOPMENT")
    );
    let client = first.client(state.path());
    let mut maker = client
        .command("boto3_until_killed.py", &[])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(maker.stdout.take().unwrap()).lines();
    let mut made: Vec<String> = lines.by_ref().take(8).map(|line| line.unwrap()).collect();
    first.kill();
    made.extend(lines.map(|line| line.unwrap()));
    assert!(maker.wait().unwrap().success());
    assert!(made.len() >= 8);

    let second = Process::start(state.path());
    let mut finder = second
        .client(state.path())
        .command("boto3_all_there.py", &[])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = finder.stdin.take().unwrap();
    input.write_all(made.join("\n").as_bytes()).unwrap();
    drop(input);
    good("boto3_all_there.py", finder.wait_with_output().unwrap());
}

#[test]
fn a_second_emulator_on_the_same_state_is_refused() {
    let state = TempDir::new().unwrap();
    let _first = Process::start(state.path());
    let second = emulator_command(state.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&second.stdout).unwrap();
    let detail = told["error"]["detail"].as_str().unwrap();
    assert!(
        detail.contains("another development KMS is using"),
        "{detail}"
    );
}

/// `permafrost kms-emulator` as a separate process; killed when dropped.
struct Process {
    child: Child,
    told: Value,
}

impl Process {
    fn start(state: &Path) -> Self {
        let mut child = emulator_command(state)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            told: serde_json::from_str(&line).unwrap(),
            child,
        }
    }

    fn client(&self, state: &Path) -> Client {
        Client::at(self.told["endpoint"].as_str().unwrap().to_owned(), state)
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

fn emulator_command(state: &Path) -> Command {
    let mut command = Command::new(binaries::parent());
    command
        .args([
            "kms-emulator",
            "--listen",
            "127.0.0.1:0",
            "--json",
            "--state",
        ])
        .arg(state);
    command
}
