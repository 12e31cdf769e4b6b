//! A request whose form leaves anything open reaches neither the enclave nor the parent's own paths.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{EMPTY, PATIENCE, Parent, Recorder};

/// What the one entry of `errors` in a problem document names.
fn named(body: &[u8]) -> String {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{problem}");
    problem["errors"][0]["field"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn two_hosts_none_or_an_invalid_one_are_refused_by_name() {
    let parent = Parent::start().await;
    let enclave = Recorder::start(&parent.enclave_socket(), Some(EMPTY));
    for path in ["/", "/v1/health", "/healthz", "/readyz", "/metrics"] {
        for (version, hosts) in [
            ("1.1", ""),
            ("1.1", "host: a\r\nhost: a\r\n"),
            ("1.1", "host: a\r\nHOST: b\r\n"),
            ("1.1", "host: a b\r\n"),
            ("1.1", "host: user@a\r\n"),
            ("1.0", "host: a\r\nhost: b\r\n"),
            ("1.0", "host: a/b\r\n"),
        ] {
            let request = format!("GET {path} HTTP/{version}\r\n{hosts}\r\n");
            let response = parent.raw(request.as_bytes()).await;
            assert_eq!(
                (response.status, response.problem().as_str()),
                (400, "invalid-request"),
                "{request}"
            );
            assert_eq!(named(&response.body), "header:host");
        }
    }
    assert_eq!(enclave.take(), None);
}

#[tokio::test]
async fn http_1_0_without_a_host_is_served_and_goes_on_with_an_empty_one() {
    let parent = Parent::start().await;
    let enclave = Recorder::start(&parent.enclave_socket(), Some(EMPTY));
    let response = parent.raw(b"GET /v1/x HTTP/1.0\r\n\r\n").await;
    assert_eq!(response.status, 200);
    let head = enclave.take().unwrap();
    let lines: Vec<_> = head.lines().take(2).collect();
    assert_eq!(lines, ["GET /v1/x HTTP/1.1", "host: "]);
    assert_eq!(
        parent.raw(b"GET /healthz HTTP/1.0\r\n\r\n").await.status,
        200
    );
}

#[tokio::test]
async fn a_target_that_is_not_a_path_is_refused_by_name() {
    let parent = Parent::start().await;
    let enclave = Recorder::start(&parent.enclave_socket(), Some(EMPTY));
    for line in [
        "CONNECT a:1",
        "CONNECT /v1/health",
        "OPTIONS *",
        "GET *",
        "GET a:1",
        "GET v1",
        "GET http://user@a/",
        "GET ftp://a/",
    ] {
        let request = format!("{line} HTTP/1.1\r\nhost: a:1\r\n\r\n");
        let response = parent.raw(request.as_bytes()).await;
        assert_eq!(
            (response.status, response.problem().as_str()),
            (400, "invalid-request"),
            "{line}"
        );
        assert_eq!(named(&response.body), "target");
    }
    assert_eq!(enclave.take(), None);
}

#[tokio::test]
async fn nothing_after_a_refused_request_is_read_as_a_request() {
    let parent = Parent::start().await;
    let enclave = Recorder::start(&parent.enclave_socket(), Some(EMPTY));
    let next = "GET /v1/next HTTP/1.1\r\nhost: x\r\n\r\n";
    for refused in [
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET * HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(parent.address).await.unwrap();
        let both = format!("{refused}{next}");
        stream.write_all(both.as_bytes()).await.unwrap();
        let mut received = Vec::new();
        // The parent closes with bytes unread, which resets the connection after the response.
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut received))
            .await
            .expect("the connection stays open");
        let received = String::from_utf8(received).unwrap();
        assert_eq!(received.matches("HTTP/1.1 ").count(), 1, "{received}");
        assert!(received.starts_with("HTTP/1.1 4"), "{received}");
    }
    assert_eq!(enclave.take(), None);
}
