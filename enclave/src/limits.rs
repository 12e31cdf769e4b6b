//! The section `limits`.

use http::request::Parts;
use permafrost_common::problem::{Problem, ProblemType};
use serde::Deserialize;

use crate::config_error::{ConfigError, in_range};

/// What one request, and all requests together, may use.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The longest body, in bytes.
    pub body_bytes: usize,
    /// The longest request line and header fields together, in bytes.
    pub header_bytes: usize,
    /// Requests handled at once.
    pub concurrent_requests: usize,
    /// Connections held at once.
    pub connections: usize,
    /// The time from a request's head to its response, in milliseconds.
    pub request_timeout_ms: u64,
    /// How long after `created` a request is accepted, in seconds.
    pub request_max_age_s: u64,
    /// How far `created` may be ahead of the enclave's clock, in seconds.
    pub clock_skew_s: u64,
    /// Memory for opened records, in bytes.
    pub cache_bytes: usize,
    /// How many records of each kind, those used last, the enclave remembers the version of: an older one is refused.
    pub seen_records: usize,
    /// The time for one call of the record store, in milliseconds.
    pub store_timeout_ms: u64,
    /// The interval at which the enclave logs what is in use, in milliseconds.
    pub resources_interval_ms: u64,
    /// The interval at which the enclave deletes records that have expired, in milliseconds.
    pub sweep_interval_ms: u64,
}

impl Limits {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let check = |key, found, accepted| in_range(&format!("limits.{key}"), found, accepted);
        let Self {
            body_bytes,
            header_bytes,
            concurrent_requests,
            connections,
            request_timeout_ms,
            request_max_age_s,
            clock_skew_s,
            cache_bytes,
            seen_records,
            store_timeout_ms,
            resources_interval_ms,
            sweep_interval_ms,
        } = *self;
        check("body_bytes", body_bytes as u64, 1024..=1 << 20)?;
        check("header_bytes", header_bytes as u64, 2048..=1 << 15)?;
        check(
            "concurrent_requests",
            concurrent_requests as u64,
            1..=65_536,
        )?;
        check("connections", connections as u64, 1..=65_536)?;
        check("request_timeout_ms", request_timeout_ms, 100..=300_000)?;
        check("request_max_age_s", request_max_age_s, 1..=3_600)?;
        check("clock_skew_s", clock_skew_s, 0..=60)?;
        check("cache_bytes", cache_bytes as u64, 0..=1 << 40)?;
        check("seen_records", seen_records as u64, 1_000..=100_000_000)?;
        check("store_timeout_ms", store_timeout_ms, 100..=60_000)?;
        check(
            "resources_interval_ms",
            resources_interval_ms,
            1..=86_400_000,
        )?;
        check("sweep_interval_ms", sweep_interval_ms, 100..=86_400_000)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            header_bytes: 8 * 1024,
            concurrent_requests: 256,
            connections: 512,
            request_timeout_ms: 10_000,
            request_max_age_s: 60,
            clock_skew_s: 5,
            cache_bytes: 16 * 1024 * 1024,
            seen_records: 450_000,
            store_timeout_ms: 3_000,
            resources_interval_ms: 60_000,
            sweep_interval_ms: 3_600_000,
        }
    }
}

/// Refuses a request whose head is longer than the limit, in bytes.
pub(crate) fn check_head(head: &Parts, limit: usize) -> Result<(), Problem> {
    let fields: usize = head
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    let length = fields + head.uri.to_string().len() + head.method.as_str().len();
    if length <= limit {
        return Ok(());
    }
    Err(Problem::new(
        ProblemType::HeadersTooLarge,
        format!("{length} bytes; accepted: at most {limit}"),
    ))
}
