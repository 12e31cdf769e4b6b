//! How the memory of the enclave program grows with its signatures: the measured, static program with the emulated NSM, outside
//! a virtual machine. `tests/tests/booted/memory.rs` holds the image to a limit, with fewer signatures.
//!
//! It prints a line for each sample, and writes all of them to `PERMAFROST_FIGURES/memory.json` where that is set: an array of
//! `{"signatures": N, "resident_bytes": N}`.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark that cannot run should stop"
)]

use std::path::PathBuf;
use std::time::Duration;

use permafrost_client::Principal;
use permafrost_tests::{HonestStack, Measured, binaries, message, new_key};
use serde_json::{Value, json};

/// After how many signatures a sample is taken.
const SAMPLES: [usize; 8] = [500, 2_000, 10_000, 20_000, 40_000, 60_000, 80_000, 100_000];

/// The same where `--quick` is asked for.
const QUICK_SAMPLES: [usize; 2] = [500, 2_000];

/// How often the enclave's log says what is in use: `resources_interval_ms` below.
const RESOURCES: Duration = Duration::from_millis(500);

/// How many signatures are asked for at once.
const AT_ONCE: usize = 8;

/// How long the enclave remembers a request, so as not to take it twice: `request_max_age_s` below, and twice `clock_skew_s`, and
/// a second for its next look.
const REMEMBERED: Duration = Duration::from_secs(10 + 2 * 5 + 1);

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let asked = |option: &str| arguments.iter().any(|argument| argument == option);
    // `cargo test --benches` only builds and starts it.
    if !asked("--bench") {
        return;
    }
    let samples: &[usize] = match asked("--quick") {
        true => &QUICK_SAMPLES,
        false => &SAMPLES,
    };
    let measured =
        Measured::new("bench").limits("request_max_age_s = 10\nresources_interval_ms = 500");
    let stack = HonestStack::start_program(&binaries::measured_enclave(), measured);
    let alice = stack.principal("alice").await;
    let key = new_key(&alice).await;

    let mut signed = 0;
    let mut taken = Vec::new();
    for signatures in samples {
        sign(&alice, &key.id, signatures - signed).await;
        signed = *signatures;
        let resident_bytes = resident_bytes(&stack, &alice, &key.id).await;
        println!("memory of the enclave program after {signed} signatures: {resident_bytes} bytes");
        taken.push(json!({"signatures": signed, "resident_bytes": resident_bytes}));
        write(&taken);
    }
}

/// Signs this many times, [`AT_ONCE`] at once.
async fn sign(principal: &Principal, key: &str, times: usize) {
    let message = message();
    let mut running = tokio::task::JoinSet::new();
    for one in 0..AT_ONCE {
        let (principal, key, message) = (principal.clone(), key.to_owned(), message.clone());
        running.spawn(async move {
            for _ in (one..times).step_by(AT_ONCE) {
                principal.sign(&key, &message).await.expect("signed");
            }
        });
    }
    running.join_all().await;
}

/// What the enclave's log says when no request is remembered any more but one: it forgets the others when that one comes.
async fn resident_bytes(stack: &HonestStack, principal: &Principal, key: &str) -> u64 {
    tokio::time::sleep(REMEMBERED).await;
    principal.key(key).await.expect("shown");
    tokio::time::sleep(2 * RESOURCES).await;
    let log = stack.enclave.log();
    log.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .rfind(|line| line.pointer("/fields/message") == Some(&"resources".into()))
        .and_then(|line| line.pointer("/fields/resident_bytes")?.as_u64())
        .expect("the enclave says what is in use")
}

/// After each sample, so that one that fails takes no earlier one down with it.
fn write(samples: &[Value]) {
    if let Some(folder) = std::env::var_os("PERMAFROST_FIGURES") {
        let json = serde_json::to_vec(samples).expect("JSON");
        std::fs::write(PathBuf::from(folder).join("memory.json"), json).expect("a written file");
    }
}
