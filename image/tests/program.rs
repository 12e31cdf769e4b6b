//! The program `permafrost-image`, run as a process.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing test should stop, in its helpers too"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use permafrost_image::eif::Eif;
use serde_json::Value;

const GOOD: &str = "deployment = \"test\"\n[kms]\n\
    key_arn = \"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\"\n";

#[test]
fn a_configuration_that_the_enclave_would_refuse_gets_no_image_and_no_pcr2() {
    let folder = tempfile::tempdir().unwrap();
    for (refused, named) in [
        (GOOD.replace("deployment = \"test\"", ""), "deployment"),
        (GOOD.replace("test", "Test!"), "deployment"),
        (format!("{GOOD}surprise = true\n"), "surprise"),
        (GOOD.replace("arn:aws:kms", "arn:aws:s3"), "key_arn"),
        (
            format!("{GOOD}[limits]\nbody_bytes = 1\n"),
            "limits.body_bytes",
        ),
        ("\u{0}".to_owned(), "TOML"),
    ] {
        let built = build(folder.path(), &refused, &[]);
        assert_eq!(built.status.code(), Some(1), "{refused}");
        let said = String::from_utf8(built.stderr).unwrap();
        assert!(said.contains(named), "{said}");
        assert!(!folder.path().join("out").exists(), "{refused}");
        let measured = measure(folder.path());
        assert_eq!(measured.status.code(), Some(1), "{refused}");
        assert!(measured.stdout.is_empty());
    }
}

#[test]
fn a_configuration_measured_alone_has_the_pcr2_of_its_image() {
    let folder = tempfile::tempdir().unwrap();
    let built = build(folder.path(), GOOD, &[]);
    assert!(built.status.success(), "{built:?}");
    let pcrs: Value = serde_json::from_slice(&built.stdout).unwrap();
    let measured = String::from_utf8(measure(folder.path()).stdout).unwrap();
    assert_eq!(pcrs["Measurements"]["PCR2"], measured.trim_end());
}

#[test]
fn describe_shows_the_pcrs_that_build_wrote_and_what_is_in_the_image() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), GOOD, &[]);
    let out = folder.path().join("out");
    let described = program(&["describe", "--json"])
        .arg(out.join("permafrost.eif"))
        .output()
        .unwrap();
    assert_eq!(described.stdout, fs::read(out.join("pcrs.json")).unwrap());
    let described = program(&["describe"])
        .arg(out.join("permafrost.eif"))
        .output()
        .unwrap();
    let text = String::from_utf8(described.stdout).unwrap();
    for part in ["/init", "/config/enclave.toml", "deployment = \"test\""] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn compilers_and_features_are_in_the_manifest_and_change_no_byte_of_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    fs::create_dir_all(&one).unwrap();
    fs::create_dir_all(&other).unwrap();
    build(&one, GOOD, &["--compiler", "rustc 1"]);
    build(
        &other,
        GOOD,
        &["--compiler", "rustc 2", "--feature", "trying"],
    );
    let read = |folder: &Path, name: &str| fs::read(folder.join("out").join(name)).unwrap();
    assert_eq!(read(&one, "permafrost.eif"), read(&other, "permafrost.eif"));
    let manifest: Value = serde_json::from_slice(&read(&other, "manifest.json")).unwrap();
    assert_eq!(manifest["compilers"], serde_json::json!(["rustc 2"]));
    assert_eq!(manifest["features"], serde_json::json!(["trying"]));
    assert!(Eif::from_bytes(&read(&one, "permafrost.eif")).is_ok());
}

fn build(folder: &Path, configuration: &str, more: &[&str]) -> Output {
    fs::write(folder.join("kernel"), b"a kernel").unwrap();
    fs::write(folder.join("program"), b"a program").unwrap();
    fs::write(folder.join("enclave.toml"), configuration).unwrap();
    program(&["build"])
        .arg("--kernel")
        .arg(folder.join("kernel"))
        .arg("--program")
        .arg(folder.join("program"))
        .arg("--config")
        .arg(folder.join("enclave.toml"))
        .arg("--output")
        .arg(folder.join("out"))
        .args(more)
        .output()
        .unwrap()
}

fn measure(folder: &Path) -> Output {
    program(&["measure", "--config"])
        .arg(folder.join("enclave.toml"))
        .output()
        .unwrap()
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_permafrost-image"));
    command.args(arguments);
    command
}
