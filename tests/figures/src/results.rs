//! What one run of the benchmarks measured.

use serde::{Deserialize, Serialize};

/// One run: where, of what, and what came of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// The commit that was measured, hex; "with uncommitted changes" behind it where there were some.
    pub commit: String,
    /// The machine.
    pub machine: Machine,
    /// The benchmarks in the order in which they ran.
    pub steps: Vec<Step>,
    /// What Criterion measured, by group and then by member.
    pub measurements: Vec<Measurement>,
    /// Whole requests, many at once, by request and then by concurrency.
    pub load: Vec<Load>,
    /// The memory of the enclave program, in the order of its samples.
    pub memory: Option<Memory>,
}

/// Where a run took place.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The CPU's model, in the kernel's words.
    pub cpu: String,
    /// How many CPUs the run could use.
    pub cores: u32,
    /// The machine's memory in KiB.
    pub memory_kib: u64,
    /// The kernel and its release.
    pub kernel: String,
    /// The first line of `rustc --version`.
    pub rustc: String,
}

/// One benchmark of the run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The file of the benchmark, without `benches` and `.rs`: `common/attestation`.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, s.
    pub seconds: u64,
}

/// How a benchmark ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It measured everything.
    Done,
    /// It ended with an error.
    Failed,
    /// It was stopped, because its time was up.
    TimedOut,
}

/// One benchmark function of Criterion's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// What it is compared within.
    pub group: String,
    /// Its own name.
    pub member: String,
    /// The median time, ns.
    pub median_ns: f64,
    /// The 95 % confidence interval of the median, ns.
    pub interval_ns: [f64; 2],
}

/// Whole requests of one kind, so many at once.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// What was requested.
    pub request: String,
    /// How many requests were on their way at once.
    pub concurrency: u32,
    /// How many were answered.
    pub requests: u64,
    /// In how long, s.
    pub seconds: f64,
    /// Half took at most this long, µs.
    pub p50_us: u64,
    /// 95 % took at most this long, µs.
    pub p95_us: u64,
    /// 99 % took at most this long, µs.
    pub p99_us: u64,
}

impl Load {
    /// Requests in a second.
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

/// What the enclave program had in memory, as its own log says.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// In the order of the signatures.
    pub samples: Vec<Sample>,
}

/// What was in memory at one moment.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// How many signatures had been made.
    pub signatures: u64,
    /// The resident set, bytes.
    pub resident_bytes: u64,
}

impl Memory {
    /// Bytes for each signature between the first sample and the last; none where fewer than two were taken.
    pub fn growth(&self) -> Option<f64> {
        growth(&self.samples)
    }

    /// The same between the first sample of the second half of the signatures and the last.
    pub fn late_growth(&self) -> Option<f64> {
        let half = self.samples.last()?.signatures / 2;
        let second = self.samples.iter().position(|s| s.signatures >= half)?;
        growth(self.samples.get(second..)?)
    }
}

fn growth(samples: &[Sample]) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    let signatures = last.signatures.checked_sub(first.signatures)?;
    let bytes = last.resident_bytes as f64 - first.resident_bytes as f64;
    (signatures > 0).then(|| bytes / signatures as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(samples: &[(u64, u64)]) -> Memory {
        let sample = |&(signatures, resident_bytes)| Sample {
            signatures,
            resident_bytes,
        };
        Memory {
            samples: samples.iter().map(sample).collect(),
        }
    }

    #[test]
    fn growth_is_bytes_a_signature_and_may_be_negative() {
        let grown = memory(&[(500, 6_000_000), (100_500, 6_200_000)]);
        assert_eq!(grown.growth(), Some(2.0));
        let shrunk = memory(&[(0, 6_000_000), (1_000, 5_999_000)]);
        assert_eq!(shrunk.growth(), Some(-1.0));
    }

    #[test]
    fn late_growth_leaves_the_first_half_of_the_signatures_out() {
        let settled = memory(&[
            (500, 1_000),
            (40_000, 90_000),
            (50_000, 90_000),
            (100_000, 140_000),
        ]);
        assert_eq!(settled.late_growth(), Some(1.0));
    }

    #[test]
    fn one_sample_shows_no_growth() {
        assert_eq!(memory(&[(500, 6_000_000)]).growth(), None);
        assert_eq!(memory(&[(500, 1), (500, 2)]).growth(), None);
        assert_eq!(memory(&[]).late_growth(), None);
    }
}
