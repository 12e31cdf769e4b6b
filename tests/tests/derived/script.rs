//! What `docs/derivation/derive.py`, which shares no code with the enclave, says of the enclave's keys.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use permafrost_tests::{HonestStack, Measured};
use serde_json::json;

use crate::user;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_users_derived_by_the_enclave_and_by_the_script_agree() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let names: Vec<String> = (0..10_000)
        .map(|n| format!("user-{n}@example.com/\u{e9}"))
        .collect();
    let mut derived = Vec::with_capacity(names.len());
    for names in names.chunks(100) {
        let paths: Vec<_> = names.iter().map(|name| user(name)).collect();
        let keys = alice.derive_keys(&paths).await.unwrap().keys;
        derived.extend(keys.into_iter().map(|key| key.group_public_key));
    }

    // The root secret can be had from the development KMS only.
    let (record, version) = stack.root_secret();
    let secrets = stack.kms.root_secrets(&record, version);
    let root = hex::encode(secrets.derivation().expose());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/derivation/derive.py");
    let mut python = Command::new("python3")
        .arg(script)
        .args(["keys", &root, "test", "0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut lines = String::new();
    for name in &names {
        lines += &json!({"purpose": "users", "name": name}).to_string();
        lines.push('\n');
    }
    let mut input = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.lines().count(), names.len());
    assert!(printed.lines().eq(derived.iter().map(String::as_str)));
}
