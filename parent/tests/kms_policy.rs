//! `permafrost kms policy` and `permafrost kms check`, as processes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing test should stop, in its helpers too"
)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const ROLE: &str = "arn:aws:iam::111122223333:role/enclave";
const ADMINISTRATOR: &str = "arn:aws:iam::111122223333:role/administrator";

fn permafrost(directory: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_permafrost"))
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments does not read its input.
    let _closed = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A directory with the measurements of two releases, in both accepted shapes, and of an enclave in debug mode.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let pcrs = |bytes: [&str; 3]| {
        let [pcr0, pcr1, pcr2] = bytes.map(|byte| byte.repeat(48));
        json!({"PCR0": pcr0, "PCR1": pcr1, "PCR2": pcr2})
    };
    for (name, text) in [
        ("v1.json", json!({"Measurements": pcrs(["10", "11", "12"])})),
        ("v2.json", pcrs(["20", "21", "12"])),
        ("debug.json", pcrs(["00", "00", "00"])),
    ] {
        fs::write(directory.path().join(name), text.to_string()).unwrap();
    }
    directory
}

fn policy(directory: &Path, measurements: &[&str]) -> Output {
    let mut arguments = vec![
        "kms",
        "policy",
        "--account",
        "111122223333",
        "--deployment",
        "example",
    ];
    arguments.extend(["--role", ROLE, "--administrator", ADMINISTRATOR]);
    for file in measurements {
        arguments.extend(["--measurements", file]);
    }
    permafrost(directory, &arguments, "")
}

/// The generated policy for two releases.
fn printed(directory: &Path) -> String {
    let output = policy(directory, &["v1.json", "v2.json"]);
    assert!(output.status.success(), "{output:?}");
    stdout(&output)
}

#[test]
fn the_printed_policy_is_for_the_releases_of_the_files_and_has_no_finding() {
    let directory = directory();
    let text = printed(directory.path());
    let json: Value = serde_json::from_str(&text).unwrap();
    for (statement, release, pcrs) in [(0, "v1", ["10", "11", "12"]), (1, "v2", ["20", "21", "12"])]
    {
        let statement = &json["Statement"][statement];
        assert_eq!(statement["Sid"], format!("Allow release {release}"));
        assert_eq!(statement["Principal"], json!({"AWS": [ROLE]}));
        for (index, byte) in pcrs.iter().enumerate() {
            let key = format!("kms:RecipientAttestation:PCR{index}");
            assert_eq!(
                statement["Condition"]["StringEqualsIgnoreCase"][key],
                byte.repeat(48)
            );
        }
    }
    let checked = permafrost(directory.path(), &["kms", "check"], &text);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let table = stdout(&checked);
    for said in [
        "Statement 1: Allow release v1\n  allows  arn:aws:iam::111122223333:role/enclave\n  to      kms:Decrypt, \
         kms:GenerateDataKey\n",
        "denies  everyone",
        "No bypass of attestation was found.",
        "policy-change",
    ] {
        assert!(table.contains(said), "{said}\n{table}");
    }
}

#[test]
fn measurements_that_do_not_make_a_policy_are_a_wrong_call() {
    let directory = directory();
    for (files, said) in [
        (
            &["debug.json"][..],
            "debug.json: PCR0 of release debug is all zero",
        ),
        (&["missing.json"], "missing.json: "),
        (&["v1.json", "v1=v2.json"], "two releases are named v1"),
        (&["a b=v1.json"], "the release's name is \"a b\""),
        (&[], "--measurements"),
    ] {
        let output = policy(directory.path(), files);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(said), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn a_finding_is_named_and_the_exit_code_is_1() {
    let directory = directory();
    let broken = printed(directory.path()).replace("\"kms:CreateGrant\",", "");
    let output = permafrost(directory.path(), &["kms", "check", "-"], &broken);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let table = stdout(&output);
    assert!(table.contains("1 FINDING"), "{table}");
    assert!(table.contains("grants-not-denied"), "{table}");

    let output = permafrost(directory.path(), &["kms", "check", "--json"], &broken);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);
    assert_eq!(report["findings"][0]["rule"], "grants-not-denied");
    assert_eq!(report["statements"].as_array().unwrap().len(), 5);
}

#[test]
fn what_aws_prints_about_a_key_is_checked() {
    let directory = directory();
    let file = |name: &str, text: Value| {
        fs::write(directory.path().join(name), text.to_string()).unwrap();
    };
    file(
        "policy.json",
        json!({"Policy": printed(directory.path()), "PolicyName": "default"}),
    );
    file("key.json", json!({"KeyMetadata": {"Origin": "EXTERNAL"}}));
    file(
        "grants.json",
        json!({"Grants": [{"GrantId": "1", "GranteePrincipal": ROLE, "Operations": ["Decrypt"]}]}),
    );
    let arguments = [
        "kms",
        "check",
        "policy.json",
        "--key-metadata",
        "key.json",
        "--grants",
        "grants.json",
        "--json",
    ];
    let output = permafrost(directory.path(), &arguments, "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let found: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["imported-key-material", "grant"]);
}

#[test]
fn an_invalid_policy_is_a_wrong_call() {
    let directory = directory();
    for (arguments, input, said) in [
        (&["kms", "check"][..], "{}", "Version is missing"),
        (&["kms", "check", "missing.json"], "", "missing.json"),
        (
            &["kms", "check", "--key-metadata", "v1.json"],
            "",
            "not JSON",
        ),
        (&["kms", "check"], "\u{1f512}", "the character"),
    ] {
        let output = permafrost(directory.path(), arguments, input);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(said), "{output:?}");

        let output = permafrost(directory.path(), &[arguments, &["--json"]].concat(), input);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let error: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(error["error"]["kind"], "wrong-call");
        assert!(error["error"]["detail"].as_str().unwrap().contains(said));
    }
    let policy = printed(directory.path());
    for option in ["--key-metadata", "--grants"] {
        let output = permafrost(
            directory.path(),
            &["kms", "check", "-", option, "v1.json"],
            &policy,
        );
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains("v1.json: "), "{output:?}");
    }
}
