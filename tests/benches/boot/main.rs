//! A boot of the real enclave program: from the start of its process until it is ready, with the development KMS, the real
//! parent and a store that has a root secret.
//!
//! `bare listen` is the same process until it responds that it is not ready: what `ready` takes more is the boot's RSA key,
//! the record of the root secret and the one call of KMS.
//!
//! With the feature `booted` each boot is one of a virtual machine, and `bare kernel` is the same kernel until a program of
//! one line has said it.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark that cannot run should stop"
)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use permafrost_tests::virtual_machine::{VirtualMachine, make_image};
use permafrost_tests::{HonestStack, Measured, message, new_key};
use tokio::runtime::Runtime;

/// How many requests of each kind are sent to count what they cost at KMS.
const REQUESTS: usize = 50;

fn boots(criterion: &mut Criterion) {
    let mut stack = HonestStack::start(Measured::new("bench"));
    let mut group = criterion.benchmark_group("boot");
    group.sampling_mode(SamplingMode::Flat);
    if cfg!(feature = "booted") {
        group.bench_function("bare kernel", |bencher| {
            bencher.iter_custom(|times| kernel(stack.folder(), times));
        });
    } else {
        group.bench_function("bare listen", |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| listen(&mut stack)).sum());
        });
    }
    let before = stack.kms.calls().len();
    let mut boots = 0;
    group.bench_function("ready", |bencher| {
        bencher.iter_custom(|times| {
            boots += times;
            (0..times).map(|_| ready(&mut stack)).sum()
        });
    });
    group.finish();
    if boots > 0 {
        let calls = stack.kms.calls().len() - before;
        println!(
            "KMS calls: {calls} for {boots} boots, {}",
            of_requests(&stack)
        );
    }
}

/// Until the first process has said its line, in machines whose first process does nothing else.
fn kernel(folder: &Path, times: u64) -> Duration {
    let program = folder.join("empty-init");
    let built = Command::new("rustc")
        .args([
            "--target",
            "x86_64-unknown-linux-musl",
            "-C",
            "opt-level=3",
            "-C",
            "strip=symbols",
            "-o",
        ])
        .arg(&program)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/benches/boot/empty_init.rs"
        ))
        .status()
        .expect("rustc runs");
    assert!(built.success());
    let image = folder.join("empty.eif");
    make_image(&program, "", &image);
    let machine = folder.join("empty");
    let boot = |_| {
        let started = Instant::now();
        let _machine = VirtualMachine::boot(&image, &machine);
        started.elapsed()
    };
    (0..times).map(boot).sum()
}

/// Until it responds at all. Its response may already be that it is ready.
fn listen(stack: &mut HonestStack) -> Duration {
    stack.enclave.kill();
    let started = Instant::now();
    stack.enclave.restart_unready();
    let _ready_or_not = stack.enclave.waits_for();
    let elapsed = started.elapsed();
    // So that no call of this boot is counted for another.
    stack.enclave.wait_until_ready();
    elapsed
}

/// Until it has its root secret.
fn ready(stack: &mut HonestStack) -> Duration {
    stack.enclave.kill();
    let started = Instant::now();
    stack.enclave.restart_unready();
    stack.enclave.wait_until_ready();
    started.elapsed()
}

/// What keys that are made and signed with cost at KMS.
fn of_requests(stack: &HonestStack) -> String {
    let before = stack.kms.calls().len();
    Runtime::new().expect("a runtime").block_on(async {
        let alice = stack.principal("alice").await;
        for _ in 0..REQUESTS {
            let key = new_key(&alice).await;
            alice.sign(&key.id, &message()).await.expect("signed");
        }
    });
    let calls = stack.kms.calls().len() - before;
    format!("{calls} for {} requests", 2 * REQUESTS)
}

/// Few samples: each is a process that starts.
fn few_samples() -> Criterion {
    Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(8))
}

criterion_group! {
    name = benches;
    config = few_samples();
    targets = boots
}
criterion_main!(benches);
