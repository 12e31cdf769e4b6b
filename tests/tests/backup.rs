//! Backups of the store while it is in use, their restore, and what an enclave makes of an older store.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use permafrost_client::Principal;
use permafrost_common::api::Key;
use permafrost_tests::{HonestStack, Measured, binaries, is_signed_by, message, new_key, refusal};
use serde_json::Value;
use tokio::task::JoinSet;

async fn signs(principal: &Principal, key: &Key) {
    let signed = principal.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

fn store(stack: &HonestStack, command: &str, file: &Path) -> Output {
    store_of(&stack.folder().join("parent.toml"), command, file)
}

fn store_of(config: &Path, command: &str, file: &Path) -> Output {
    let mut parent = Command::new(binaries::parent());
    parent.args(["store", command]).arg(file).arg("--json");
    if command != "check" {
        parent.arg("--config").arg(config);
    }
    parent.output().unwrap()
}

fn done(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(output: &Output, code: i32, told: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let error: Value = serde_json::from_slice(&output.stdout).unwrap();
    let detail = error["error"]["detail"].as_str().unwrap();
    assert!(detail.contains(told), "{detail}");
}

/// The store's file and what SQLite keeps beside it, moved away.
fn move_away(stack: &HonestStack) {
    for suffix in ["", "-wal", "-shm"] {
        let path = stack.folder().join(format!("store.sqlite{suffix}"));
        if path.exists() {
            fs::rename(&path, stack.folder().join(format!("away.sqlite{suffix}"))).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_while_clients_write_has_every_key_that_was_acknowledged_before() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(std::sync::Mutex::new(Vec::<Key>::new()));
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        let (alice, stop, acknowledged) =
            (alice.clone(), Arc::clone(&stop), Arc::clone(&acknowledged));
        clients.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let key = new_key(&alice).await;
                acknowledged.lock().unwrap().push(key);
            }
        });
    }
    while acknowledged.lock().unwrap().len() < 20 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let before = acknowledged.lock().unwrap().clone();
    let file = stack.folder().join("backup.sqlite");
    let copied = tokio::task::block_in_place(|| done(&store(&stack, "backup", &file)));
    stop.store(true, Ordering::Relaxed);
    clients.join_all().await;
    assert!(
        acknowledged.lock().unwrap().len() > before.len(),
        "clients wrote meanwhile"
    );
    assert!(copied["kinds"]["key"].as_u64().unwrap() >= before.len() as u64);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(!stack.folder().join("backup.sqlite.partial").exists());
    assert_eq!(done(&store(&stack, "check", &file)), copied);

    stack.kill_parent();
    stack.enclave.kill();
    move_away(&stack);
    assert_eq!(
        done(&store(&stack, "restore", &file))["records"],
        copied["records"]
    );
    stack.restart_parent();
    stack.enclave.restart();
    let alice = stack.principal("alice").await;
    for key in &before {
        assert_eq!(alice.key(&key.id).await.unwrap(), *key);
        signs(&alice, key).await;
    }
    let made = new_key(&alice).await;
    signs(&alice, &made).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_store_restored_beneath_a_running_enclave_is_refused() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    let key = new_key(&alice).await;
    let file = stack.folder().join("backup.sqlite");
    done(&store(&stack, "backup", &file));
    alice.disable(&key.id).await.unwrap();
    let later = new_key(&alice).await;

    stack.kill_parent();
    move_away(&stack);
    done(&store(&stack, "restore", &file));
    stack.restart_parent();
    let alice = stack.principal("alice").await;
    assert_eq!(
        refusal(alice.sign(&key.id, &message()).await),
        "record-rolled-back"
    );
    assert_eq!(
        refusal(alice.sign(&later.id, &message()).await),
        "record-lost"
    );

    // What docs/backup.md says: an enclave that was started anew cannot tell.
    stack.enclave.restart();
    let alice = stack.principal("alice").await;
    signs(&alice, &key).await;
    assert_eq!(
        refusal(alice.sign(&later.id, &message()).await),
        "key-not-found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_damaged_of_another_kind_or_in_the_way_is_refused_in_words() {
    let stack = HonestStack::start(Measured::new("test"));
    let alice = stack.principal("alice").await;
    for _ in 0..40 {
        new_key(&alice).await;
    }
    let at = |name: &str| -> PathBuf { stack.folder().join(name) };
    done(&store(&stack, "backup", &at("backup.sqlite")));
    refused(
        &store(&stack, "backup", &at("backup.sqlite")),
        2,
        "it exists",
    );
    refused(
        &store(&stack, "backup", &at("no/such/folder")),
        2,
        "No such file",
    );
    // In the place of the store that is in use.
    refused(
        &store(&stack, "restore", &at("backup.sqlite")),
        2,
        "store.sqlite: it exists",
    );
    refused(&store(&stack, "check", &at("none")), 2, "No such file");

    let whole = fs::read(at("backup.sqlite")).unwrap();
    let mut altered = whole.clone();
    let middle = altered.len() / 2;
    altered[middle..middle + 4096].fill(0xa5);
    let config = fs::read_to_string(at("parent.toml")).unwrap();
    let config = config.replace("store.sqlite", "elsewhere.sqlite");
    fs::write(at("elsewhere.toml"), config).unwrap();
    for (name, bytes, told) in [
        ("empty", Vec::new(), "it is empty"),
        ("half", whole[..whole.len() / 2].to_vec(), "malformed"),
        ("altered", altered, "damaged"),
        (
            "text",
            b"not a database, but a text of more than a hundred bytes".repeat(4),
            "not a database",
        ),
    ] {
        fs::write(at(name), bytes).unwrap();
        refused(&store(&stack, "check", &at(name)), 1, told);
        let restored = store_of(&at("elsewhere.toml"), "restore", &at(name));
        refused(&restored, 1, &at(name).display().to_string());
    }
    assert!(!at("elsewhere.sqlite.partial").exists() && !at("elsewhere.sqlite").exists());
    signs(&alice, &new_key(&alice).await).await;
}
