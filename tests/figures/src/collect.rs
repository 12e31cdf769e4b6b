//! Reads what `scripts/bench` and the benchmarks have left in a folder.
//!
//! | in the folder | who writes it | what |
//! |---|---|---|
//! | `run.tsv` | `scripts/bench` | `commit`, `cpu`, `cores`, `memory_kib`, `kernel`, `rustc`, each TAB and a value; `step` TAB name TAB outcome TAB seconds |
//! | `criterion/**/new/{benchmark,estimates}.json` | Criterion (`CRITERION_HOME`) | one pair for each benchmark function |
//! | `load.json` | `tests/benches/load.rs` | an array of [`Load`] |
//! | `memory.json` | `tests/benches/memory.rs` | an array of [`Sample`] |
//!
//! All but the first may be missing: a benchmark that failed leaves nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Load, Machine, Measurement, Memory, Outcome, Results, Sample, Step};

/// Why the results of a run cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A file is not the JSON that is read here.
    #[error("{path} is not as expected: {error}")]
    Json {
        /// Which.
        path: PathBuf,
        /// Where and why.
        error: serde_json::Error,
    },
    /// A line of `run.tsv` is unknown, or one is missing.
    #[error("{path}: {what}")]
    Run {
        /// The file.
        path: PathBuf,
        /// What came, and what was expected.
        what: String,
    },
}

impl Results {
    /// The results in a folder.
    pub fn collect(folder: &Path) -> Result<Self, CollectError> {
        let run = Run::read(&folder.join("run.tsv"))?;
        let mut measurements = Vec::new();
        let criterion = folder.join("criterion");
        if criterion.is_dir() {
            add_measurements(&criterion, &mut measurements)?;
        }
        measurements.sort_by(|a, b| (&a.group, &a.member).cmp(&(&b.group, &b.member)));
        let mut load: Vec<Load> = optional(&folder.join("load.json"))?.unwrap_or_default();
        load.sort_by(|a, b| (&a.request, a.concurrency).cmp(&(&b.request, b.concurrency)));
        let samples: Option<Vec<Sample>> = optional(&folder.join("memory.json"))?;
        Ok(Self {
            commit: run.commit,
            machine: run.machine,
            steps: run.steps,
            measurements,
            load,
            memory: samples.map(|samples| Memory { samples }),
        })
    }
}

struct Run {
    commit: String,
    machine: Machine,
    steps: Vec<Step>,
}

impl Run {
    fn read(path: &Path) -> Result<Self, CollectError> {
        let text = fs::read_to_string(path).map_err(|error| CollectError::Read {
            path: path.to_owned(),
            error,
        })?;
        Self::parse(&text).map_err(|what| CollectError::Run {
            path: path.to_owned(),
            what,
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let value = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once('\t'));
            let found = lines.find(|(known, _)| *known == name);
            found
                .map(|(_, value)| value.trim().to_owned())
                .ok_or_else(|| format!("no line `{name}`"))
        };
        let number = |name: &str| {
            let value = value(name)?;
            value
                .parse::<u64>()
                .map_err(|_| format!("`{name}` is {value:?}; expected a number"))
        };
        let cores = number("cores")?;
        Ok(Self {
            commit: value("commit")?,
            machine: Machine {
                cpu: value("cpu")?,
                cores: u32::try_from(cores).map_err(|_| format!("`cores` is {cores}"))?,
                memory_kib: number("memory_kib")?,
                kernel: value("kernel")?,
                rustc: value("rustc")?,
            },
            steps: text
                .lines()
                .filter_map(|line| line.strip_prefix("step\t"))
                .map(step)
                .collect::<Result<_, _>>()?,
        })
    }
}

fn step(line: &str) -> Result<Step, String> {
    let expected =
        || format!("the step {line:?} is not NAME TAB done, failed or timed-out TAB seconds");
    let mut fields = line.split('\t');
    let (Some(name), Some(outcome), Some(seconds), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(expected());
    };
    Ok(Step {
        name: name.to_owned(),
        outcome: match outcome {
            "done" => Outcome::Done,
            "failed" => Outcome::Failed,
            "timed-out" => Outcome::TimedOut,
            _ => return Err(expected()),
        },
        seconds: seconds.parse().map_err(|_| expected())?,
    })
}

/// The part of Criterion's `benchmark.json` that is read.
#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
}

/// The part of its `estimates.json`.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    confidence_interval: Interval,
    point_estimate: f64,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

/// A parameter belongs to the group: two sizes are not compared with each other.
fn add_measurements(folder: &Path, into: &mut Vec<Measurement>) -> Result<(), CollectError> {
    let failed = |error| CollectError::Read {
        path: folder.to_owned(),
        error,
    };
    let (benchmark, estimates) = (
        folder.join("new/benchmark.json"),
        folder.join("new/estimates.json"),
    );
    if estimates.is_file() {
        let benchmark: Benchmark = json(&benchmark)?;
        let Estimates { median } = json(&estimates)?;
        let Interval {
            lower_bound,
            upper_bound,
        } = median.confidence_interval;
        into.push(Measurement {
            group: match benchmark.value_str {
                Some(value) => format!("{} {value}", benchmark.group_id),
                None => benchmark.group_id,
            },
            member: benchmark.function_id.unwrap_or_default(),
            median_ns: median.point_estimate,
            interval_ns: [lower_bound, upper_bound],
        });
    }
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            add_measurements(&path, into)?;
        }
    }
    Ok(())
}

fn optional<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, CollectError> {
    path.is_file().then(|| json(path)).transpose()
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, CollectError> {
    let text = fs::read(path).map_err(|error| CollectError::Read {
        path: path.to_owned(),
        error,
    })?;
    serde_json::from_slice(&text).map_err(|error| CollectError::Json {
        path: path.to_owned(),
        error,
    })
}
