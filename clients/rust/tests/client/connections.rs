//! Connections that break, wait or never end.

use std::time::Duration;

use http::{HeaderMap, Method};
use permafrost_client::{Client, Error, IdempotencyKey};
use permafrost_common::api::{ReplaceKey, SignRequest};

use crate::fake_enclave::{FakeEnclave, key, say_unreachable};

const ID: &str = "abababababababababababababababababababababab";

fn message() -> SignRequest {
    SignRequest::Message {
        message: "00".to_owned(),
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    for _ in 0..3 {
        assert!(alice.sign(ID, &message()).await.is_ok());
        fake.hang_up().await;
        assert_eq!(alice.rotate(ID).await.unwrap(), key());
        fake.hang_up().await;
    }
    assert_eq!(fake.state().carried_out.len(), 6);
}

#[tokio::test]
async fn what_is_harmless_twice_is_repeated_when_a_kept_connection_breaks_before_its_response() {
    let (fake, enclave, alice) = FakeEnclave::start_verified().await;
    let idempotency_key = IdempotencyKey::random().unwrap();

    fake.state().swallow = 1;
    assert!(alice.sign(ID, &message()).await.is_ok());
    fake.state().swallow = 1;
    assert!(alice.key(ID).await.is_ok());
    fake.state().swallow = 1;
    assert!(
        alice
            .replace(ID, &ReplaceKey::default(), &idempotency_key)
            .await
            .is_ok()
    );
    fake.state().swallow = 1;
    assert!(enclave.health().await.is_ok());
    // Each was carried out twice, with its own nonce: nothing was refused as a replay.
    assert_eq!(fake.state().carried_out.len(), 6);
}

#[tokio::test]
async fn a_rotation_whose_response_is_lost_is_left_to_the_caller() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    for target in ["rotate", "raw"] {
        fake.state().carried_out.clear();
        fake.state().swallow = 1;
        let error = match target {
            "rotate" => alice.rotate(ID).await.unwrap_err(),
            _ => alice
                .request(Method::POST, "/v1/x", "", HeaderMap::new())
                .await
                .unwrap_err(),
        };
        assert!(matches!(error, Error::Interrupted { .. }), "{error:?}");
        assert_eq!(fake.state().carried_out.len(), 1);
        assert!(alice.key(ID).await.is_ok());
    }
}

#[tokio::test]
async fn a_request_that_may_have_been_carried_out_is_not_called_unsent_where_its_repetition_was() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    // The first response is lost, and from then on the parent has no enclave.
    fake.state().swallow = 1;
    let mut responses = 0;
    fake.lie(move |_, _, head, body| {
        responses += 1;
        if responses > 1 {
            say_unreachable(head, body);
        }
    });
    let error = alice.sign(ID, &message()).await.unwrap_err();
    assert_eq!(error.slug(), "interrupted");

    // The first response is lost, and from then on there is no parent.
    fake.state().swallow = 1;
    let endpoint = fake.client().endpoint().to_string();
    let socket = endpoint.strip_prefix("unix:").unwrap().to_owned();
    fake.lie(move |_, _, _, _| _ = std::fs::remove_file(&socket));
    let error = alice.sign(ID, &message()).await.unwrap_err();
    assert_eq!(error.slug(), "interrupted");
    assert_eq!(alice.key(ID).await.unwrap_err().slug(), "unreachable");
}

#[tokio::test]
async fn a_request_ends_when_every_response_to_it_is_lost() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    fake.state().swallow = 100;
    let error = alice.sign(ID, &message()).await.unwrap_err();
    assert_eq!(error.slug(), "interrupted");
    assert!(fake.state().carried_out.len() <= 2);
}

#[tokio::test]
async fn an_endpoint_that_nothing_listens_on_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = format!("unix:{}/nothing", folder.path().display());
    let error = Client::new(endpoint.parse().unwrap())
        .attestation(None)
        .await
        .unwrap_err();
    assert_eq!(error.slug(), "unreachable");
    assert!(error.to_string().contains("nothing"), "{error}");
}

#[tokio::test]
async fn the_client_does_not_wait_for_a_response_that_takes_too_long() {
    let (fake, _) = FakeEnclave::start().await;
    fake.state().delay = Duration::from_secs(60);
    let client =
        Client::with_time_limit(fake.client().endpoint().clone(), Duration::from_millis(200));
    let error = client.attestation(None).await.unwrap_err();
    assert_eq!(error.slug(), "timed-out");
    // Its connection is not used again.
    fake.state().delay = Duration::ZERO;
    assert!(client.attestation(None).await.is_ok());
}

#[tokio::test]
async fn a_response_without_end_is_cut_off() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    fake.lie(|_, _, _, body| body.resize(5 * 1024 * 1024, b' '));
    let error = alice.key(ID).await.unwrap_err();
    assert_eq!(error.slug(), "response-too-large");
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    fake.lie(|_, _, head, _| {
        head.headers
            .insert("x-padding", "x".repeat(64 * 1024).parse().unwrap());
    });
    let error = alice.key(ID).await.unwrap_err();
    assert_eq!(error.slug(), "interrupted");
}

#[tokio::test]
async fn http_over_tcp_is_the_same() {
    let (fake, signing_key) = FakeEnclave::start_on_tcp().await;
    let enclave = fake.client().verify(&fake.expectation()).await.unwrap();
    let alice = enclave.as_principal("alice", signing_key).unwrap();
    assert_eq!(alice.key(ID).await.unwrap(), key());
}
