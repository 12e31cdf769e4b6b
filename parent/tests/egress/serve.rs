//! `permafrost serve` with an egress proxy, in an environment of its own.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use permafrost_common::transport::{self, Address, Stream};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::egress_proxy::{RawResponse, ask, rest, within};

pub(crate) struct Serve {
    egress: Address,
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    _directory: TempDir,
    _child: Child,
}

impl Serve {
    /// Starts it with this text after `[egress]`, and with these environment variables only. `HOME` is an empty folder.
    pub(crate) async fn start(egress: &str, environment: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().display().to_string();
        let config = format!(
            "listen = \"127.0.0.1:0\"\n\
             enclave = {{ address = \"unix:{at}/enclave.sock\" }}\n\
             store = {{ listen = \"unix:{at}/store.sock\", sqlite = \"{at}/store.sqlite\" }}\n\
             enclave_log = {{ listen = \"none\" }}\n\
             log = {{ level = \"debug\" }}\n\
             [egress]\nlisten = \"unix:{at}/egress.sock\"\n{egress}\n"
        );
        let path = directory.path().join("parent.toml");
        std::fs::write(&path, config).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_permafrost"))
            .args(["serve", "--config"])
            .arg(&path)
            .env_clear()
            .env("HOME", directory.path())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let address = within(async {
            loop {
                let line = lines
                    .next_line()
                    .await
                    .unwrap()
                    .expect("`permafrost serve` ended");
                let entry: serde_json::Value = serde_json::from_str(&line).expect(&line);
                log.lock().unwrap().push(line);
                if entry["message"] == "serving" {
                    return entry["listen"].as_str().unwrap().parse().unwrap();
                }
            }
        })
        .await;
        let kept = log.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                kept.lock().unwrap().push(line);
            }
        });
        Self {
            egress: format!("unix:{at}/egress.sock").parse().unwrap(),
            address,
            log,
            _directory: directory,
            _child: child,
        }
    }

    pub(crate) async fn connect(&self) -> Stream {
        transport::connect(&self.egress).await.unwrap()
    }

    pub(crate) async fn credentials(&self) -> RawResponse {
        let request = "GET /credentials HTTP/1.1\r\nhost: x\r\n\r\n";
        ask(&mut self.connect().await, request).await
    }

    /// The text of `/metrics`.
    pub(crate) async fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        String::from_utf8(rest(&mut stream).await).unwrap()
    }

    /// Waits until `/metrics` has all of these lines.
    pub(crate) async fn has_metrics(&self, lines: &[&str]) {
        let mut metrics = String::new();
        for _ in 0..400 {
            metrics = self.metrics().await;
            if lines
                .iter()
                .all(|line| metrics.lines().any(|found| found == *line))
            {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("not all of {lines:?} in\n{metrics}");
    }

    /// Everything that it has logged, at level debug.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Waits until a line of the log contains all of these parts.
    pub(crate) async fn logs(&self, parts: &[&str]) {
        for _ in 0..400 {
            let log = self.log();
            if log
                .lines()
                .any(|line| parts.iter().all(|part| line.contains(part)))
            {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("no line with {parts:?} in\n{}", self.log());
    }
}
