//! Memory of the enclave program after 500 and after 100,000 signatures, outside a virtual machine: the same within 5 %, or this
//! ends with an error. `tests/tests/booted/memory.rs` does it in the image, with fewer.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark that cannot run should stop"
)]

use std::time::{Duration, Instant};

use permafrost_client::Principal;
use permafrost_tests::{HonestStack, Measured, message, new_key};
use serde_json::Value;

const EARLY: usize = 500;
const LATE: usize = 100_000;

/// How often the enclave's log says what is in use: `resources_interval_ms` below.
const RESOURCES: Duration = Duration::from_millis(500);

/// How many signatures are asked for at once.
const AT_ONCE: usize = 8;

/// How long the enclave remembers a request, so as not to take it twice: `request_max_age_s` below, and twice `clock_skew_s`, and
/// a second for its next look.
const REMEMBERED: Duration = Duration::from_secs(10 + 2 * 5 + 1);

#[tokio::main]
async fn main() {
    // `cargo test --benches` only builds and starts it.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let measured =
        Measured::new("bench").limits("request_max_age_s = 10\nresources_interval_ms = 500");
    let stack = HonestStack::start(measured);
    let alice = stack.principal("alice").await;
    let key = new_key(&alice).await;

    let started = Instant::now();
    sign(&alice, &key.id, EARLY).await;
    let early = resident_bytes(&stack, &alice, &key.id).await;
    sign(&alice, &key.id, LATE - EARLY).await;
    let late = resident_bytes(&stack, &alice, &key.id).await;
    println!(
        "memory of the enclave program: {early} bytes after {EARLY} signatures, {late} after {LATE} ({:.3} times; {} s)",
        late as f64 / early as f64,
        started.elapsed().as_secs()
    );
    assert!(early.abs_diff(late) <= early / 20, "more than 5 % apart");
}

async fn sign(principal: &Principal, key: &str, times: usize) {
    let message = message();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (principal, key, message) = (principal.clone(), key.to_owned(), message.clone());
        running.spawn(async move {
            for _ in 0..times / AT_ONCE {
                principal.sign(&key, &message).await.expect("signed");
            }
        });
    }
    running.join_all().await;
}

/// What the enclave's log says when no request is remembered any more but one: it forgets the others when that one comes.
async fn resident_bytes(stack: &HonestStack, principal: &Principal, key: &str) -> u64 {
    eprintln!("signed; waiting until the enclave has forgotten the requests");
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
