//! The stand-in for IAM Roles Anywhere, `tests/python/roles_anywhere.py`: a process of its own, which checks what the enclave sends by code
//! that is not ours.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Authority;
use crate::python::{python, script};

/// The running stand-in, with one profile.
pub struct RolesAnywhere {
    address: SocketAddr,
    authority: String,
    lines: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    process: Child,
    _folder: TempDir,
}

impl RolesAnywhere {
    /// The name that its certificate is for.
    pub const HOST: &'static str = "rolesanywhere.us-east-1.localhost";
    /// A trust anchor, which is not uploaded yet.
    pub const ANCHOR: &'static str = "arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/41c0bae6-6783-40d4-ab20-65dc5d922e45";
    /// Another one.
    pub const OTHER_ANCHOR: &'static str = "arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/52d1cbf7-7894-41e5-bc31-76ed6ea33f56";
    /// The profile.
    pub const PROFILE: &'static str =
        "arn:aws:rolesanywhere:us-east-1:123456789012:profile/63e2dc08-89a5-42f6-8d42-87fe7fb44067";
    /// The role.
    pub const ROLE: &'static str = "arn:aws:iam::123456789012:role/permafrost-store";

    /// Starts it; its role's trust policy asks for certificates with the name of this deployment.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(deployment: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new("stand-in for AWS");
        let (certificate, key) = authority.server(Self::HOST);
        let [certificate_file, key_file] =
            ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
        std::fs::write(&certificate_file, certificate.pem()).expect("a file");
        std::fs::write(&key_file, key.serialize_pem()).expect("a file");
        let mut process = Command::new(python())
            .arg(script("roles_anywhere.py"))
            .args([certificate_file, key_file])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the stand-in");
        let input = process.stdin.take().expect("its input");
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let mut port = String::new();
        output.read_line(&mut port).expect("its port");
        let port: u16 = port.trim().parse().expect("the stand-in prints its port");
        let started = Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            authority: authority.pem(),
            lines: Mutex::new((input, output)),
            process,
            _folder: folder,
        };
        started.command(json!({
            "profile": Self::PROFILE,
            "role": Self::ROLE,
            "seconds": 3600,
            "common_name": deployment,
        }));
        started
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate, in PEM, that its own leads to.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Uploads a certificate in PEM as a trust anchor.
    pub fn upload(&self, anchor: &str, pem: &str) {
        self.command(json!({"anchor": anchor, "certificate": pem}));
    }

    /// Disables a trust anchor.
    pub fn disable(&self, anchor: &str) {
        self.command(json!({"anchor": anchor}));
    }

    /// Gives a command of `roles_anywhere.py`, and its result.
    ///
    /// # Panics
    /// If the stand-in has ended.
    pub fn command(&self, command: Value) -> Value {
        let mut lines = self.lines.lock().expect("one command at a time");
        let (input, output) = &mut *lines;
        writeln!(input, "{command}").expect("the stand-in reads");
        let mut line = String::new();
        output.read_line(&mut line).expect("the stand-in writes");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for RolesAnywhere {
    fn drop(&mut self) {
        let _it_may_have_ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}
