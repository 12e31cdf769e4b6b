//! Reading log lines: the enclave's own, and the parent's that carry them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use permafrost_tests::HonestStack;
use serde_json::Value;

/// How long a line may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The parent's log, each line of which has to be a JSON object.
pub(crate) fn of_the_parent(stack: &HonestStack) -> Vec<Value> {
    let log = stack.parent_log();
    // The last one may not be complete yet.
    let whole = log.rfind('\n').map_or("", |end| &log[..end]);
    let lines = whole.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(line.is_object(), "{line}");
        line
    });
    lines.collect()
}

/// The raw lines that the parent logged under the target `enclave`.
pub(crate) fn foreign(stack: &HonestStack) -> Vec<String> {
    let lines = of_the_parent(stack).into_iter();
    let lines = lines.filter(|line| line["target"] == "enclave");
    lines
        .map(|line| line["line"].as_str().unwrap().to_owned())
        .collect()
}

/// The enclave's lines, as the parent logged them.
pub(crate) fn of_the_enclave(stack: &HonestStack) -> Vec<Value> {
    let lines = foreign(stack);
    lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line["number"].is_u64())
        .collect()
}

/// Waits until the enclave's lines in the parent's log are as they should be.
pub(crate) fn wait_for(stack: &HonestStack, is_there: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let started = Instant::now();
    loop {
        let lines = of_the_enclave(stack);
        if is_there(&lines) {
            return lines;
        }
        assert!(started.elapsed() < PATIENCE, "{lines:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn message(line: &Value) -> &str {
    line["fields"]["message"].as_str().unwrap_or_default()
}

pub(crate) fn number(line: &Value) -> Option<u64> {
    line["number"].as_u64()
}

/// How many lines there were up to the last one, and how many of them are neither here nor reported as lost.
pub(crate) fn count_and_missing(lines: &[Value]) -> (u64, u64) {
    let here: BTreeSet<u64> = lines.iter().filter_map(number).collect();
    let lost: u64 = lines.iter().filter_map(lost).sum();
    let count = *here.last().unwrap();
    (count, count - here.len() as u64 - lost)
}

/// How many lines this line says were lost.
pub(crate) fn lost(line: &Value) -> Option<u64> {
    (message(line) == "log lines were lost").then(|| line["fields"]["lost"].as_u64().unwrap())
}
