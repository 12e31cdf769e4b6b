//! What people wait for, as whole requests to real processes. The passkey responds at once here; a real one waits for its user.
//!
//! `bare nonce` takes the same way as the others and requests a nonce alone; each registration and each login needs one, too.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark that cannot run should stop"
)]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use permafrost_common::api::Signed;
use permafrost_tests::{Authenticator, Browser, HonestStack, Measured, Wanted};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

fn people(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let rates = "arrivals_per_minute = 60000000\nrequests_per_minute = 60000";
    let stack = HonestStack::start(Measured::new("bench").people(rates));
    let enclave = runtime.block_on(stack.verified());
    let (mut browser, mut passkey) = (Browser::new(enclave.clone()), Authenticator::new());
    let registered = runtime
        .block_on(browser.register(&mut passkey))
        .expect("registered");
    let event =
        json!({"created_at": 1_700_000_000, "kind": 1, "tags": [], "content": "from a person"});
    let path = format!("/v1/keys/{}/sign", registered.key.id);
    let sign = Wanted::post(&path, &json!({"type": "nostr_event", "event": event}));

    let mut group = criterion.benchmark_group("people");
    group.bench_function("bare nonce", |bencher| {
        bencher
            .to_async(&runtime)
            .iter(async || browser.nonce("login").await.expect("a nonce"));
    });
    group.bench_function("register", |bencher| {
        let new = || (Browser::new(enclave.clone()), Authenticator::new());
        bencher.to_async(&runtime).iter_batched(
            new,
            |(mut browser, mut passkey)| async move {
                browser.register(&mut passkey).await.expect("registered")
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("sign an event", |bencher| {
        bencher
            .to_async(&runtime)
            .iter(async || browser.ask::<Signed>(&sign, None).await.expect("signed"));
    });
    let browser = Mutex::new(browser);
    group.bench_function("log in", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let mut browser = browser.lock().await;
            browser.login(&passkey).await.expect("logged in")
        });
    });
    group.finish();
}

criterion_group!(benches, people);
criterion_main!(benches);
