//! The examples of the Rust client, run as a reader would run them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails should stop, in its helpers too"
)]

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use nostr::event::Event;
use permafrost_client::Measurements;
use permafrost_tests::{HonestStack, Measured, binaries, new_key};

#[tokio::test(flavor = "multi_thread")]
async fn verify_prints_what_the_enclave_vouches_for_and_nothing_of_another_release() {
    let stack = Stack::start().await;
    let boot = stack.stack.verified().await.boot();

    let printed = succeeds(&mut stack.connected("verify"));
    for line in [
        format!("module         {}", boot.verified().module_id()),
        format!("PCR0           {}", hex::encode(boot.verified().pcrs()[&0])),
        "deployment     test".to_owned(),
        format!(
            "configuration  {}",
            hex::encode(boot.binding().configuration)
        ),
        format!("boot           {}", boot.attestation()),
        "ready          true".to_owned(),
    ] {
        assert!(printed.lines().any(|printed| printed == line), "{printed}");
    }

    stack.accept([9; 48]);
    let (printed, said) = fails(&mut stack.connected("verify"));
    assert_eq!(printed, "");
    assert!(said.contains("PCR0"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_accepts_the_document_that_verify_kept_and_no_altered_one() {
    let stack = Stack::start().await;
    let kept = stack.file("boot.cbor");
    succeeds(stack.connected("verify").arg("--keep").arg(&kept));
    let audit = |document: &Path| {
        let mut audit = Command::new(binaries::example("audit"));
        audit.arg(document).args(stack.trust());
        audit
    };

    let printed = succeeds(&mut audit(&kept));
    assert!(printed.contains("deployment   test\n"), "{printed}");

    let mut document = fs::read(&kept).unwrap();
    *document.last_mut().unwrap() ^= 1;
    let altered = stack.file("altered.cbor");
    fs::write(&altered, document).unwrap();
    let (printed, said) = fails(&mut audit(&altered));
    assert_eq!(printed, "");
    assert!(said.contains("signature"), "{said}");

    stack.accept([9; 48]);
    let (printed, said) = fails(&mut audit(&kept));
    assert_eq!(printed, "");
    assert!(said.contains("PCR0"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_event_prints_an_event_that_verifies_with_a_new_key() {
    let stack = Stack::start().await;
    let printed = succeeds(stack.as_alice("sign_event").arg("Never thaws."));
    let event = Event::from_json(printed.trim()).unwrap();
    event.verify().unwrap();
    assert_eq!(event.content, "Never thaws.");
    let alice = stack.stack.principal("alice").await;
    let keys = alice.list_keys(None, None).await.unwrap().keys;
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].group_public_key, event.pubkey.to_hex());
}

#[tokio::test(flavor = "multi_thread")]
async fn rotate_replaces_the_shares_and_signs_for_the_same_public_key() {
    let stack = Stack::start().await;
    let alice = stack.stack.principal("alice").await;
    let before = new_key(&alice).await;

    let printed = succeeds(stack.as_alice("rotate").arg(&before.id));
    let after = alice.key(&before.id).await.unwrap();
    assert_eq!((before.generation, after.generation), (1, 2));
    assert_ne!(
        before.participants[0].verifying_share,
        after.participants[0].verifying_share
    );
    assert!(printed.contains("generation  1 -> 2\n"), "{printed}");
    let signature = printed
        .lines()
        .find_map(|line| line.strip_prefix("signature   "))
        .unwrap();
    assert!(
        signs(
            &before.group_public_key,
            "signed after the rotation",
            signature
        ),
        "{printed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn recover_from_restart_goes_on_signing_with_the_next_boot() {
    let mut stack = Stack::start().await;
    let key = new_key(&stack.stack.principal("alice").await).await;
    let mut running = Running::start(stack.as_alice("recover_from_restart").arg(&key.id));

    let (first_signature, first_boot) = running.sign("before");
    stack.stack.enclave.restart();
    let (second_signature, second_boot) = running.sign("after");
    running.end();

    assert_ne!(first_boot, second_boot);
    let boot = stack.stack.verified().await.boot();
    assert_eq!(second_boot, boot.attestation().to_string());
    for (message, signature) in [("before", first_signature), ("after", second_signature)] {
        assert!(
            signs(&key.group_public_key, message, &signature),
            "{message}"
        );
    }
}

/// A running stack, and the files that the examples read.
struct Stack {
    stack: HonestStack,
}

impl Stack {
    async fn start() -> Self {
        let measured = Measured::new("test");
        let pem = measured.key("alice").to_pem().unwrap();
        let stack = Self {
            stack: HonestStack::start(measured),
        };
        fs::write(stack.file("alice.pem"), pem.as_bytes()).unwrap();
        let boot = stack.stack.verified().await.boot();
        stack.accept(boot.verified().pcrs()[&0]);
        stack
    }

    /// Accepts the release with this PCR0 alone.
    fn accept(&self, pcr0: [u8; 48]) {
        let release = Measurements::from_pcrs([(0, pcr0)]).unwrap();
        fs::write(self.file("measurements.json"), release.to_json()).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.stack.folder().join(name)
    }

    fn trust(&self) -> [PathBuf; 4] {
        [
            "--measurements".into(),
            self.file("measurements.json"),
            "--root-certificate".into(),
            self.file("state/development-root.pem"),
        ]
    }

    /// An example that connects.
    fn connected(&self, example: &str) -> Command {
        let mut command = Command::new(binaries::example(example));
        command.arg(self.stack.endpoint()).args(self.trust());
        command
    }

    /// An example that signs its requests.
    fn as_alice(&self, example: &str) -> Command {
        let mut command = self.connected(example);
        command
            .args(["--principal", "alice", "--key"])
            .arg(self.file("alice.pem"));
        command
    }
}

/// An example that reads lines.
struct Running {
    child: Child,
    printed: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let printed = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, printed }
    }

    /// The signature of a message, and the boot that made it.
    fn sign(&mut self, message: &str) -> (String, String) {
        writeln!(self.child.stdin.as_ref().unwrap(), "{message}").unwrap();
        let line = self.printed.next().expect("a line").unwrap();
        let (signature, boot) = line.split_once(" by ").unwrap();
        (signature.to_owned(), boot.to_owned())
    }

    fn end(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

/// What an example prints when it succeeds.
fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What an example prints, and what it says of the reason, when it fails.
fn fails(command: &mut Command) -> (String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(status.code(), Some(1), "{command:?}: {stdout}{stderr}");
    (stdout, stderr)
}

fn signs(public_key: &str, message: &str, signature: &str) -> bool {
    let key: [u8; 32] = hex::decode(public_key).unwrap().try_into().unwrap();
    let signature: [u8; 64] = hex::decode(signature).unwrap().try_into().unwrap();
    let key = secp256k1::XOnlyPublicKey::from_byte_array(key).unwrap();
    let signature = secp256k1::schnorr::Signature::from_byte_array(signature);
    secp256k1::schnorr::verify(&signature, message.as_bytes(), &key).is_ok()
}
