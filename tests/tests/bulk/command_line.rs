//! `permafrost keys create --count`, as an operator calls it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use permafrost_tests::{
    HonestStack, Measured, Random, binaries, is_signed_by, killed_at_random, message, seed,
};

fn start() -> (HonestStack, PathBuf) {
    let stack = HonestStack::start(Measured::new("test"));
    let profile = stack.profile("alice");
    (stack, profile)
}

fn create(profile: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binaries::parent());
    command
        .args(["keys", "--profile"])
        .arg(profile)
        .args(["create", "--threshold", "2", "a", "b", "c"])
        .args(arguments)
        .stdin(Stdio::null());
    command
}

fn refused(output: &Output, told: &str) {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(told), "{stderr}");
}

const KEYS: usize = 600;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_twenty_times_ends_with_the_file_of_one_that_was_not() {
    let (stack, profile) = start();
    let at = |name: &str| stack.folder().join(name).display().to_string();
    let run = |out: &str, key: &[&str]| {
        let (out, count) = (at(out), KEYS.to_string());
        create(
            &profile,
            &[&["--count", &count, "--out", &out], key].concat(),
        )
    };
    let begun = Instant::now();
    assert!(run("first.csv", &[]).output().unwrap().status.success());
    // So that twenty parts are less than the whole.
    let part = begun.elapsed() / 16;

    let seed = seed();
    println!("PERMAFROST_SEED={seed}");
    let mut random = Random::from_seed(seed);
    let mut killed = |out: &str, key: &[&str], times| {
        killed_at_random(|| run(out, key), times, part, &mut random);
        assert!(run(out, key).output().unwrap().status.success());
    };
    let named = ["--idempotency-key", "run-2"];
    killed("killed.csv", &named, 20);
    // Under the same name: the keys of the run that was killed, by one that is not.
    assert!(run("whole.csv", &named).output().unwrap().status.success());
    assert_eq!(
        fs::read(at("killed.csv")).unwrap(),
        fs::read(at("whole.csv")).unwrap()
    );
    // Without a name: the run keeps its own.
    killed("unnamed.csv", &[], 5);

    let mut listed = BTreeSet::new();
    for name in ["first.csv", "whole.csv", "unnamed.csv"] {
        let text = fs::read_to_string(at(name)).unwrap();
        assert!(text.starts_with("key_id,public_key,npub,address\n"));
        let ids = text
            .lines()
            .skip(1)
            .map(|line| line.split(',').next().unwrap().to_owned());
        listed.extend(ids);
        assert_eq!(text.lines().count(), 1 + KEYS);
    }
    let alice = stack.principal("alice").await;
    let mut stored = BTreeSet::new();
    let mut after = None;
    loop {
        let page = alice.list_keys(after.as_deref(), Some(100)).await.unwrap();
        stored.extend(page.keys.iter().map(|key| key.id.clone()));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(stored.len(), 3 * KEYS);
    assert_eq!(
        stored, listed,
        "every key that was made is listed, and no other"
    );
    let key = alice.key(listed.first().unwrap()).await.unwrap();
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_of_a_run_are_named_and_make_nothing() {
    let (stack, profile) = start();
    let out = stack.folder().join("keys.jsonl").display().to_string();
    let long = "k".repeat(64);
    for (arguments, told) in [
        (&["--count", "0", "--out", &out][..], "--count"),
        (&["--count", "2"], "--out"),
        (&["--out", &out], "--count"),
        (
            &["--count", "2", "--out", "keys.txt"],
            "ends in .csv or .jsonl",
        ),
        (
            &["--count", "2", "--out", &out, "--custody", "split"],
            "--custody enclave",
        ),
        (
            &["--count", "2", "--out", &out, "--idempotency-key", &long],
            "--idempotency-key",
        ),
    ] {
        refused(&create(&profile, arguments).output().unwrap(), told);
    }
    let alice = stack.principal("alice").await;
    assert!(alice.list_keys(None, None).await.unwrap().keys.is_empty());
}
