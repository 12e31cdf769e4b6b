//! A client may close its sending half after a request (RFC 9112 section 9.6); no client gains time by that.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::support::{Enclave, PATIENCE, Parent, RawResponse, count, text};

/// Sends these bytes and closes the sending half.
async fn half_closed(parent: &Parent, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(parent.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    stream
}

/// Everything that the parent sends until it closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .expect("the connection stays open")
        .unwrap();
    String::from_utf8(rest).unwrap()
}

#[tokio::test]
async fn a_client_that_closes_its_sending_half_gets_its_response() {
    let parent = Parent::start().await;
    let _enclave = Enclave::start(&parent.enclave_socket(), |request| async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        count(request).await
    });
    for request in [
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc",
        "POST / HTTP/1.0\r\ncontent-length: 3\r\n\r\nabc",
    ] {
        let mut stream = half_closed(&parent, request).await;
        let response = RawResponse::read(&mut stream).await;
        assert_eq!(
            (response.status, response.body.as_slice()),
            (200, &b"3"[..])
        );
        assert_eq!(rest(&mut stream).await, "");
    }
    let mut probe = half_closed(&parent, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(RawResponse::read(&mut probe).await.body, b"alive\n");
    assert_eq!(rest(&mut probe).await, "");
}

#[tokio::test]
async fn all_requests_before_the_end_of_the_sending_half_get_their_responses() {
    let parent = Parent::start().await;
    let _enclave = Enclave::start(&parent.enclave_socket(), |request| async move {
        text(200, request.uri().path().to_owned())
    });
    let three: String = (1..=3)
        .map(|n| format!("GET /{n} HTTP/1.1\r\nhost: x\r\n\r\n"))
        .collect();
    let mut stream = half_closed(&parent, &three).await;
    let received = rest(&mut stream).await;
    let bodies: Vec<_> = received
        .split("HTTP/1.1 200 OK")
        .skip(1)
        .filter_map(|response| response.split("\r\n\r\n").nth(1))
        .collect();
    assert_eq!(bodies, ["/1", "/2", "/3"]);
}

#[tokio::test]
async fn a_body_that_ends_early_is_refused_at_once() {
    let parent = Parent::start().await;
    let (heard, mut bodies) = mpsc::unbounded_channel();
    let _enclave = Enclave::start(&parent.enclave_socket(), move |request| {
        let heard = heard.clone();
        async move {
            let response = count(request).await;
            heard.send(response.status().as_u16()).unwrap();
            response
        }
    });
    let began = Instant::now();
    let request = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc";
    let mut stream = half_closed(&parent, request).await;
    let response = RawResponse::read(&mut stream).await;
    assert_eq!(
        (response.status, response.problem().as_str()),
        (400, "invalid-request")
    );
    assert_eq!(rest(&mut stream).await, "");
    assert!(began.elapsed() < Duration::from_secs(10));
    // If the enclave saw the request at all, it saw that the body is not whole.
    let heard = tokio::time::timeout(Duration::from_millis(500), bodies.recv()).await;
    if let Ok(Some(status)) = heard {
        assert_eq!(status, 400);
    }
}

#[tokio::test]
async fn a_head_that_ends_early_ends_the_connection() {
    let parent = Parent::start().await;
    for request in ["", "\r\n", "GET", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let began = Instant::now();
        let mut stream = half_closed(&parent, request).await;
        assert_eq!(rest(&mut stream).await, "", "{request:?}");
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_half_closed_connection_ends_at_its_deadline() {
    let parent = Parent::with("response_timeout_ms = 300").await;
    let _enclave = silent(&parent);
    let mut stream = half_closed(&parent, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let response = RawResponse::read(&mut stream).await;
    assert_eq!(
        (response.status, response.problem().as_str()),
        (503, "enclave-unreachable")
    );
    assert_eq!(rest(&mut stream).await, "");

    let parent = Parent::with("request_timeout_ms = 300").await;
    let _enclave = silent(&parent);
    let mut stream = half_closed(&parent, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_client_that_leaves_holds_its_places_until_the_deadline_and_no_longer() {
    let parent = Parent::with("connections = 1\nrequests = 1\nrequest_timeout_ms = 500").await;
    let (left, mut noticed) = mpsc::unbounded_channel();
    let enclave = Enclave::start(&parent.enclave_socket(), move |request| {
        let slow = request.uri().path() == "/slow";
        let left = slow.then(|| OnDrop(left.clone()));
        async move {
            let _left = left;
            if slow {
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            text(200, "quick")
        }
    });
    let mut stream = TcpStream::connect(parent.address).await.unwrap();
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    enclave.received(1).await;
    drop(stream);
    assert_eq!(parent.get("/").await.body, b"quick");
    tokio::time::timeout(PATIENCE, noticed.recv())
        .await
        .expect("the enclave still works on the request");
    let log = parent.access_log(2).await;
    assert_eq!(log[0]["path"], "/slow");
    assert_eq!(log[0]["status"], serde_json::Value::Null);
}

/// An enclave that never responds.
fn silent(parent: &Parent) -> Enclave {
    Enclave::start(&parent.enclave_socket(), |_| async {
        std::future::pending::<()>().await;
        text(200, "")
    })
}

struct OnDrop(mpsc::UnboundedSender<()>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}
