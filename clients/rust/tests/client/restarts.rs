//! An enclave that restarts, and a parent that only claims that it did.

use http::StatusCode;
use permafrost_client::{Error, IdempotencyKey, Measurements};
use permafrost_common::{
    api::{CreateKey, SignRequest},
    http_signature::AttestationDigest,
    problem::{Problem, ProblemType},
};

use crate::fake_enclave::{FakeEnclave, PCR0, health, key, say_unreachable, signed};

const ID: &str = "abababababababababababababababababababababab";

fn message() -> SignRequest {
    SignRequest::Message {
        message: "00".to_owned(),
    }
}

fn attestations(fake: &FakeEnclave) -> usize {
    let state = fake.state();
    let fetched = state
        .arrived
        .iter()
        .filter(|line| line.contains("attestation"));
    fetched.count()
}

#[tokio::test]
async fn after_a_restart_the_enclave_is_verified_again_and_the_request_signed_again_once() {
    let (fake, enclave, alice) = FakeEnclave::start_verified().await;
    let before = enclave.boot();
    fake.state().restart();
    assert_eq!(alice.sign(ID, &message()).await.unwrap(), signed());

    assert_eq!(fake.state().carried_out.len(), 1);
    assert_eq!(attestations(&fake), 1);
    assert_ne!(enclave.boot().attestation(), before.attestation());
    // The new boot stays known.
    assert_eq!(alice.rotate(ID).await.unwrap(), key());
    assert_eq!(attestations(&fake), 1);
}

#[tokio::test]
async fn a_creating_request_keeps_its_idempotency_key_over_a_restart() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    fake.state().restart();
    let wanted = CreateKey {
        threshold: 2,
        participants: vec!["a".to_owned(), "b".to_owned()],
        label: None,
    };
    let idempotency_key: IdempotencyKey = "one".parse().unwrap();
    alice.create_key(&wanted, &idempotency_key).await.unwrap();
    let state = fake.state();
    assert_eq!(state.carried_out.len(), 1);
    assert_eq!(state.carried_out[0].headers["idempotency-key"], "one");
}

#[tokio::test]
async fn health_is_available_again_after_a_restart() {
    let (fake, enclave, _) = FakeEnclave::start_verified().await;
    fake.state().restart();
    assert_eq!(enclave.health().await.unwrap(), health());
    assert_eq!(attestations(&fake), 1);
    // The response that named the new boot is the one that is returned: there is no second request.
    assert_eq!(fake.state().arrived.len(), 2);
}

#[tokio::test]
async fn an_enclave_that_restarts_with_other_code_is_refused_and_given_nothing() {
    let (fake, key) = FakeEnclave::start().await;
    let release = Measurements::from_pcrs([(0, PCR0)]).unwrap();
    let expectation = permafrost_client::Expectation::releases([release])
        .root_certificate(fake.state().nsm.root());
    let enclave = fake.client().verify(&expectation).await.unwrap();
    let alice = enclave.as_principal("alice", key).unwrap();

    fake.state().nsm.set_pcr0([0xbb; 48]);
    fake.state().restart();
    let error = alice.sign(ID, &message()).await.unwrap_err();
    assert!(matches!(error, Error::AttestationRefused(_)), "{error:?}");
    assert!(fake.state().carried_out.is_empty());
}

#[tokio::test]
async fn many_concurrent_requests_fetch_one_document_after_a_restart() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    fake.state().restart();
    let requests: Vec<_> = (0..20)
        .map(|_| {
            let alice = alice.clone();
            tokio::spawn(async move { alice.sign(ID, &message()).await })
        })
        .collect();
    for request in requests {
        assert!(request.await.unwrap().is_ok());
    }
    assert_eq!(attestations(&fake), 1);
    assert_eq!(fake.state().carried_out.len(), 20);
}

/// The parent lets the enclave rotate, hides the response, and claims `wrong-enclave` so that the client repeats the request.
#[tokio::test]
async fn a_parent_that_invents_a_restart_gets_no_second_request() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    for named in [
        None,
        Some(AttestationDigest::of(b"an invented boot").to_string()),
    ] {
        for keep_signature in [false, true] {
            fake.state().carried_out.clear();
            let named = named.clone();
            fake.lie(move |_, target, head, body| {
                if target.starts_with("/v1/attestation") {
                    return;
                }
                *body =
                    serde_json::to_vec(&Problem::new(ProblemType::WrongEnclave, "a lie")).unwrap();
                head.status = StatusCode::MISDIRECTED_REQUEST;
                head.headers
                    .insert("content-type", "application/problem+json".parse().unwrap());
                if let Some(named) = &named {
                    head.headers
                        .insert("x-enclave-attestation", named.parse().unwrap());
                }
                if !keep_signature {
                    head.headers.remove("signature");
                    head.headers.remove("signature-input");
                }
            });
            let error = alice.rotate(ID).await.unwrap_err();
            match keep_signature {
                true => assert!(matches!(error, Error::ResponseNotAuthentic(_)), "{error:?}"),
                false => assert!(matches!(error, Error::Unauthenticated(_)), "{error:?}"),
            }
            assert_eq!(fake.state().carried_out.len(), 1);
        }
    }
}

#[tokio::test]
async fn an_enclave_that_restarts_again_and_again_is_not_followed_forever() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    let restarting = fake.clone();
    fake.state().restart();
    // The lock is held while the parent lies, so the restart comes right after.
    fake.lie(move |_, target, _, _| {
        if target.starts_with("/v1/attestation") {
            let fake = restarting.clone();
            tokio::spawn(async move { fake.state().restart() });
        }
    });
    tokio::time::timeout(
        std::time::Duration::from_secs(10),
        alice.sign(ID, &message()),
    )
    .await
    .unwrap()
    .unwrap_err();
    assert_eq!(attestations(&fake), 3);
}

/// The parent says that the enclave is gone, after the enclave has carried the request out.
#[tokio::test]
async fn what_is_harmless_is_repeated_once_when_the_enclave_is_said_to_be_gone_and_nothing_else_is()
{
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    let say_gone = |times: u32| {
        let mut left = times;
        fake.state().carried_out.clear();
        fake.lie(move |_, _, head, body| {
            if left == 0 {
                return;
            }
            left -= 1;
            say_unreachable(head, body);
        });
    };
    say_gone(1);
    assert_eq!(alice.sign(ID, &message()).await.unwrap(), signed());
    assert_eq!(fake.state().carried_out.len(), 2);
    say_gone(2);
    let error = alice.sign(ID, &message()).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated(_)), "{error:?}");
    assert_eq!(fake.state().carried_out.len(), 2);
    say_gone(1);
    let error = alice.rotate(ID).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated(_)), "{error:?}");
    assert_eq!(fake.state().carried_out.len(), 1);
}
