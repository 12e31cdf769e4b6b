//! `permafrost attest verify` on documents that real NSMs made.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails should stop, in its helpers too"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const G1: &str = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";
const PRODUCTION: [&str; 2] = ["production-2022-10.cbor", "production-2026-02.b64"];
const DEBUG: [&str; 2] = ["debug-2022-10.cbor", "debug-2023-09.b64"];

fn fixture(name: &str) -> PathBuf {
    let folder = option_env!("PERMAFROST_FIXTURES_DIR").unwrap_or_default();
    Path::new(folder).join("attestation").join(name)
}

/// The document itself, whatever the file holds.
fn document(name: &str) -> Vec<u8> {
    let bytes = std::fs::read(fixture(name)).unwrap();
    if name.ends_with(".cbor") {
        return bytes;
    }
    let text: String = String::from_utf8(bytes)
        .unwrap()
        .split_whitespace()
        .collect();
    STANDARD.decode(text).unwrap()
}

fn verify(file: &Path, arguments: &[&str]) -> Output {
    verify_input(file, arguments, b"")
}

fn verify_input(file: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_permafrost"))
        .args(["attest", "verify"])
        .arg(file)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn rule(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let response = json(output);
    assert!(
        response["error"]["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty())
    );
    response["error"]["rule"].as_str().unwrap().to_owned()
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn production_documents_verify_at_the_time_they_were_signed() {
    for name in PRODUCTION {
        let output = verify(&fixture(name), &["--at", "signed", "--json"]);
        assert_eq!(output.status.code(), Some(0), "{name}: {output:?}");
        let response = json(&output);
        assert_eq!(response["root_sha256"], G1);
        assert_eq!(response["debug"], false);
        assert_eq!(response["signed"], true);
        assert!(response["timestamp"].as_u64().unwrap() > 1_600_000_000_000);
        assert!(response["module_id"].as_str().unwrap().starts_with("i-"));
        assert_eq!(response["pcrs"]["0"].as_str().unwrap().len(), 96);
        for field in ["nonce", "user_data", "public_key"] {
            assert!(
                response[field].is_null() || response[field].is_string(),
                "{field}"
            );
        }
        assert_eq!(response.as_object().unwrap().len(), 9);
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn documents_of_debug_enclaves_verify_only_when_asked_for_by_name() {
    for name in DEBUG {
        let output = verify(&fixture(name), &["--at", "signed", "--json"]);
        assert_eq!(rule(&output), "debug-mode", "{name}");
        let output = verify(
            &fixture(name),
            &["--at", "signed", "--allow-debug", "--json"],
        );
        assert_eq!(output.status.code(), Some(0), "{name}: {output:?}");
        assert_eq!(json(&output)["debug"], true);
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn no_document_verifies_after_its_certificates_have_expired() {
    for name in PRODUCTION.into_iter().chain(DEBUG) {
        for at in [&["--at", "now"][..], &[], &["--at", "2049-01-01T00:00:00Z"]] {
            let output = verify(&fixture(name), &[at, &["--allow-debug", "--json"]].concat());
            assert_eq!(rule(&output), "certificate-expired", "{name} {at:?}");
        }
        let output = verify(
            &fixture(name),
            &[
                "--at",
                "2020-01-01T00:00:00+01:00",
                "--json",
                "--allow-debug",
            ],
        );
        assert_eq!(rule(&output), "certificate-not-yet-valid", "{name}");
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn binary_and_base64_are_told_apart_in_files_and_on_standard_input() {
    let document = document(PRODUCTION[0]);
    let text = STANDARD.encode(&document);
    let lines: Vec<_> = text.as_bytes().chunks(76).collect();
    for input in [&document[..], text.as_bytes(), &lines.join(&b"\r\n"[..])] {
        let output = verify_input(Path::new("-"), &["--at", "signed"], input);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("document");
        std::fs::write(&file, input).unwrap();
        assert_eq!(verify(&file, &["--at", "signed"]).status.code(), Some(0));
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn pcrs_are_compared_when_they_are_named() {
    let file = fixture(PRODUCTION[0]);
    let pcrs = json(&verify(&file, &["--at", "signed", "--json"]))["pcrs"].clone();
    let pcr = |index: &str| pcrs[index].as_str().unwrap().to_owned();
    let (zero, one) = (
        format!("0={}", pcr("0")),
        format!("1={}", pcr("1").to_uppercase()),
    );
    let wrong = format!("1={}", "ab".repeat(48));
    let good = verify(&file, &["--at", "signed", "--pcr", &zero, "--pcr", &one]);
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    let bad = verify(
        &file,
        &["--at", "signed", "--pcr", &zero, "--pcr", &wrong, "--json"],
    );
    assert_eq!(rule(&bad), "measurements");

    let directory = tempfile::tempdir().unwrap();
    let (matching, other) = (
        directory.path().join("a.json"),
        directory.path().join("b.json"),
    );
    let measurements = serde_json::json!({"Measurements": {
        "HashAlgorithm": "Sha384 { ... }", "PCR0": pcr("0"), "PCR1": pcr("1"), "PCR2": pcr("2"),
    }});
    std::fs::write(&matching, measurements.to_string()).unwrap();
    std::fs::write(
        &other,
        serde_json::json!({"0": "cd".repeat(48)}).to_string(),
    )
    .unwrap();
    let (matching, other) = (matching.to_str().unwrap(), other.to_str().unwrap());
    let one_of_two = verify(
        &file,
        &["--at", "signed", "--pcrs", other, "--pcrs", matching],
    );
    assert_eq!(one_of_two.status.code(), Some(0), "{one_of_two:?}");
    let none = verify(&file, &["--at", "signed", "--pcrs", other, "--json"]);
    assert_eq!(rule(&none), "measurements");
    let both = verify(
        &file,
        &[
            "--at", "signed", "--pcrs", matching, "--pcr", &wrong, "--json",
        ],
    );
    assert_eq!(rule(&both), "measurements");
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn a_nonce_that_is_not_in_the_document_is_refused() {
    for name in PRODUCTION {
        let output = verify(
            &fixture(name),
            &["--at", "signed", "--nonce", "00ff", "--json"],
        );
        assert_eq!(rule(&output), "nonce");
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn the_default_root_is_the_one_that_aws_publishes() {
    let root = fixture("aws-nitro-root-g1.pem");
    let named = [
        "--at",
        "signed",
        "--root-certificate",
        root.to_str().unwrap(),
        "--json",
    ];
    let output = verify(&fixture(PRODUCTION[0]), &named);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(json(&output)["root_sha256"], G1);
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn an_altered_document_is_refused() {
    let mut altered = document(PRODUCTION[0]);
    *altered.last_mut().unwrap() ^= 1;
    let output = verify_input(Path::new("-"), &["--at", "signed", "--json"], &altered);
    assert_eq!(rule(&output), "document-signature");
    let output = verify_input(Path::new("-"), &["--at", "signed"], &altered);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("not verified"));
}

#[test]
fn what_is_no_document_fails() {
    for (input, expected) in [
        (&b""[..], "document-size"),
        (b"-----BEGIN CERTIFICATE-----\n", "base64"),
        (&[0x84, 0x40], "cbor"),
        (&[0xff; 100_000], "document-size"),
        (&[b'A'; 40_000], "document-size"),
    ] {
        let output = verify_input(Path::new("-"), &["--json"], input);
        assert_eq!(rule(&output), expected);
    }
}

#[test]
fn a_wrong_call_is_told_from_a_document_that_fails() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let empty_name = empty.to_str().unwrap();
    for arguments in [
        &["--pcr", "0"][..],
        &["--pcr", "0=ab"],
        &["--pcr", "32=ab"],
        &["--nonce", "0"],
        &["--nonce", "zz"],
        &["--at", "yesterday"],
        &["--at", "2026-02-02"],
        &["--root-certificate", "/nonexistent"],
        &["--root-certificate", empty_name],
        &["--pcrs", "/nonexistent"],
        &["--pcrs", empty_name],
        &["--unknown"],
    ] {
        let output = verify(&empty, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(
        verify(Path::new("/nonexistent"), &[]).status.code(),
        Some(2)
    );
    let pcr = format!("0={}", "00".repeat(48));
    let twice = verify(&empty, &["--pcr", &pcr, "--pcr", &pcr]);
    assert_eq!(twice.status.code(), Some(2), "{twice:?}");
}
