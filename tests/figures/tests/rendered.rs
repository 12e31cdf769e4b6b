//! What a run left, rendered, is what stands beside this file, byte by byte.
//!
//! `a-run` is a folder as `scripts/bench` leaves it, `a-run-rendered` what was read in it when it was right.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use permafrost_figures::{Results, page, plots, table};

#[test]
fn the_table_of_a_run_is_what_was_read() {
    let expected = read(&tests().join("a-run-rendered/table.txt"));
    assert_eq!(table(&a_run()), expected);
}

#[test]
fn the_page_of_a_run_is_what_was_read() {
    let expected = read(&tests().join("a-run-rendered/figures.md"));
    assert_eq!(page(&a_run()), expected);
}

#[test]
fn the_plots_of_a_run_show_each_request_and_each_axis() {
    let plots = plots(&a_run()).unwrap();
    let names: Vec<_> = plots.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["latency.svg", "throughput.svg", "memory.svg"]);
    let expected: [&[&str]; 3] = [
        &[
            "health",
            "sign 2-of-3",
            "p50",
            "p95",
            "p99",
            "latency, ms",
            "requests at once",
        ],
        &["health", "sign 2-of-3", "requests/s", "requests at once"],
        &["signatures", "resident, MB", "100,000"],
    ];
    for ((name, svg), texts) in plots.iter().zip(expected) {
        let shown: BTreeSet<_> = svg.lines().map(str::trim).collect();
        for text in texts {
            assert!(
                shown.contains(text),
                "{name} does not show {text:?}: {shown:?}"
            );
        }
    }
}

#[test]
fn a_plot_has_a_point_for_each_value() {
    let points = |svg: &str| svg.matches("<circle").count();
    let plots = plots(&a_run()).unwrap();
    // Two requests, three percentiles, two numbers of clients; two requests, two numbers of clients; three samples.
    let counted: Vec<_> = plots.iter().map(|(_, svg)| points(svg)).collect();
    assert_eq!(counted, [12, 4, 3]);
}

#[test]
fn results_survive_their_json() {
    let results = a_run();
    let json = serde_json::to_string_pretty(&results).unwrap();
    assert_eq!(serde_json::from_str::<Results>(&json).unwrap(), results);
}

#[test]
fn what_was_not_measured_has_no_heading() {
    let mut results = a_run();
    results.load.clear();
    results.memory = None;
    let page = page(&results);
    assert!(page.contains("## Ratios"));
    assert!(!page.contains("## Whole requests"), "{page}");
    assert!(!page.contains("## Memory"), "{page}");
    assert!(plots(&results).unwrap().is_empty());
}

fn a_run() -> Results {
    Results::collect(&tests().join("a-run")).unwrap()
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| format!("{}: {error}", path.display()))
}
