//! `permafrost-figures` on folders of runs that did not end well.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

#[test]
fn a_failed_benchmark_is_named_after_the_table() {
    let run = a_run(&[("tests/memory\tdone", "tests/memory\tfailed")]);
    let output = figures(&["table", path(&run)]);
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr, "refused: tests/memory failed\n");
    assert!(
        stdout.contains("tests/memory                      240 FAILED"),
        "{stdout}"
    );
    assert!(
        stdout.contains("enclave                                 150.00 µs"),
        "{stdout}"
    );
}

#[test]
fn every_benchmark_that_did_not_end_is_named() {
    let run = a_run(&[
        ("enclave/signing\tdone", "enclave/signing\tfailed"),
        ("tests/load\tdone", "tests/load\ttimed-out"),
    ]);
    let output = figures(&["table", path(&run)]);
    assert_eq!(output.status.code(), Some(1));
    let (_, stderr) = texts(&output);
    assert_eq!(
        stderr,
        "refused: enclave/signing failed, tests/load ran out of time\n"
    );
}

#[test]
fn the_table_comes_without_what_a_failed_benchmark_left_out() {
    let run = a_run(&[("tests/memory\tdone", "tests/memory\tfailed")]);
    for file in ["memory.json", "load.json"] {
        fs::remove_file(run.path().join(file)).unwrap();
    }
    let output = figures(&["table", path(&run)]);
    let (stdout, _) = texts(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout.contains("150.00 µs"), "{stdout}");
    assert!(!stdout.contains("resident MB"), "{stdout}");
}

#[test]
fn a_run_with_a_failed_benchmark_gets_no_page() {
    let run = a_run(&[("tests/memory\tdone", "tests/memory\tfailed")]);
    figures(&["table", path(&run)]);
    let results = run.path().join("results.json");
    let docs = tempfile::tempdir().unwrap();
    let output = figures(&["render", results.to_str().unwrap(), path(&docs)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(texts(&output).1.contains("tests/memory failed"));
    assert_eq!(fs::read_dir(docs.path()).unwrap().count(), 0);
}

#[test]
fn a_whole_run_gets_a_page_with_its_plots_and_its_results() {
    let run = a_run(&[]);
    let output = figures(&["table", path(&run)]);
    assert_eq!(
        (output.status.code(), texts(&output).1.as_str()),
        (Some(0), "")
    );
    let results = run.path().join("results.json");
    let docs = tempfile::tempdir().unwrap();
    let output = figures(&["render", results.to_str().unwrap(), path(&docs)]);
    assert_eq!(
        (output.status.code(), texts(&output).1.as_str()),
        (Some(0), "")
    );
    let page = fs::read_to_string(docs.path().join("figures.md")).unwrap();
    for plot in ["latency.svg", "throughput.svg", "memory.svg"] {
        assert!(page.contains(&format!("(figures/{plot})")), "{plot}");
        assert!(docs.path().join("figures").join(plot).is_file(), "{plot}");
    }
    let (given, kept) = (
        fs::read(results),
        fs::read(docs.path().join("figures/results.json")),
    );
    assert_eq!(given.unwrap(), kept.unwrap());
}

#[test]
fn a_result_that_is_not_as_expected_is_refused_by_its_file() {
    let run = a_run(&[]);
    fs::write(run.path().join("load.json"), r#"[{"request": "sign"}]"#).unwrap();
    let output = figures(&["table", path(&run)]);
    assert_eq!(output.status.code(), Some(1));
    let (_, stderr) = texts(&output);
    assert!(
        stderr.contains("load.json") && stderr.contains("concurrency"),
        "{stderr}"
    );
}

#[test]
fn an_outcome_that_does_not_exist_is_refused_with_those_that_do() {
    let run = a_run(&[("tests/load\tdone", "tests/load\tfine")]);
    let output = figures(&["table", path(&run)]);
    assert_eq!(output.status.code(), Some(1));
    let (_, stderr) = texts(&output);
    assert!(stderr.contains("done, failed or timed-out"), "{stderr}");
}

/// The folder `a-run` again, with other lines in `run.tsv`.
fn a_run(changes: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/a-run"),
        folder.path(),
    );
    let run = folder.path().join("run.tsv");
    let mut text = fs::read_to_string(&run).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "no {from:?} in {text}");
        text = text.replace(from, to);
    }
    fs::write(run, text).unwrap();
    folder
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (from, to): (PathBuf, _) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap();
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

fn figures(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_permafrost-figures"))
        .args(arguments)
        .output()
        .unwrap()
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

fn path(folder: &TempDir) -> &str {
    folder.path().to_str().unwrap()
}
