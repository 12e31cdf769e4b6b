//! No client gets more than the configuration allows, and every client is told.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{EMPTY, Enclave, PATIENCE, Parent, RawResponse, Recorder, count, text};

#[tokio::test]
async fn header_fields_that_are_too_long_are_refused() {
    let parent = Parent::with("header_bytes = 2048").await;
    let _enclave = Enclave::start(&parent.enclave_socket(), count);
    let with_field = |length: usize| {
        format!(
            "GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n",
            "a".repeat(length)
        )
    };
    assert_eq!(parent.raw(with_field(1900).as_bytes()).await.status, 200);
    let response = parent.raw(with_field(2048).as_bytes()).await;
    assert_eq!(
        (response.status, response.problem().as_str()),
        (431, "headers-too-large")
    );
    // Far too long: hyper refuses while it reads, without a document.
    assert_eq!(parent.raw(with_field(200_000).as_bytes()).await.status, 431);
}

#[tokio::test]
async fn a_body_announced_as_too_long_is_refused_before_it_arrives() {
    let parent = Parent::with("body_bytes = 2048").await;
    let _enclave = Enclave::start(&parent.enclave_socket(), count);
    let with_body = |length: usize| {
        format!(
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{}",
            "a".repeat(length)
        )
    };
    assert_eq!(parent.raw(with_body(2048).as_bytes()).await.body, b"2048");
    let response = parent
        .raw(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2049\r\n\r\n")
        .await;
    assert_eq!(
        (response.status, response.problem().as_str()),
        (413, "body-too-large")
    );
    // The response arrives although the client is still writing.
    let response = parent.raw(with_body(1_000_000).as_bytes()).await;
    assert_eq!(response.problem(), "body-too-large");
}

#[tokio::test]
async fn a_body_without_a_length_is_refused_whatever_its_size() {
    let parent = Parent::with("body_bytes = 2048").await;
    let enclave = Recorder::start(&parent.enclave_socket(), Some(EMPTY));
    let chunked = |chunks: usize| {
        let chunk = format!("400\r\n{}\r\n", "a".repeat(1024));
        format!(
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
            chunk.repeat(chunks)
        )
    };
    for chunks in [0, 2, 3, 1000] {
        let response = parent.raw(chunked(chunks).as_bytes()).await;
        assert_eq!(
            (response.status, response.problem().as_str()),
            (411, "length-required"),
            "{chunks} chunks"
        );
        assert_eq!(response.field("connection"), Some("close"));
    }
    assert_eq!(enclave.take(), None);
}

#[tokio::test]
async fn more_requests_than_there_are_places_for_are_refused() {
    let parent = Parent::with("requests = 2").await;
    let (release, _) = tokio::sync::broadcast::channel::<()>(1);
    let waiting = release.clone();
    let enclave = Enclave::start(&parent.enclave_socket(), move |_| {
        let mut released = waiting.subscribe();
        async move {
            let _ = released.recv().await;
            text(200, "done")
        }
    });
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(parent.address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        held.push(stream);
    }
    enclave.received(2).await;
    let response = parent.get("/").await;
    assert_eq!(
        (response.status, response.problem().as_str()),
        (503, "overloaded")
    );
    assert_eq!(response.field("retry-after"), Some("1"));
    // The operator can still see what happens.
    assert_eq!(parent.get("/healthz").await.status, 200);
    release.send(()).unwrap();
    for stream in &mut held {
        assert_eq!(RawResponse::read(stream).await.status, 200);
    }
    let again = tokio::spawn(async move { parent.get("/").await });
    enclave.received(3).await;
    release.send(()).unwrap();
    assert_eq!(again.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let parent = Parent::with("response_timeout_ms = 300").await;
    let _enclave = Enclave::start(&parent.enclave_socket(), count);
    let response = parent
        .raw(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
        .await;
    assert_eq!(
        (response.status, response.problem().as_str()),
        (408, "request-timeout")
    );
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed() {
    let parent = Parent::with("idle_timeout_ms = 200").await;
    for sent in [&b""[..], b"GET / HTTP/1.1\r\nhost:"] {
        let mut stream = TcpStream::connect(parent.address).await.unwrap();
        stream.write_all(sent).await.unwrap();
        assert_closes(&mut stream).await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_its_response_loses_its_connection() {
    let parent =
        Parent::with("request_timeout_ms = 500\nresponse_timeout_ms = 500\nrequests = 1").await;
    let enclave = Enclave::start(&parent.enclave_socket(), |request| async move {
        match request.uri().path() {
            "/long" => text(200, vec![0; 64 * 1024 * 1024]),
            _ => text(200, "short"),
        }
    });
    let mut stream = TcpStream::connect(parent.address).await.unwrap();
    stream
        .write_all(b"GET /long HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    enclave.received(1).await;
    assert_eq!(parent.get("/").await.problem(), "overloaded");
    let log = parent.access_log(2).await;
    assert_eq!(log[1]["path"], "/long");
    assert_eq!(log[1]["complete"], false);
    assert_eq!(parent.get("/").await.body, b"short");
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_their_turn() {
    let parent = Parent::with("connections = 1").await;
    let _enclave = Enclave::start(&parent.enclave_socket(), count);
    let mut first = TcpStream::connect(parent.address).await.unwrap();
    first
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(RawResponse::read(&mut first).await.status, 200);
    let mut second = TcpStream::connect(parent.address).await.unwrap();
    second
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let early = tokio::time::timeout(Duration::from_millis(300), second.read_u8()).await;
    assert!(
        early.is_err(),
        "the second connection was served at the same time as the first"
    );
    drop(first);
    assert_eq!(RawResponse::read(&mut second).await.status, 200);
}

async fn assert_closes(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection stays open");
}
