//! `scripts/bench` itself, with a `cargo` that builds nothing and whose benchmarks do as they are told here.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// One benchmark fails, one does not end, and each other leaves one result.
const CARGO: &str = r#"#!/usr/bin/env bash
case " $* " in
    *" run "*) while [[ $1 != -- ]]; do shift; done; shift; exec "$FIGURES" "$@" ;;
    *" --no-run "* | *" build "*) exit ;;
    *" --bench signing "*) exit "$SIGNING" ;;
    *" --bench people "*) sleep "$PEOPLE" ;;
esac
while [[ $1 != --bench ]]; do shift; done
mkdir -p "$CRITERION_HOME/$2/new"
echo "{\"group_id\":\"$2\",\"function_id\":\"given ${*:4}\",\"value_str\":null}" >"$CRITERION_HOME/$2/new/benchmark.json"
echo '{"median":{"confidence_interval":{"lower_bound":1,"upper_bound":2},"point_estimate":1.5}}' >"$CRITERION_HOME/$2/new/estimates.json"
"#;

#[test]
fn the_table_comes_and_the_failed_are_named_whatever_benchmarks_do() {
    let started = Instant::now();
    let bench = Bench::new("101", "600");
    let output = bench.run(&["--limit", "2", "a filter"]);
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("refused: enclave/signing failed, tests/people ran out of time"),
        "{stderr}"
    );
    // What came before and after the two has been measured.
    for measured in ["attestation", "request", "webauthn"] {
        let row = format!("{measured:<28} {:<36}", "given a filter");
        assert!(stdout.contains(&row), "no {measured}: {stdout}");
    }
    assert!(
        started.elapsed() < Duration::from_secs(60),
        "it was not stopped"
    );
}

#[test]
fn every_benchmark_is_announced_with_the_time_so_far() {
    let output = Bench::new("0", "0").run(&["a filter"]);
    let (_, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let steps: Vec<_> = stderr
        .lines()
        .filter(|line| line.starts_with("== step "))
        .collect();
    for (at, line) in steps.iter().enumerate() {
        let beginning = format!("== step {} of {}, ", at + 1, steps.len());
        assert!(
            line.starts_with(&beginning) && line.contains(" s so far: "),
            "{line}"
        );
    }
    assert!(
        steps.iter().any(|line| line.ends_with("enclave/signing")),
        "{stderr}"
    );
}

#[test]
fn a_run_with_a_filter_leaves_the_page_as_it_is() {
    let docs = root().join("docs/figures.md");
    let before = fs::read(&docs).ok();
    let bench = Bench::new("0", "0");
    let output = bench.run(&["a filter"]);
    let (_, stderr) = texts(&output);
    assert!(
        stderr.contains("docs/figures.md is as it was: this was not a whole run"),
        "{stderr}"
    );
    assert_eq!(fs::read(&docs).ok(), before);
    assert!(
        bench
            .folder
            .path()
            .join("target/figures/figures.md")
            .is_file()
    );
}

#[test]
fn a_filter_that_names_a_benchmark_runs_that_one_whole() {
    let output = Bench::new("0", "0").run(&["attestation"]);
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stdout.contains("common/attestation"), "{stdout}");
    assert!(!stdout.contains("given attestation"), "{stdout}");
    assert!(!stdout.contains("webauthn"), "{stdout}");
}

#[test]
fn an_option_that_does_not_exist_is_refused_before_anything_runs() {
    let output = Bench::new("0", "0").run(&["--fast"]);
    let (stdout, stderr) = texts(&output);
    assert_eq!((output.status.code(), stdout.as_str()), (Some(1), ""));
    assert!(
        stderr.contains("refused: scripts/bench has no option \"--fast\""),
        "{stderr}"
    );
    assert!(!stderr.contains("== step"), "{stderr}");
}

/// The script with its own `target`.
struct Bench {
    folder: TempDir,
    signing: &'static str,
    people: &'static str,
}

impl Bench {
    /// `signing` ends with this exit code, `people` after so many seconds.
    fn new(signing: &'static str, people: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cargo = folder.path().join("cargo/bin/cargo");
        fs::create_dir_all(cargo.parent().unwrap()).unwrap();
        fs::write(&cargo, CARGO).unwrap();
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            folder,
            signing,
            people,
        }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        // The script finds `cargo` in CARGO_HOME first.
        Command::new(root().join("scripts/bench"))
            .args(arguments)
            .env("CARGO_HOME", self.folder.path().join("cargo"))
            .env("CARGO_TARGET_DIR", self.folder.path().join("target"))
            .env("FIGURES", env!("CARGO_BIN_EXE_permafrost-figures"))
            .env("SIGNING", self.signing)
            .env("PEOPLE", self.people)
            .output()
            .unwrap()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}
