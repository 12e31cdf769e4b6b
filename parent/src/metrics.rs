//! The metrics that Prometheus reads at `/metrics`.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

const REQUESTS: &str = "permafrost_requests_total";
const DURATION: &str = "permafrost_request_duration_seconds";
const IN_FLIGHT: &str = "permafrost_requests_in_flight";
const CONNECTIONS: &str = "permafrost_connections_open";
const REQUEST_BYTES: &str = "permafrost_request_body_bytes_total";
const RESPONSE_BYTES: &str = "permafrost_response_body_bytes_total";
const ENCLAVE_REACHABLE: &str = "permafrost_enclave_reachable";
const ENCLAVE_CONNECTS: &str = "permafrost_enclave_connects_total";
const ENCLAVE_RECONNECTS: &str = "permafrost_enclave_reconnects_total";
const ENCLAVE_READY: &str = "permafrost_enclave_ready";
const ENCLAVE_SERVING: &str = "permafrost_enclave_serving";
const ENCLAVE_IN_FLIGHT: &str = "permafrost_enclave_requests_in_flight";
const ENCLAVE_REQUESTS: &str = "permafrost_enclave_requests_total";
const STORE_OPERATIONS: &str = "permafrost_store_operations_total";
const STORE_DURATION: &str = "permafrost_store_operation_duration_seconds";
const EGRESS_CONNECTIONS: &str = "permafrost_egress_connections_total";
const EGRESS_ACTIVE: &str = "permafrost_egress_connections_active";
const EGRESS_BYTES: &str = "permafrost_egress_bytes_total";
const CREDENTIALS_FETCHES: &str = "permafrost_credentials_fetches_total";

/// Upper bounds of the latency histograms, in seconds.
const BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// The program's only recorder: created by the first call, shared afterwards.
///
/// # Errors
/// [`MetricsError`] if another recorder was installed in this process before.
pub(crate) fn recorder() -> Result<PrometheusHandle, MetricsError> {
    static RECORDER: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    RECORDER
        .get_or_init(|| install().map_err(|error| error.to_string()))
        .clone()
        .map_err(MetricsError)
}

/// Why metrics cannot be recorded.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot install the metrics recorder: {0}")]
pub struct MetricsError(String);

fn install() -> Result<PrometheusHandle, metrics_exporter_prometheus::BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), BUCKETS)?
        .install_recorder()?;
    describe_counter!(REQUESTS, "Requests by method, route and class of status");
    describe_histogram!(
        DURATION,
        "Seconds from a request's header to the end of its response"
    );
    describe_gauge!(IN_FLIGHT, "Requests in progress");
    describe_gauge!(CONNECTIONS, "Open client connections");
    describe_counter!(REQUEST_BYTES, "Bytes of request bodies");
    describe_counter!(RESPONSE_BYTES, "Bytes of response bodies");
    describe_gauge!(
        ENCLAVE_REACHABLE,
        "1 if the last attempt to reach the enclave succeeded"
    );
    describe_counter!(
        ENCLAVE_CONNECTS,
        "Attempts to connect to the enclave, by outcome"
    );
    describe_counter!(
        ENCLAVE_RECONNECTS,
        "Times the enclave became reachable again"
    );
    describe_gauge!(
        ENCLAVE_READY,
        "1 if the enclave was ready when it was last asked"
    );
    describe_gauge!(
        ENCLAVE_SERVING,
        "1 unless the enclave is drained or removed"
    );
    describe_gauge!(
        ENCLAVE_IN_FLIGHT,
        "Requests that the enclave has not finished"
    );
    describe_counter!(ENCLAVE_REQUESTS, "Requests that went to the enclave");
    describe_counter!(
        STORE_OPERATIONS,
        "Requests of the enclave to the record store, by operation and status"
    );
    describe_histogram!(
        STORE_DURATION,
        "Seconds that the record store took for a request, by operation"
    );
    describe_counter!(
        EGRESS_CONNECTIONS,
        "Connections to hosts that the enclave requested, by host and outcome"
    );
    describe_gauge!(EGRESS_ACTIVE, "Open connections of the enclave to hosts");
    describe_counter!(
        EGRESS_BYTES,
        "Bytes carried between the enclave and hosts, by direction"
    );
    describe_counter!(
        CREDENTIALS_FETCHES,
        "Fetches of AWS credentials, by outcome"
    );
    gauge!(IN_FLIGHT).set(0.0);
    Ok(handle)
}

/// Records that a request got its response, or that the client gave up (then `status` is absent).
pub(crate) fn request_done(
    method: &'static str,
    route: &'static str,
    status: Option<u16>,
    took: Duration,
) {
    let class = match status.map(|status| status / 100) {
        Some(1) => "1xx",
        Some(2) => "2xx",
        Some(3) => "3xx",
        Some(4) => "4xx",
        Some(5) => "5xx",
        _ => "none",
    };
    counter!(REQUESTS, "method" => method, "route" => route, "status" => class).increment(1);
    histogram!(DURATION, "route" => route).record(took.as_secs_f64());
}

/// Records the bytes of both bodies of one request.
pub(crate) fn bodies(request: u64, response: u64) {
    counter!(REQUEST_BYTES).increment(request);
    counter!(RESPONSE_BYTES).increment(response);
}

/// Counts one thing in progress, until dropped.
pub(crate) struct Ongoing(&'static str);

impl Ongoing {
    pub(crate) fn request() -> Self {
        Self::start(IN_FLIGHT)
    }

    pub(crate) fn connection() -> Self {
        Self::start(CONNECTIONS)
    }

    pub(crate) fn egress() -> Self {
        Self::start(EGRESS_ACTIVE)
    }

    fn start(name: &'static str) -> Self {
        gauge!(name).increment(1.0);
        Self(name)
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        gauge!(self.0).decrement(1.0);
    }
}

/// Records that the parent has this enclave, and whether requests that name no boot go to it.
pub(crate) fn enclave_serving(enclave: &str, serving: bool) {
    counter!(ENCLAVE_RECONNECTS, "enclave" => enclave.to_owned()).increment(0);
    gauge!(ENCLAVE_SERVING, "enclave" => enclave.to_owned()).set(one_if(serving));
}

/// Records an attempt to connect to the enclave.
pub(crate) fn enclave_connect(enclave: &str, succeeded: bool) {
    let outcome = if succeeded { "connected" } else { "failed" };
    counter!(ENCLAVE_CONNECTS, "enclave" => enclave.to_owned(), "outcome" => outcome).increment(1);
}

/// Records whether the enclave is reachable, and whether it became so again after a failure.
pub(crate) fn enclave_reachable(enclave: &str, reachable: bool, again: bool) {
    gauge!(ENCLAVE_REACHABLE, "enclave" => enclave.to_owned()).set(one_if(reachable));
    if again {
        counter!(ENCLAVE_RECONNECTS, "enclave" => enclave.to_owned()).increment(1);
    }
}

/// Records whether the enclave is ready.
pub(crate) fn enclave_ready(enclave: &str, ready: bool) {
    gauge!(ENCLAVE_READY, "enclave" => enclave.to_owned()).set(one_if(ready));
}

/// Records that a request goes to the enclave.
pub(crate) fn enclave_request_began(enclave: &str) {
    counter!(ENCLAVE_REQUESTS, "enclave" => enclave.to_owned()).increment(1);
    gauge!(ENCLAVE_IN_FLIGHT, "enclave" => enclave.to_owned()).increment(1.0);
}

/// Records that such a request ended.
pub(crate) fn enclave_request_ended(enclave: &str) {
    gauge!(ENCLAVE_IN_FLIGHT, "enclave" => enclave.to_owned()).decrement(1.0);
}

fn one_if(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

/// Records that the record store responded to a request of the enclave.
pub(crate) fn store_operation(operation: &'static str, status: u16, took: Duration) {
    counter!(STORE_OPERATIONS, "operation" => operation, "status" => status.to_string())
        .increment(1);
    histogram!(STORE_DURATION, "operation" => operation).record(took.as_secs_f64());
}

/// Records that a connection that the enclave requested ended, or was not made.
pub(crate) fn egress_ended(host: &str, outcome: &'static str) {
    counter!(EGRESS_CONNECTIONS, "host" => host.to_owned(), "outcome" => outcome).increment(1);
}

/// Records bytes that such a connection carried.
pub(crate) fn egress_bytes(direction: &'static str, bytes: u64) {
    counter!(EGRESS_BYTES, "direction" => direction).increment(bytes);
}

/// Records that credentials were fetched, or could not be fetched.
pub(crate) fn credentials_fetched(succeeded: bool) {
    let outcome = if succeeded { "fetched" } else { "failed" };
    counter!(CREDENTIALS_FETCHES, "outcome" => outcome).increment(1);
}
