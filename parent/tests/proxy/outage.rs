//! The enclave goes away and comes back.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Enclave, Parent, RawResponse, Recorder, count};

#[tokio::test]
async fn without_an_enclave_a_problem_document_says_when_to_retry() {
    let parent = Parent::start().await;
    let response = parent.get("/v1/keys").await;
    assert_eq!(response.status, 503);
    assert_eq!(response.problem(), "enclave-unreachable");
    assert_eq!(response.field("retry-after"), Some("1"));
    assert!(String::from_utf8_lossy(&response.body).contains("no part of the request was sent"));
}

#[tokio::test]
async fn after_a_restart_of_the_enclave_the_next_request_works() {
    let parent = Parent::start().await;
    let mut client = TcpStream::connect(parent.address).await.unwrap();
    for round in 0..5 {
        let enclave = Enclave::start(&parent.enclave_socket(), count);
        // The client's own connection survives every restart.
        client
            .write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc")
            .await
            .unwrap();
        let response = RawResponse::read(&mut client).await;
        assert_eq!(
            (response.status, response.body.as_slice()),
            (200, &b"3"[..]),
            "{round}"
        );
        drop(enclave);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let response = parent.get("/").await;
    assert_eq!(response.problem(), "enclave-unreachable");
    let _enclave = Enclave::start(&parent.enclave_socket(), count);
    assert_eq!(parent.get("/").await.status, 200);
    let metrics = parent.metrics().await;
    assert!(
        metrics.contains("permafrost_enclave_reconnects_total{enclave=\"enclave-1\"} 1\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("permafrost_enclave_reachable{enclave=\"enclave-1\"} 1\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_request_that_may_have_arrived_is_not_sent_twice() {
    let parent = Parent::start().await;
    let enclave = Recorder::start(&parent.enclave_socket(), None);
    let response = parent.get("/v1/keys").await;
    assert_eq!(response.problem(), "enclave-unreachable");
    assert!(String::from_utf8_lossy(&response.body).contains("may have carried out the request"));
    assert!(enclave.take().is_some());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(enclave.take(), None);
}

#[tokio::test]
async fn an_enclave_that_does_not_respond_is_given_up_in_time() {
    let parent = Parent::with("response_timeout_ms = 300").await;
    let _enclave = Recorder::start(&parent.enclave_socket(), Some(b""));
    let response = parent.get("/").await;
    assert_eq!(response.problem(), "enclave-unreachable");
}
