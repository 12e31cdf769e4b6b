//! Memory in use does not grow with the number of signatures.

use std::time::Duration;

use permafrost_client::Principal;
use permafrost_tests::{HonestStack, Measured, is_signed_by, message, new_key};

use crate::log::{count, line};

/// What a booted enclave says now and then.
const RESOURCES: &str = "resources";

/// How much more the process may have: which pages its allocator has given back at a moment differs by 350 kB either way. A leak
/// of 120 bytes a signature would be more; `tests/benches/memory.rs` measures 100,000 signatures.
const PROCESS_GROWTH: u64 = 512 << 10;

/// How much more the machine may have: what the kernel keeps of free pages for each CPU counts as in use, and comes and goes
/// by a megabyte. A leak of 500 bytes a signature would be more.
const MACHINE_GROWTH: u64 = 2 << 20;

/// How long the enclave remembers a request, so as not to take it twice: `request_max_age_s` below, and twice `clock_skew_s`.
const REMEMBERED: Duration = Duration::from_secs(10 + 2 * 15);

#[tokio::test]
async fn memory_after_5000_signatures_is_that_after_500() {
    let measured =
        Measured::new("test").limits("request_max_age_s = 10\nresources_interval_ms = 500");
    let stack = HonestStack::start(measured);
    let alice = stack.principal("alice").await;
    let key = new_key(&alice).await;

    sign(&alice, &key.id, 500).await;
    let early = in_use(&stack).await;
    sign(&alice, &key.id, 4_500).await;
    let late = in_use(&stack).await;

    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
    for (what, early, late, most) in [
        ("process", early.process, late.process, PROCESS_GROWTH),
        ("machine", early.machine, late.machine, MACHINE_GROWTH),
    ] {
        println!("{what}: {early} bytes after 500 signatures, {late} after 5000");
        let growth = late.saturating_sub(early);
        assert!(growth <= most, "{what}: {growth} bytes more");
    }
    assert!(late.machine <= 64 << 20, "{} bytes", late.machine);
}

struct InUse {
    machine: u64,
    process: u64,
}

/// What a line says when no request is remembered any more; one that was on its way before is of another moment.
async fn in_use(stack: &HonestStack) -> InUse {
    tokio::time::sleep(REMEMBERED).await;
    let known = count(&stack.enclave, RESOURCES);
    let line = line(&stack.enclave, RESOURCES, known + 1);
    InUse {
        machine: line["machine_bytes"].as_u64().unwrap(),
        process: line["resident_bytes"].as_u64().unwrap(),
    }
}

/// Signs this many times, eight at once.
async fn sign(principal: &Principal, key: &str, times: usize) {
    let message = message();
    let one_after_the_other = |_| async {
        for _ in 0..times / 8 {
            principal.sign(key, &message).await.unwrap();
        }
    };
    futures_of(one_after_the_other).await;
    for _ in 0..times % 8 {
        principal.sign(key, &message).await.unwrap();
    }
}

async fn futures_of<F: Future<Output = ()>>(one: impl Fn(u8) -> F) {
    tokio::join!(
        one(0),
        one(1),
        one(2),
        one(3),
        one(4),
        one(5),
        one(6),
        one(7)
    );
}
