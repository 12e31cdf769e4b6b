//! Graceful stopping.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Enclave, Parent, RawResponse, text};

#[tokio::test]
async fn a_slow_request_is_finished_before_the_end() {
    let parent = Parent::start().await;
    let enclave = Enclave::start(&parent.enclave_socket(), |_| async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        text(200, "late")
    });
    let mut idle = TcpStream::connect(parent.address).await.unwrap();
    let mut slow = TcpStream::connect(parent.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    enclave.received(1).await;
    parent.terminate();
    assert_eq!(
        idle.read(&mut [0]).await.unwrap(),
        0,
        "an idle connection stays open"
    );
    assert!(
        TcpStream::connect(parent.address).await.is_err(),
        "the parent still accepts connections"
    );
    let response = RawResponse::read(&mut slow).await;
    assert_eq!(response.body, b"late");
    assert_eq!(response.field("connection"), Some("close"));
    let (status, log) = parent.ended().await;
    assert!(status.success(), "{status}");
    assert!(log.last().unwrap().contains("\"cut_off\":0"), "{log:?}");
}

#[tokio::test]
async fn a_request_that_takes_longer_than_the_grace_is_cut_off() {
    let parent = Parent::with("[stop]\ngrace_ms = 300").await;
    let enclave = Enclave::start(&parent.enclave_socket(), |_| async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        text(200, "")
    });
    let mut slow = TcpStream::connect(parent.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    enclave.received(1).await;
    let began = Instant::now();
    parent.terminate();
    let (status, log) = parent.ended().await;
    assert!(status.success() && began.elapsed() < Duration::from_secs(5));
    assert!(log.last().unwrap().contains("\"cut_off\":1"), "{log:?}");
}
