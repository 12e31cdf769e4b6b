//! At the enclave: a client may close its sending half after a request, and gains no time by that.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::Request;
use permafrost_client::Principal;
use permafrost_tests::{LyingParent, Measured, StoreResponse, WholeRequest, new_key};

/// The time limit of a request in these tests.
const LIMIT: Duration = Duration::from_millis(700);

/// An enclave that carries out one request at a time, each within [`LIMIT`].
async fn one_at_a_time() -> LyingParent {
    LyingParent::with(Measured::new("test").limits(&format!(
        "concurrent_requests = 1\nrequest_timeout_ms = {}\nstore_timeout_ms = 60000",
        LIMIT.as_millis()
    )))
    .await
}

/// A signed request for this key, which the enclave has not seen: the proxy keeps it back.
async fn unsent(parent: &LyingParent, alice: &Principal, key: &str) -> Vec<u8> {
    let kept: Arc<Mutex<Option<WholeRequest>>> = Arc::default();
    let keep = Arc::clone(&kept);
    parent.proxy.change_requests(move |request| {
        keep.lock().unwrap().get_or_insert(request);
        Request::get("/v1/health")
            .body(bytes::Bytes::new())
            .unwrap()
    });
    alice.key(key).await.expect_err("another response");
    parent.proxy.be_honest();
    let request = kept.lock().unwrap().take().expect("a request");
    let mut bytes = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri()).into_bytes();
    for (name, value) in request.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn connect(parent: &LyingParent, request: &[u8]) -> UnixStream {
    let mut stream = UnixStream::connect(parent.enclave.socket()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(request).unwrap();
    stream
}

/// Sends a request, closes the sending half, and reads until the enclave closes.
fn half_closed(parent: &LyingParent, request: &[u8]) -> String {
    let mut stream = connect(parent, request);
    stream.shutdown(Shutdown::Write).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    String::from_utf8(response).unwrap()
}

async fn health(parent: &LyingParent) -> u16 {
    let request = Request::get("/v1/health")
        .body(bytes::Bytes::new())
        .unwrap();
    parent.proxy.send(request).await.status().as_u16()
}

#[tokio::test]
async fn a_client_that_closes_its_sending_half_gets_the_enclaves_response() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let request = unsent(&parent, &alice, &key.id).await;
    let response = half_closed(&parent, &request);
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert!(response.contains(&key.group_public_key), "{response}");
}

#[tokio::test]
async fn a_half_closed_connection_to_the_enclave_ends_at_the_time_limit() {
    let parent = one_at_a_time().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let request = unsent(&parent, &alice, &key.id).await;
    parent.store.lie(|_, _| StoreResponse::Silence);
    let began = Instant::now();
    let response = half_closed(&parent, &request);
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    assert!(began.elapsed() >= LIMIT);
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(health(&parent).await, 200);
}

#[tokio::test]
async fn a_client_that_leaves_holds_the_enclave_until_the_time_limit_and_no_longer() {
    let parent = one_at_a_time().await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let request = unsent(&parent, &alice, &key.id).await;
    parent.store.lie(|_, _| StoreResponse::Silence);
    let began = Instant::now();
    drop(connect(&parent, &request));
    while health(&parent).await != 503 {
        assert!(began.elapsed() < LIMIT, "the request never began");
    }
    while health(&parent).await != 200 {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "the request holds its place"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(began.elapsed() >= LIMIT);
}

#[tokio::test]
async fn a_body_that_ends_early_is_refused_by_the_enclave_at_once() {
    let parent = LyingParent::start().await;
    let began = Instant::now();
    let response = half_closed(
        &parent,
        b"POST /v1/keys HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n123",
    );
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    assert!(response.contains("invalid-request"), "{response}");
    assert!(began.elapsed() < Duration::from_secs(5));
}
