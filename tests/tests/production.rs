//! The build without the feature `emulator`, as shipped: it knows nothing of the emulator and trusts nothing it makes.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails should stop, in its helpers too"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use permafrost_client::{AttestationRefused, Client, Error, Expectation};
use permafrost_tests::{HonestStack, Measured, binaries};

/// What is in a program that has the emulator: its root, its files, its words, its code and the library it signs with.
const TRACES: [&str; 5] = [
    "Permafrost DEVELOPMENT root",
    "development-root.pem",
    "DEVELOPMENT: the NSM is emulated",
    "nsm/emulator",
    "/rcgen-",
];

/// A section `kms`, for a build that gets no further than its NSM.
const KMS: &str = "[kms]\nkey_arn = \"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\"\n";

#[test]
fn a_production_build_says_so() {
    let output = run(&["--version"]);
    assert!(output.status.success(), "{output:?}");
    let version = String::from_utf8(output.stdout).unwrap();
    assert!(version.contains("production build"), "{version}");
}

#[test]
fn a_production_build_refuses_to_emulate() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    for (arguments, named) in [
        (&["--nsm", "emulator"][..], "--nsm"),
        (&["--nsm", "emulator", "--state", state], "--nsm"),
        (&["--state", state], "--state"),
        (&["--measure"], "--measure"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(named), "{said}");
        assert!(
            said.to_lowercase().contains("this build has no emulator"),
            "{said}"
        );
    }
    assert_eq!(fs::read_dir(state).unwrap().count(), 0);
}

#[test]
fn nothing_of_the_emulator_is_in_a_production_build() {
    let (production, development) = (program(), binaries::enclave());
    for trace in TRACES {
        assert!(holds(&development, trace), "{trace:?} tells nothing");
        assert!(!holds(production, trace), "{trace:?}");
    }
}

#[test]
fn without_an_nsm_a_production_build_gives_one_reason_and_serves_nothing() {
    assert!(
        !Path::new("/dev/nsm").exists(),
        "this machine is an enclave"
    );
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("enclave.toml");
    fs::write(&configuration, Measured::new("test").to_toml(KMS)).unwrap();
    let socket = folder.path().join("enclave.sock");
    let address = format!("unix:{}", socket.display());
    let output = run(&[
        "--config",
        configuration.to_str().unwrap(),
        "--listen",
        &address,
        "--store",
        &address,
    ]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("/dev/nsm"), "{said}");
    assert!(!socket.exists());
}

#[tokio::test]
async fn no_verifier_accepts_a_development_document_unless_given_its_root() {
    let stack = HonestStack::start(Measured::new("test"));
    let client = Client::new(stack.endpoint().parse().unwrap());
    let refused = client.verify(&Expectation::any_measurements()).await;
    let Err(Error::AttestationRefused(AttestationRefused::Document(_))) = refused else {
        panic!("{refused:?}");
    };

    let document = stack.folder().join("document.cbor");
    fs::write(&document, client.attestation(None).await.unwrap()).unwrap();
    let verify = |more: &[&str]| {
        Command::new(binaries::parent())
            .args(["attest", "verify", "--json"])
            .arg(&document)
            .args(more)
            .output()
            .unwrap()
    };
    let output = verify(&[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let response: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(response["error"]["rule"], "root", "{response}");

    let root = stack.enclave.state().join("development-root.pem");
    let output = verify(&["--root-certificate", root.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

/// Runs the production build, which must end by itself.
fn run(arguments: &[&str]) -> Output {
    let mut child = Command::new(program())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("it does not end: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

fn holds(program: &Path, text: &str) -> bool {
    let bytes = fs::read(program).unwrap();
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

fn program() -> &'static Path {
    static BUILT: LazyLock<PathBuf> =
        LazyLock::new(|| binaries::production("permafrost-enclave", &[]));
    &BUILT
}
