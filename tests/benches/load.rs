//! Whole requests to real processes, many at once: how long each takes, and how many are done in a second. The client,
//! `permafrost serve` and the measured, static `permafrost-enclave` (with the emulated NSM) share this machine.
//!
//! `health` takes the same way as `sign 2-of-3` and its signed response is checked likewise, but nothing is signed for the client: what
//! a signature costs more is its own work. So many clients as there are requests at once each send the next one when the last is answered.
//!
//! It prints a line for each number of clients, and writes all of them to `PERMAFROST_FIGURES/load.json` where that is set: an
//! array of `permafrost_figures::Load`.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark that cannot run should stop"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use permafrost_client::{Enclave, Principal};
use permafrost_common::api::SignRequest;
use permafrost_tests::{HonestStack, Measured, binaries, new_key};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// How many requests are on their way at once.
const CONCURRENCY: [u32; 6] = [1, 2, 4, 8, 16, 32];

/// How long requests are sent before the first one counts.
const WARM_UP: Duration = Duration::from_secs(1);

/// How long requests are counted.
const MEASURED: Duration = Duration::from_secs(8);

/// The same where `--quick` is asked for.
const QUICK: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let asked = |option: &str| arguments.iter().any(|argument| argument == option);
    // `cargo test --benches` only builds and starts it.
    if !asked("--bench") {
        return;
    }
    let (warm_up, measured) = match asked("--quick") {
        true => (QUICK, QUICK),
        false => (WARM_UP, MEASURED),
    };
    let stack = HonestStack::start_program(&binaries::measured_enclave(), Measured::new("bench"));
    let enclave = stack.verified().await;
    let principal = stack.principal("alice").await;
    let key = new_key(&principal).await.id;
    let requests = [Wanted::Health(enclave), Wanted::Sign(principal, key)];

    let mut rows = Vec::new();
    for request in &requests {
        for concurrency in CONCURRENCY {
            load(request, concurrency, warm_up).await;
            let row = load(request, concurrency, measured).await;
            println!("{row}");
            rows.push(row);
            write(&rows);
        }
    }
}

/// A request that is sent again and again.
#[derive(Clone)]
enum Wanted {
    Health(Enclave),
    Sign(Principal, String),
}

impl Wanted {
    fn name(&self) -> &'static str {
        match self {
            Self::Health(_) => "health",
            Self::Sign(..) => "sign 2-of-3",
        }
    }

    async fn send(&self) {
        match self {
            Self::Health(enclave) => {
                enclave.health().await.expect("health");
            }
            Self::Sign(principal, key) => {
                let digest = SignRequest::Digest {
                    digest: "d1".repeat(32),
                };
                principal.sign(key, &digest).await.expect("signed");
            }
        }
    }
}

/// So many clients, each with one request at a time, until the time is up; the last request of each is waited for.
async fn load(request: &Wanted, concurrency: u32, during: Duration) -> Value {
    let started = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..concurrency {
        let request = request.clone();
        clients.spawn(async move {
            let mut latencies = Vec::new();
            while started.elapsed() < during {
                let sent = Instant::now();
                request.send().await;
                latencies.push(sent.elapsed());
            }
            latencies
        });
    }
    let mut latencies = clients.join_all().await.concat();
    let seconds = started.elapsed().as_secs_f64();
    latencies.sort();
    json!({
        "request": request.name(),
        "concurrency": concurrency,
        "requests": latencies.len(),
        "seconds": seconds,
        "p50_us": percentile(&latencies, 50),
        "p95_us": percentile(&latencies, 95),
        "p99_us": percentile(&latencies, 99),
    })
}

/// The shortest latency, in µs, that so many of a hundred do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    let latency = sorted.get(rank.saturating_sub(1)).expect("a request");
    u64::try_from(latency.as_micros()).expect("shorter than ages")
}

/// After each row, so that one that fails takes no earlier one down with it.
fn write(rows: &[Value]) {
    if let Some(folder) = std::env::var_os("PERMAFROST_FIGURES") {
        let json = serde_json::to_vec(rows).expect("JSON");
        std::fs::write(PathBuf::from(folder).join("load.json"), json).expect("a written file");
    }
}
