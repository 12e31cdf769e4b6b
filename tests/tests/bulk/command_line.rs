//! `permafrost keys create --count`, as an operator calls it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use permafrost_tests::{HonestStack, Measured, Random, binaries, is_signed_by, message, seed};

fn start() -> (HonestStack, PathBuf) {
    let measured = Measured::new("test");
    let pem = measured.key("alice").to_pem().unwrap();
    let stack = HonestStack::start(measured);
    let profile = stack.folder().join("alice.toml");
    fs::write(stack.folder().join("alice.pem"), pem).unwrap();
    let text = format!(
        "endpoint = \"{}\"\nroot_certificate = \"state/development-root.pem\"\nprincipal = \"alice\"\nkey = \"alice.pem\"\n",
        stack.endpoint()
    );
    fs::write(&profile, text).unwrap();
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

/// With the same idempotency key a run that was not killed gives the keys of the one that was, so the files are the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_twenty_times_makes_the_keys_of_one_that_was_not_and_no_others() {
    let (stack, profile) = start();
    let at = |name: &str| stack.folder().join(name).display().to_string();
    let run = |out: &str, key: &[&str]| {
        let out = at(out);
        create(
            &profile,
            &[&["--count", "1250", "--out", &out], key].concat(),
        )
    };
    let named = ["--idempotency-key", "run-1"];
    let begun = Instant::now();
    assert!(run("whole.csv", &named).output().unwrap().status.success());
    let part = begun.elapsed().as_millis() as u64 / 16;

    let seed = seed();
    println!("PERMAFROST_SEED={seed}");
    let mut random = Random::from_seed(seed);
    for number in 0..20 {
        // The run keeps its random idempotency key itself.
        let mut child = run("cut.csv", &[])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(random.below(part)));
        child.kill().unwrap();
        assert!(
            !child.wait().unwrap().success(),
            "ended before kill {number}"
        );
    }
    assert!(run("cut.csv", &[]).output().unwrap().status.success());
    let ids = |name: &str| -> Vec<String> {
        let text = fs::read_to_string(at(name)).unwrap();
        assert!(text.starts_with("key_id,public_key,npub,address\n"));
        let lines = text.lines().skip(1);
        lines
            .map(|line| line.split(',').next().unwrap().to_owned())
            .collect()
    };
    let (whole, cut) = (ids("whole.csv"), ids("cut.csv"));
    assert_eq!((whole.len(), cut.len()), (1_250, 1_250));
    let all: BTreeSet<_> = whole.iter().chain(&cut).collect();
    assert_eq!(all.len(), 2_500, "every key is listed once");

    // Repeated under its name, the first run makes nothing and gives the same file.
    assert!(run("again.csv", &named).output().unwrap().status.success());
    assert_eq!(
        fs::read(at("again.csv")).unwrap(),
        fs::read(at("whole.csv")).unwrap()
    );
    let alice = stack.principal("alice").await;
    let mut stored = 0;
    let mut after = None;
    loop {
        let page = alice.list_keys(after.as_deref(), Some(100)).await.unwrap();
        stored += page.keys.len();
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(stored, 2_500);
    let key = alice.key(&cut[777]).await.unwrap();
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
