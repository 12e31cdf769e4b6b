//! `permafrost root`, as an operator calls it.

use std::path::Path;
use std::process::{Command, Output};

use permafrost_client::Algorithm;
use permafrost_tests::{EXCEPTIONS, HonestStack, Measured, binaries, new_key};
use serde_json::{Value, json};

use crate::steps::signs;

#[tokio::test(flavor = "multi_thread")]
async fn epochs_are_shown_rotated_resealed_and_retired_from_the_command_line() {
    let mut stack = HonestStack::start(Measured::new("test"));
    let profile = stack.profile("alice");
    let alice = stack.principal("alice").await;
    let mut keys = Vec::new();
    for _ in 0..3 {
        keys.push(new_key(&alice).await);
    }
    let derivation_root = alice.root().await.unwrap().derivation_root;
    assert_eq!(derivation_root.len(), 64);
    let state = |epoch: u32, epochs: &[u32]| {
        let key_arn = stack.key_arn.as_str();
        json!({
            "key_arn": key_arn, "epoch": epoch, "epochs": epochs, "oldest_epoch": 1,
            "derivation_root": derivation_root,
        })
    };

    assert_eq!(printed(&profile, &["show"]), state(1, &[1]));
    assert_eq!(printed(&profile, &["rotate"]), state(2, &[1, 2]));
    let told = refused(&profile, &["rotate", "--from", "1"]);
    assert_eq!(slug(&told), "epoch-conflict");
    let detail = told["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("the newest epoch is 2"), "{detail}");
    let resealed = |keys: u32, resealed: u32| json!({"epoch": 2, "examined": keys + EXCEPTIONS, "resealed": resealed, "left": 0});
    assert_eq!(
        slug(&refused(&profile, &["retire", "--epoch", "2"])),
        "epoch-in-use"
    );
    assert_eq!(
        printed(&profile, &["reseal", "--page", "2"]),
        resealed(3, 3 + EXCEPTIONS)
    );
    assert_eq!(printed(&profile, &["reseal"]), resealed(3, 0));
    assert_eq!(
        printed(&profile, &["retire", "--epoch", "2"]),
        state(2, &[2])
    );
    assert_eq!(printed(&profile, &["show"]), state(2, &[2]));

    let shown = text(&root(&profile, &["show"]).stdout);
    for line in [
        "epoch     2 seals",
        "open      2",
        "accepted  1 and later (measured configuration)",
        &format!("KMS key   {}", stack.key_arn),
        &format!("derived   from root {derivation_root}"),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{shown}");
    }
    stack.enclave.restart();
    for key in &keys {
        signs(&alice, key).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_reported_by_name_and_exit_code() {
    let mut measured = Measured::new("test");
    measured.principal(
        "clerk",
        Algorithm::Ed25519,
        "operations = [\"show_root\"]\nrequests_per_minute = 60000",
    );
    let mut stack = HonestStack::start(measured);
    let [alice, clerk] = ["alice", "clerk"].map(|name| stack.profile(name));
    assert_eq!(printed(&clerk, &["show"])["epoch"], 1);
    for command in [&["rotate"][..], &["reseal"], &["retire", "--epoch", "1"]] {
        assert_eq!(
            slug(&refused(&clerk, command)),
            "not-permitted",
            "{command:?}"
        );
    }
    stack.kms.stop();
    let told = refused(&alice, &["rotate"]);
    assert_eq!(slug(&told), "kms-unavailable");
    let detail = told["error"]["detail"].as_str().unwrap();
    assert!(
        detail.contains("kms:GenerateDataKey with arn:aws:kms:"),
        "{detail}"
    );
    assert_eq!(printed(&alice, &["show"])["epochs"], json!([1]));

    for wrong in [
        &["retire"][..],
        &["reseal", "--page", "0"],
        &["reseal", "--page", "101"],
    ] {
        let output = root(&alice, wrong);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
    stack.kill_parent();
    let output = root(&alice, &["show"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        text(&output.stderr).contains("cannot reach http://127.0.0.1:"),
        "{output:?}"
    );
}

/// What a command prints as JSON when it succeeds.
fn printed(profile: &Path, arguments: &[&str]) -> Value {
    let output = root(profile, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What it prints as JSON when it fails.
fn refused(profile: &Path, arguments: &[&str]) -> Value {
    let output = root(profile, &[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The slug of a refusal's problem type.
fn slug(refused: &Value) -> &str {
    let uri = refused["error"]["problem"]["type"].as_str();
    uri.expect("a problem").rsplit(['/', ':']).next().unwrap()
}

fn root(profile: &Path, arguments: &[&str]) -> Output {
    Command::new(binaries::parent())
        .arg("root")
        .args(arguments)
        .arg("--profile")
        .arg(profile)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
