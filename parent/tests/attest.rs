//! `permafrost attest verify` and `show` on documents that real NSMs made.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails should stop, also in its helper functions"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

const G1: &str = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";
const PRODUCTION: [&str; 4] = [
    "production-2022-10.cbor",
    "production-2023-01.cbor",
    "production-2024-12.cbor",
    "production-2026-02.b64",
];
const DEBUG: [&str; 2] = ["debug-2022-10.cbor", "debug-2023-09.b64"];

fn fixture(name: &str) -> PathBuf {
    let folder = option_env!("PERMAFROST_FIXTURES_DIR").unwrap_or_default();
    Path::new(folder).join("attestation").join(name)
}

/// The document itself, whatever form the file has.
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
    attest("verify", file, arguments, input)
}

fn attest(command: &str, file: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_permafrost"))
        .args(["attest", command])
        .arg(file)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end before it has read all of its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
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
        let form = match name.ends_with(".cbor") {
            true => "binary",
            false => "base64",
        };
        assert_eq!(response["form"], form);
        assert_eq!(response.as_object().unwrap().len(), 10);
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn documents_of_debug_enclaves_verify_only_if_explicitly_allowed() {
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
fn a_document_is_verified_in_each_form_and_the_form_is_said() {
    let document = document(PRODUCTION[0]);
    let (base64, hex) = (STANDARD.encode(&document), hex::encode(&document));
    let url = URL_SAFE_NO_PAD.encode(&document);
    for (input, form) in [
        (base64.clone(), "base64"),
        (url.clone(), "base64url"),
        (hex.clone(), "hex"),
        (format!("\"{base64}\"\n"), "base64 in a quoted string"),
        (
            format!("{{\"attestation_doc\": \"{hex}\", \"ok\": true}}"),
            "hex in the JSON member \"attestation_doc\"",
        ),
    ] {
        let arguments = ["--at", "signed", "--json"];
        let output = verify_input(Path::new("-"), &arguments, input.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{form}: {output:?}");
        assert_eq!(json(&output)["form"], form);
        let output = verify_input(Path::new("-"), &["--at", "signed"], input.as_bytes());
        let line = format!("{:18}{form}", "form");
        assert!(text(&output).lines().any(|one| one == line), "{output:?}");
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn a_member_is_read_if_it_is_named_and_two_documents_are_refused_otherwise() {
    let [one, other] = [PRODUCTION[0], PRODUCTION[1]].map(|name| STANDARD.encode(document(name)));
    let both = format!("{{\"document\": \"{one}\", \"previous\": \"{other}\"}}");
    let at = ["--at", "signed", "--json"];
    let refused = verify_input(Path::new("-"), &at, both.as_bytes());
    assert_eq!(rule(&refused), "ambiguous");
    for (member, name) in [("document", PRODUCTION[0]), ("previous", PRODUCTION[1])] {
        let named = [&at[..], &["--member", member]].concat();
        let output = verify_input(Path::new("-"), &named, both.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let expected = json(&verify(&fixture(name), &at));
        assert_eq!(json(&output)["module_id"], expected["module_id"]);
        let shown = attest("show", Path::new("-"), &named[2..], both.as_bytes());
        assert_eq!(json(&shown)["module_id"], expected["module_id"]);
    }
    let missing = [&at[..], &["--member", "evidence"]].concat();
    let output = verify_input(Path::new("-"), &missing, both.as_bytes());
    assert_eq!(rule(&output), "member");
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn the_path_is_drawn_from_the_root_certificate_to_the_leaf() {
    let file = fixture("production-2024-12.cbor");
    let output = verify(&file, &["--at", "signed", "--path"]);
    let text = text(&output);
    let root = text
        .find("cabundle[0]: C=US, O=Amazon, OU=AWS, CN=aws.nitro-enclaves\n")
        .unwrap_or_else(|| panic!("{text}"));
    let leaf = text.find("└─ certificate: ").unwrap();
    assert!(root < leaf, "{text}");
    for line in [
        "serial   f93175681b90afe11d46ccb4e4e7f856",
        "valid    2019-10-28T13:28:05Z to 2049-10-28T14:28:05Z",
        &format!("SHA-256  {G1}"),
    ] {
        assert!(text[root..leaf].contains(line), "{line}: {text}");
    }
    let response = json(&verify(&file, &["--at", "signed", "--path", "--json"]));
    let path = response["path"].as_array().unwrap();
    assert_eq!(path.len(), 5);
    assert_eq!(path[0]["place"], "cabundle[0]");
    assert_eq!(path[0]["sha256"], G1);
    assert_eq!(path[0]["not_before"], 1_572_269_285);
    assert_eq!(path[4]["place"], "certificate");
    let leaf = &path[4];
    let signed_at = response["timestamp"].as_i64().unwrap() / 1000;
    assert!(leaf["not_before"].as_i64().unwrap() <= signed_at);
    assert!(leaf["not_after"].as_i64().unwrap() >= signed_at);
    for field in ["subject", "serial"] {
        assert!(leaf[field].as_str().is_some_and(|text| !text.is_empty()));
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn a_document_is_shown_without_a_judgement_and_marked_unverified() {
    let mut altered = document(PRODUCTION[0]);
    *altered.last_mut().unwrap() ^= 1;
    let output = attest("show", Path::new("-"), &[], &altered);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let shown = text(&output);
    assert!(shown.starts_with("UNVERIFIED: "), "{shown}");
    assert!(shown.lines().last().unwrap().starts_with("UNVERIFIED: "));
    assert!(!shown.contains("Verified"), "{shown}");
    let response = json(&attest("show", Path::new("-"), &["--json"], &altered));
    assert_eq!(response["verified"], false);
    for name in PRODUCTION.into_iter().chain(DEBUG) {
        let shown = json(&attest("show", &fixture(name), &["--json"], b""));
        let arguments = ["--at", "signed", "--allow-debug", "--path", "--json"];
        let verified = json(&verify(&fixture(name), &arguments));
        for field in [
            "module_id",
            "timestamp",
            "pcrs",
            "nonce",
            "user_data",
            "public_key",
        ] {
            assert_eq!(shown[field], verified[field], "{name}: {field}");
        }
        assert_eq!(shown["path"], verified["path"], "{name}");
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn text_of_a_document_is_shown_escaped() {
    let mut hostile = document(PRODUCTION[0]);
    let city = b"Seattle";
    for at in 0..hostile.len() - city.len() {
        if hostile[at..].starts_with(city) {
            hostile[at..at + city.len()].copy_from_slice(b"S\x1b[2Jle");
        }
    }
    // After the name of the field and the head of its value: two bytes.
    let module_id = hostile
        .windows(9)
        .position(|at| at == b"module_id")
        .unwrap()
        + 11;
    hostile[module_id..module_id + 4].copy_from_slice(b"\x1b[2J");
    let output = attest("show", Path::new("-"), &[], &hostile);
    let shown = text(&output);
    assert!(shown.contains("module            \\u{1b}[2J"), "{shown:?}");
    assert!(shown.contains("L=S\\u{1b}[2Jle"), "{shown:?}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
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
    let no_match = verify(&file, &["--at", "signed", "--pcrs", other, "--json"]);
    assert_eq!(rule(&no_match), "measurements");
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
fn the_default_root_certificate_is_the_one_that_aws_publishes() {
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
fn what_is_not_a_document_fails() {
    for (input, expected) in [
        (&b""[..], "input-size"),
        (b"-----BEGIN CERTIFICATE-----\n", "encoding"),
        (b"8440", "cbor"),
        (b"hEA=", "cbor"),
        (&[0x84, 0x40], "cbor"),
        (&[0xff; 100_000], "input-size"),
        (&[0xff; 65_536], "document-size"),
        (&[b'A'; 40_000], "encoding"),
        (b"{\"doc\": 1}", "member"),
        (b"{\"doc\": }", "json"),
    ] {
        for command in ["verify", "show"] {
            let output = attest(command, Path::new("-"), &["--json"], input);
            assert_eq!(rule(&output), expected, "{command}");
            let output = attest(command, Path::new("-"), &[], input);
            assert_eq!(output.status.code(), Some(1), "{command}: {output:?}");
            assert!(output.stdout.is_empty(), "{command}: {output:?}");
        }
    }
}

#[test]
fn a_wrong_call_has_another_exit_code_than_a_document_that_fails() {
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
