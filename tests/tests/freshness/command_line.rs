//! `permafrost keys`, run twice: what the first run has seen is beside the profile.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use permafrost_common::api::Key;
use permafrost_tests::{EnclaveProcess, LyingParent, binaries};
use serde_json::Value;

/// A profile of alice's for this enclave.
fn profile(parent: &LyingParent, enclave: &EnclaveProcess) -> PathBuf {
    let folder = parent.folder();
    let key = parent.key("alice").to_pem().unwrap();
    fs::write(folder.join("alice.pem"), key.as_bytes()).unwrap();
    fs::write(folder.join("root.pem"), parent.enclave.root_pem()).unwrap();
    let text = format!(
        "endpoint = \"{}\"\nroot_certificate = \"root.pem\"\nprincipal = \"alice\"\nkey = \"alice.pem\"\n",
        enclave.address()
    );
    let path = folder.join("client.toml");
    fs::write(&path, text).unwrap();
    path
}

fn keys(profile: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binaries::parent());
    command.args(["keys", "--json", "--profile"]).arg(profile);
    command.args(arguments).output().unwrap()
}

fn key(output: &Output) -> Key {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn error(output: &Output) -> Value {
    assert!(!output.status.success(), "{output:?}");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    said["error"].clone()
}

#[tokio::test]
async fn a_second_run_against_an_old_copy_is_refused_by_what_the_first_has_seen() {
    let parent = LyingParent::start().await;
    let first = profile(&parent, &parent.enclave);
    let made = key(&keys(&first, &["create", "--threshold", "2", "a", "b"]));
    let fork = parent.forked_enclave("fork");
    assert_eq!(key(&keys(&first, &["disable", &made.id])).record_version, 2);
    let file = first.with_extension("versions.json");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let second = profile(&parent, &fork.enclave);
    let sign = ["sign", &made.id, "--message", "hello"];
    let refused = error(&keys(&second, &sign));
    let problem = refused["problem"]["type"].as_str().unwrap();
    assert!(problem.ends_with("record-rolled-back"), "{refused}");
    let listed = error(&keys(&second, &["list"]));
    assert_eq!(listed["kind"], "rolled-back");

    // Without what was seen, the copy is as good as any: the limit.
    fs::remove_file(&file).unwrap();
    assert!(keys(&second, &sign).status.success());
}

#[tokio::test]
async fn a_file_of_versions_that_is_damaged_is_named_and_nothing_is_sent() {
    let parent = LyingParent::start().await;
    let profile = profile(&parent, &parent.enclave);
    let made = key(&keys(&profile, &["create", "--threshold", "2", "a", "b"]));
    fs::write(profile.with_extension("versions.json"), "{").unwrap();
    let refused = error(&keys(&profile, &["disable", &made.id]));
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("client.versions.json"), "{detail}");
    assert_eq!(parent.store.versions(&made.id).len(), 1);
}
