//! Whole requests to real processes, one after the other: client, `permafrost serve`, `permafrost-enclave`, SQLite. `load.rs` sends
//! many at once.
//!
//! `bare health` takes the same way as the others and checks a response that is signed likewise, but requests nothing else: what the
//! others cost more is their own work. The client runs on the same machine, so its own part is in each.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark that cannot run should stop"
)]

use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{Request, StatusCode, header::HOST};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use permafrost_client::{Client, Enclave, Expectation, Principal, RootCertificate, SigningKey};
use permafrost_common::api::SignRequest;
use permafrost_tests::{HonestStack, Measured, new_key};
use tokio::{net::TcpStream, runtime::Runtime, sync::Mutex};

fn requests(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let measured = Measured::new("bench");
    let pkcs8 = measured.key("alice").to_pkcs8().expect("PKCS #8");
    let stack = HonestStack::start(measured);
    let sides = runtime.block_on(async {
        let alice = || SigningKey::from_pkcs8(&pkcs8).expect("a key");
        let through = Side::verified(&stack, stack.endpoint(), alice()).await;
        let straight = Side::verified(&stack, &stack.enclave.address(), alice()).await;
        (through, straight)
    });
    let (through, straight) = &sides;
    let key = runtime.block_on(new_key(&through.principal)).id;

    one_by_one(criterion, &runtime, through, straight, &key);
    parent_alone(criterion, &runtime, &stack);
}

fn one_by_one(
    criterion: &mut Criterion,
    runtime: &Runtime,
    through: &Side,
    straight: &Side,
    key: &str,
) {
    let mut group = criterion.benchmark_group("whole request");
    group.bench_function("bare health", |bencher| {
        bencher.to_async(runtime).iter(|| through.health());
    });
    group.bench_function("health, straight to the enclave", |bencher| {
        bencher.to_async(runtime).iter(|| straight.health());
    });
    group.bench_function("show", |bencher| {
        bencher.to_async(runtime).iter(|| through.show(key));
    });
    group.bench_function("sign 2-of-3", |bencher| {
        bencher.to_async(runtime).iter(|| through.sign(key));
    });
    group.bench_function("sign 2-of-3, straight to the enclave", |bencher| {
        bencher.to_async(runtime).iter(|| straight.sign(key));
    });
    group.finish();
}

/// What the parent responds with by itself, unsigned and unchecked: the floor of HTTP on this machine.
fn parent_alone(criterion: &mut Criterion, runtime: &Runtime, stack: &HonestStack) {
    let address = stack.endpoint().trim_start_matches("http://");
    let sender = Mutex::new(runtime.block_on(connected(address)));
    let mut group = criterion.benchmark_group("whole request");
    group.bench_function("healthz of the parent alone", |bencher| {
        bencher.to_async(runtime).iter(|| healthz(&sender, address));
    });
    group.finish();
}

/// The enclave as it is reached one way, and `alice`, who speaks to it.
struct Side {
    enclave: Enclave,
    principal: Principal,
}

impl Side {
    async fn verified(stack: &HonestStack, endpoint: &str, key: SigningKey) -> Self {
        let root = RootCertificate::from_pem(&stack.enclave.root_pem()).expect("a root");
        let expectation = Expectation::any_measurements().root_certificate(root);
        let client = Client::new(endpoint.parse().expect("an endpoint"));
        let enclave = client.verify(&expectation).await.expect("it verifies");
        let principal = enclave.as_principal("alice", key).expect("a principal");
        Self { enclave, principal }
    }

    async fn health(&self) {
        self.enclave.health().await.expect("health");
    }

    async fn show(&self, key: &str) {
        self.principal.key(key).await.expect("the key");
    }

    async fn sign(&self, key: &str) {
        let digest = SignRequest::Digest {
            digest: "d1".repeat(32),
        };
        self.principal.sign(key, &digest).await.expect("signed");
    }
}

async fn connected(address: &str) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("an open connection");
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .expect("HTTP");
    tokio::spawn(connection);
    sender
}

async fn healthz(sender: &Mutex<SendRequest<Empty<Bytes>>>, address: &str) {
    let request = Request::get("/healthz")
        .header(HOST, address)
        .body(Empty::new())
        .expect("a request");
    let mut sender = sender.lock().await;
    sender.ready().await.expect("an open connection");
    let response = sender.send_request(request).await.expect("a response");
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body().collect().await.expect("a whole body");
}

/// Few samples: processes on a shared machine vary more than many samples would tell.
fn few_samples() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
}

criterion_group! {
    name = benches;
    config = few_samples();
    targets = requests
}
criterion_main!(benches);
