//! What the operator of the parent sees.

use std::time::Instant;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Enclave, PATIENCE, Parent, RawResponse, Recorder, count, text};

fn health(ready: bool, reason: &str) -> String {
    let mut health = serde_json::json!({
        "ready": ready, "version": "0", "deployment": "test", "nsm": "emulator",
    });
    if !ready {
        health["reason"] = reason.into();
    }
    health.to_string()
}

#[tokio::test]
async fn the_parent_lives_without_an_enclave_and_is_not_ready() {
    let parent = Parent::start().await;
    assert_eq!(parent.get("/healthz").await.status, 200);
    let response = parent.get("/readyz").await;
    assert_eq!(
        (response.status, response.problem().as_str()),
        (503, "enclave-unreachable")
    );
}

#[tokio::test]
async fn readiness_is_what_the_enclave_reports() {
    let parent = Parent::start().await;
    {
        let _enclave = Enclave::start(&parent.enclave_socket(), |request| async move {
            assert_eq!(request.uri(), "/v1/health");
            text(503, health(false, "no root secret"))
        });
        let response = parent.get("/readyz").await;
        assert_eq!(
            (response.status, response.problem().as_str()),
            (503, "not-ready")
        );
        assert!(String::from_utf8_lossy(&response.body).contains("no root secret"));
    }
    let _enclave = Enclave::start(&parent.enclave_socket(), |_| async {
        text(200, health(true, ""))
    });
    assert_eq!(parent.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn an_enclave_that_does_not_report_its_health_is_not_ready() {
    let parent = Parent::start().await;
    let _enclave = Enclave::start(&parent.enclave_socket(), |_| async { text(200, "{}") });
    assert_eq!(parent.get("/readyz").await.status, 503);
}

#[tokio::test]
async fn an_enclave_that_does_not_respond_is_reported_as_unreachable_in_time() {
    let parent = Parent::start().await;
    let _enclave = Recorder::start(&parent.enclave_socket(), Some(b""));
    let began = Instant::now();
    assert_eq!(parent.get("/readyz").await.problem(), "enclave-unreachable");
    assert!(began.elapsed().as_secs() < 5);
}

#[tokio::test]
async fn the_parents_own_paths_accept_no_other_method() {
    let parent = Parent::start().await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let request = format!("DELETE {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        let response = parent.raw(request.as_bytes()).await;
        assert_eq!(
            (response.status, response.problem().as_str()),
            (405, "method-not-allowed")
        );
        assert_eq!(response.field("allow"), Some("GET, HEAD"));
    }
}

#[tokio::test]
async fn only_exactly_these_paths_are_the_parents() {
    let parent = Parent::start().await;
    let _enclave = Enclave::start(&parent.enclave_socket(), |_| async { text(404, "enclave") });
    for path in [
        "/healthz/",
        "/metrics2",
        "/Healthz",
        "/%68ealthz",
        "/v1/healthz",
    ] {
        assert_eq!(parent.get(path).await.body, b"enclave", "{path}");
    }
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_not_by_key() {
    let parent = Parent::start().await;
    let _enclave = Enclave::start(&parent.enclave_socket(), count);
    for id in ["aa", "bb", "cc"] {
        let request = format!(
            "POST /v1/keys/{id}/sign?x={id} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody"
        );
        assert_eq!(parent.raw(request.as_bytes()).await.status, 200);
    }
    parent.access_log(3).await;
    let metrics = parent.metrics().await;
    for line in [
        "permafrost_requests_total{method=\"POST\",route=\"/v1/keys/{id}/sign\",status=\"2xx\"} 3\n",
        "permafrost_request_duration_seconds_count{route=\"/v1/keys/{id}/sign\"} 3\n",
        "permafrost_request_duration_seconds_bucket{route=\"/v1/keys/{id}/sign\",le=\"+Inf\"} 3\n",
        "permafrost_request_body_bytes_total 12\n",
        "permafrost_response_body_bytes_total 3\n",
        "permafrost_requests_in_flight 1\n",
        "permafrost_enclave_reachable{enclave=\"enclave-1\"} 1\n",
        "permafrost_enclave_connects_total{enclave=\"enclave-1\",outcome=\"connected\"} 1\n",
        "permafrost_enclave_reconnects_total{enclave=\"enclave-1\"} 0\n",
        "# HELP permafrost_requests_total ",
    ] {
        assert!(metrics.contains(line), "no {line:?} in:\n{metrics}");
    }
    assert!(!metrics.contains("aa"), "{metrics}");
}

#[tokio::test]
async fn a_request_is_in_flight_until_the_last_byte_of_its_response() {
    let parent = Parent::start().await;
    let unfinished = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc";
    let enclave = Recorder::start(&parent.enclave_socket(), Some(unfinished));
    let mut stream = tokio::net::TcpStream::connect(parent.address)
        .await
        .unwrap();
    let request = b"GET /v1/keys HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut head = [0; 15];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    let in_flight = |count: u8| {
        format!("permafrost_enclave_requests_in_flight{{enclave=\"enclave-1\"}} {count}\n")
    };
    let metrics = parent.metrics().await;
    assert!(metrics.contains(&in_flight(1)), "{metrics}");
    drop(enclave);
    let began = Instant::now();
    while !parent.metrics().await.contains(&in_flight(0)) {
        assert!(began.elapsed() < PATIENCE, "it stays in flight");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn metrics_count_the_enclaves_requests_to_the_store() {
    let parent = Parent::start().await;
    let store = parent.directory.path().join("store.sock");
    for request in [
        "PUT /records/key/a HTTP/1.1\r\nhost: x\r\nif-none-match: *\r\ncontent-length: 3\r\n\r\nabc",
        "GET /records/key/a HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /records/key/b HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /records/key?limit=10 HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let mut stream = tokio::net::UnixStream::connect(&store).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        RawResponse::read(&mut stream).await;
    }
    let metrics = parent.metrics().await;
    for line in [
        "permafrost_store_operations_total{operation=\"put\",status=\"204\"} 1\n",
        "permafrost_store_operations_total{operation=\"get\",status=\"200\"} 1\n",
        "permafrost_store_operations_total{operation=\"get\",status=\"404\"} 1\n",
        "permafrost_store_operations_total{operation=\"list\",status=\"200\"} 1\n",
        "permafrost_store_operation_duration_seconds_count{operation=\"get\"} 2\n",
    ] {
        assert!(metrics.contains(line), "no {line:?} in:\n{metrics}");
    }
}

#[tokio::test]
async fn the_access_log_says_what_happened_and_no_more() {
    let parent = Parent::start().await;
    let _enclave = Enclave::start(&parent.enclave_socket(), count);
    let response = parent
        .raw(
            b"POST /v1/keys/ab/sign?q=QUERYVALUE HTTP/1.1\r\nhost: x\r\nsignature: SIGNATUREVALUE\r\n\
              x-other: HEADERVALUE\r\ncontent-length: 9\r\n\r\nBODYVALUE",
        )
        .await;
    assert_eq!(response.status, 200);
    let entry = parent.access_log(1).await.remove(0);
    assert_eq!(entry["method"], "POST");
    assert_eq!(entry["path"], "/v1/keys/ab/sign");
    assert_eq!(entry["status"], 200);
    assert_eq!(entry["bytes_in"], 9);
    assert_eq!(entry["bytes_out"], 1);
    assert_eq!(entry["complete"], true);
    assert!(entry["ms"].as_f64().is_some_and(|ms| ms > 0.0), "{entry}");
    assert!(
        entry["peer"]
            .as_str()
            .is_some_and(|peer| peer.starts_with("127.0.0.1:"))
    );
    assert!(entry["timestamp"].is_string());

    parent.terminate();
    let (_, log) = parent.ended().await;
    for secret in ["QUERYVALUE", "SIGNATUREVALUE", "HEADERVALUE", "BODYVALUE"] {
        assert!(
            !log.iter().any(|line| line.contains(secret)),
            "{secret} was logged"
        );
    }
}

#[tokio::test]
async fn every_request_has_one_line_and_every_line_is_json() {
    let parent = Parent::start().await;
    for _ in 0..30 {
        assert_eq!(parent.get("/v1/\"keys\"").await.status, 503);
    }
    parent.access_log(30).await;
    parent.terminate();
    let (_, log) = parent.ended().await;
    let entries: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let access = entries.iter().filter(|entry| entry["target"] == "access");
    assert_eq!(access.count(), 30);
}
