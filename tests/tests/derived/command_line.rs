//! `permafrost keys derive`, as an operator calls it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use permafrost_tests::{HonestStack, Measured, Random, binaries, killed_at_random, seed};
use serde_json::Value;

use crate::derive;

fn keys(profile: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binaries::parent());
    command
        .args(["keys", "--profile"])
        .arg(profile)
        .args(arguments)
        .stdin(Stdio::null());
    command
}

fn printed(profile: &Path, arguments: &[&str]) -> Value {
    let output = keys(profile, arguments).arg("--json").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(output: &Output, code: i32, text: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains(text), "{told}");
}

fn start() -> (HonestStack, PathBuf) {
    let stack = HonestStack::start(Measured::new("test"));
    let profile = stack.profile("alice");
    (stack, profile)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_key_is_shown_signs_and_is_disabled_by_the_users_name() {
    let (stack, profile) = start();
    let alice = stack.principal("alice").await;
    let key = derive(&alice, "caf\u{e9}/1").await;
    let user = "user:caf\u{e9}/1";
    let shown = printed(&profile, &["derive", "caf\u{e9}/1"]);
    assert_eq!(shown, serde_json::to_value(&key).unwrap());
    assert_eq!(printed(&profile, &["show", user]), shown);
    let wallet = printed(&profile, &["derive", "caf\u{e9}/1", "--wallet"]);
    assert!(wallet["receive"].as_str().unwrap().starts_with("tr(xpub"));
    let address = printed(&profile, &["derive", "caf\u{e9}/1", "--address", "0/5"]);
    assert_eq!(address["path"], "m/0'/users/caf%C3%A9%2F1/86'/0/5");
    let signed = printed(&profile, &["sign", user, "--message", "hello"]);
    assert_eq!(signed["key_id"], key.id.as_str());
    assert_eq!(printed(&profile, &["rotate", user])["generation"], 2);
    assert_eq!(printed(&profile, &["disable", user])["status"], "disabled");
    let output = keys(&profile, &["sign", user, "--message", "hello"])
        .output()
        .unwrap();
    refused(&output, 1, "m/0'/users/caf%C3%A9%2F1 is disabled");

    for (arguments, told) in [
        (&["derive", "cafe\u{301}"][..], "normal form C"),
        (
            &["sign", "user:cafe\u{301}", "--message", "hello"],
            "normal form C",
        ),
        (&["derive", ""], "1 to 255 bytes"),
        (&["derive", "a", "--address", "5"], "CHAIN/INDEX"),
        (
            &["derive", "a", "--purpose", "Users"],
            "1 to 32 of a-z 0-9 -",
        ),
        (&["derive", "--users", "x"], "--out"),
        (&["derive"], "<USER>"),
    ] {
        refused(&keys(&profile, arguments).output().unwrap(), 2, told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_users_gives_a_file_of_keys_and_bad_lines_are_named() {
    let (stack, profile) = start();
    let alice = stack.principal("alice").await;
    let folder = stack.folder();
    let at = |name: &str| folder.join(name).display().to_string();
    let derive_all = |users: &str, out: &str| {
        keys(
            &profile,
            &["derive", "--users", &at(users), "--out", &at(out)],
        )
        .output()
        .unwrap()
    };
    fs::write(at("users.txt"), "alice\nb,o\"b\n\u{96ea}\n").unwrap();
    let output = derive_all("users.txt", "keys.csv");
    assert!(output.status.success(), "{output:?}");
    let mut expected = "user,key_id,public_key,npub,address\n".to_owned();
    for (name, quoted) in [
        ("alice", "alice"),
        ("b,o\"b", "\"b,o\"\"b\""),
        ("\u{96ea}", "\u{96ea}"),
    ] {
        let key = derive(&alice, name).await;
        expected += &format!(
            "{quoted},{},{},{},{}\n",
            key.id, key.group_public_key, key.npub, key.taproot.address
        );
    }
    assert_eq!(fs::read_to_string(at("keys.csv")).unwrap(), expected);
    refused(
        &derive_all("users.txt", "keys.csv"),
        2,
        "exists; accepted: a new file",
    );

    fs::write(at("users.jsonl"), "\"alice\"\n\"two\\nlines\"\n").unwrap();
    assert!(derive_all("users.jsonl", "keys.jsonl").status.success());
    let lines: Vec<Value> = fs::read_to_string(at("keys.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["user"], "two\nlines");
    assert_eq!(
        lines[1]["public_key"],
        derive(&alice, "two\nlines").await.group_public_key.as_str()
    );

    for (name, bytes, told) in [
        (
            "nfd.txt",
            "alice\ncafe\u{301}\n".as_bytes(),
            "nfd.txt line 2",
        ),
        ("empty.txt", b"alice\n\nbob\n", "empty.txt line 2"),
        ("bytes.txt", b"\xff\n", "bytes.txt line 1"),
        ("text.jsonl", b"alice\n", "one JSON text a line"),
    ] {
        fs::write(at(name), bytes).unwrap();
        refused(&derive_all(name, "none.csv"), 2, told);
    }
    refused(
        &derive_all("users.txt", "keys.txt"),
        2,
        "ends in .csv or .jsonl",
    );
    assert!(!Path::new(&at("none.csv")).exists() && !Path::new(&at("none.csv.run")).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_twenty_times_ends_with_the_file_of_one_that_was_not() {
    let (stack, profile) = start();
    let folder = stack.folder();
    let at = |name: &str| folder.join(name).display().to_string();
    let users: String = (0..6_000).map(|n| format!("user-{n}\n")).collect();
    fs::write(at("users.txt"), users).unwrap();
    let run = |out: &str| {
        keys(
            &profile,
            &["derive", "--users", &at("users.txt"), "--out", &at(out)],
        )
    };
    let begun = Instant::now();
    assert!(run("whole.csv").output().unwrap().status.success());
    // So that twenty parts are less than the whole.
    let part = begun.elapsed() / 16;

    let seed = seed();
    println!("PERMAFROST_SEED={seed}");
    let mut random = Random::from_seed(seed);
    killed_at_random(|| run("cut.csv"), 20, part, &mut random);
    assert!(!Path::new(&at("cut.csv")).exists());
    assert!(run("cut.csv").output().unwrap().status.success());
    assert_eq!(
        fs::read(at("cut.csv")).unwrap(),
        fs::read(at("whole.csv")).unwrap()
    );
    assert!(!Path::new(&at("cut.csv.run")).exists() && !Path::new(&at("cut.csv.partial")).exists());

    // Another run does not go on with the pieces of this one.
    fs::write(at("others.txt"), "alice\n").unwrap();
    let mut child = run("other.csv").spawn().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    child.kill().unwrap();
    child.wait().unwrap();
    let output = keys(
        &profile,
        &[
            "derive",
            "--users",
            &at("others.txt"),
            "--out",
            &at("other.csv"),
        ],
    )
    .output()
    .unwrap();
    refused(&output, 2, "is of another run");
}
