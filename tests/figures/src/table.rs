//! The results as text for a terminal.

use std::fmt::Write;

use crate::units::{mb, ms, thousands, time};
use crate::{Outcome, Results, Step, ratios};

/// Everything that was measured, and how each benchmark ended. What was not measured has no heading.
pub fn table(results: &Results) -> String {
    let mut text = String::new();
    let lines = [
        measurements(results),
        load(results),
        memory(results),
        steps(&results.steps),
    ];
    for line in lines.iter().flatten() {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn measurements(results: &Results) -> Vec<String> {
    let heading = format!(
        "{:<28} {:<36} {:>12} {:>8}",
        "group", "member", "median", "ratio"
    );
    let rows = ratios(&results.measurements).into_iter().map(|row| {
        let measured = row.measurement;
        let median = time(measured.median_ns);
        format!(
            "{:<28} {:<36} {median:>12} {:>7.2}x",
            measured.group, measured.member, row.ratio
        )
    });
    section(heading, rows)
}

fn load(results: &Results) -> Vec<String> {
    let heading = format!(
        "{:<28} {:>8} {:>10} {:>10} {:>10} {:>12}",
        "whole request", "at once", "p50 ms", "p95 ms", "p99 ms", "requests/s"
    );
    let rows = results.load.iter().map(|load| {
        format!(
            "{:<28} {:>8} {:>10} {:>10} {:>10} {:>12.0}",
            load.request,
            load.concurrency,
            ms(load.p50_us),
            ms(load.p95_us),
            ms(load.p99_us),
            load.per_second()
        )
    });
    section(heading, rows)
}

fn memory(results: &Results) -> Vec<String> {
    let Some(memory) = &results.memory else {
        return Vec::new();
    };
    let heading = format!("{:<28} {:>12}", "signatures", "resident MB");
    let samples = memory.samples.iter().map(|sample| {
        format!(
            "{:<28} {:>12}",
            thousands(sample.signatures),
            mb(sample.resident_bytes)
        )
    });
    let growth = memory
        .growth()
        .map(|bytes| format!("{:<28} {bytes:>12.2} bytes a signature", "growth"));
    section(heading, samples.chain(growth))
}

fn steps(steps: &[Step]) -> Vec<String> {
    let heading = format!("{:<28} {:>8} {:<10}", "benchmark", "seconds", "outcome");
    let rows = steps.iter().map(|step| {
        let outcome = match step.outcome {
            Outcome::Done => "done",
            Outcome::Failed => "FAILED",
            Outcome::TimedOut => "TIMED OUT",
        };
        format!("{:<28} {:>8} {outcome}", step.name, step.seconds)
    });
    section(heading, rows)
}

fn section(heading: String, rows: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = rows.collect();
    if !lines.is_empty() {
        lines.insert(0, heading);
        lines.push(String::new());
    }
    lines
}
