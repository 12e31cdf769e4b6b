//! Connections that end in the middle, and a server that is told to stop.

use std::time::Duration;

use http::StatusCode;
use permafrost_common::transport::connect;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[tokio::test]
async fn connections_that_close_empty_or_midway_do_not_disturb_others() {
    let served = Served::start().await;
    for begun in [
        "",
        "PUT /records/key/a HT",
        "PUT /records/key/a HTTP/1.1\r\nif-none-match: *\r\ncontent-length: 9\r\n\r\nhalf",
    ] {
        let mut stream = connect(&served.address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        drop(stream);
    }
    let response = served.put("/records/key/a", FIRST, b"whole").await;
    assert_eq!(
        response.status(),
        StatusCode::NO_CONTENT,
        "half a record was stored"
    );
}

#[tokio::test]
async fn a_stopping_server_responds_to_what_was_requested_and_frees_its_address() {
    let mut served = Served::start().await;
    let mut idle = connect(&served.address).await.unwrap();
    let mut asking = connect(&served.address).await.unwrap();
    asking
        .write_all(
            b"PUT /records/key/a HTTP/1.1\r\nif-none-match: *\r\ncontent-length: 4\r\n\r\nlat",
        )
        .await
        .unwrap();
    // Waits until the server has started on the request.
    tokio::time::sleep(Duration::from_millis(100)).await;
    served.stop.take().unwrap().send(()).unwrap();
    let mut end = Vec::new();
    idle.read_to_end(&mut end).await.unwrap();
    assert!(end.is_empty(), "an idle connection is closed");
    asking.write_all(b"e").await.unwrap();
    let mut response = String::new();
    asking.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 204 "), "{response}");
    tokio::time::timeout(Duration::from_secs(10), &mut served.server)
        .await
        .unwrap()
        .unwrap();
    assert!(!served.folder.path().join("store.sock").exists());
}
