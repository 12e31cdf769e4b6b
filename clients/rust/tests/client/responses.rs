//! Responses that are not the enclave's, or not to this request.

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use permafrost_client::{Error, NotAuthentic};
use permafrost_common::{
    api::SignRequest,
    http_signature::{AttestationDigest, content_digest},
    problem::{Problem, ProblemType},
};

use crate::fake_enclave::{FakeEnclave, health, signed};

fn message() -> SignRequest {
    SignRequest::Message {
        message: "00".to_owned(),
    }
}

const ID: &str = "abababababababababababababababababababababab";

#[tokio::test]
async fn an_altered_response_is_refused_whatever_was_altered() {
    let (fake, enclave, alice) = FakeEnclave::start_verified().await;
    type Lie = fn(&Method, &str, &mut http::response::Parts, &mut Vec<u8>);
    let lies: &[(&str, Lie)] = &[
        ("the body", |_, _, _, body| body[20] ^= 1),
        ("the body and its digest", |_, _, head, body| {
            body[20] ^= 1;
            put(head, "content-digest", &content_digest(body));
        }),
        ("an empty body", |_, _, _, body| body.clear()),
        ("the status", |_, _, head, _| {
            head.status = StatusCode::CREATED
        }),
        ("the type", |_, _, head, _| {
            put(head, "content-type", "text/plain")
        }),
        ("no signature", |_, _, head, _| {
            drop(head.headers.remove("signature"))
        }),
        ("no signature at all", |_, _, head, _| {
            head.headers.remove("signature");
            head.headers.remove("signature-input");
        }),
        ("no digest", |_, _, head, _| {
            drop(head.headers.remove("content-digest"))
        }),
        ("no boot", |_, _, head, _| {
            drop(head.headers.remove("x-enclave-attestation"))
        }),
        ("no head", |_, _, head, _| head.headers.clear()),
    ];
    for (name, lie) in lies {
        fake.lie(*lie);
        let error = alice.sign(ID, &message()).await.expect_err(name);
        assert!(
            matches!(error, Error::ResponseNotAuthentic(_)),
            "{name}: {error:?}"
        );
        let error = enclave.health().await.expect_err(name);
        assert!(
            matches!(error, Error::ResponseNotAuthentic(_)),
            "{name}: {error:?}"
        );
        assert!(!error.to_string().contains('\n'));
    }
    fake.state().lie = None;
    assert_eq!(alice.sign(ID, &message()).await.unwrap(), signed());
    assert_eq!(enclave.health().await.unwrap(), health());
}

fn put(head: &mut http::response::Parts, field: &'static str, value: &str) {
    head.headers
        .insert(field, HeaderValue::from_str(value).unwrap());
}

#[tokio::test]
async fn the_response_to_an_earlier_request_is_refused() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    let mut kept = None;
    fake.lie(move |_, _, head, body| match &kept {
        Some((old_head, old_body)) => {
            *head = http::response::Parts::clone(old_head);
            Vec::clone_from(body, old_body);
        }
        None => kept = Some((head.clone(), body.clone())),
    });
    // The very same request twice: only the nonce differs.
    assert!(alice.key(ID).await.is_ok());
    let error = alice.key(ID).await.unwrap_err();
    assert!(matches!(error, Error::ResponseNotAuthentic(_)), "{error:?}");
}

#[tokio::test]
async fn a_response_that_names_another_boot_than_the_one_that_signed_it_is_refused() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    fake.state().named_elsewhere = Some(AttestationDigest::of(b"another boot"));
    let error = alice.key(ID).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::ResponseNotAuthentic(NotAuthentic::Boot { .. })
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_old_health_response_is_refused() {
    let (fake, enclave, _) = FakeEnclave::start_verified().await;
    fake.state().clock_offset = -30;
    assert!(enclave.health().await.is_ok());
    fake.state().clock_offset = -100;
    match enclave.health().await.unwrap_err() {
        Error::ResponseNotAuthentic(NotAuthentic::Stale { behind }) => {
            assert!((90..120).contains(&behind))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_problem_that_the_enclave_signed_differs_from_one_that_it_did_not_sign() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    fake.state().problem = Some(ProblemType::KeyDisabled);
    let error = alice.sign(ID, &message()).await.unwrap_err();
    assert!(matches!(error, Error::Problem(_)), "{error:?}");
    assert_eq!(
        error.problem().unwrap().kind(),
        Some(ProblemType::KeyDisabled)
    );

    fake.lie(|_, _, head, _| {
        head.headers.remove("signature");
        head.headers.remove("signature-input");
    });
    let error = alice.sign(ID, &message()).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated(_)), "{error:?}");
    assert_eq!(error.problem(), None);
    assert_eq!(error.slug(), "unauthenticated-problem");

    fake.lie(|_, _, _, body| {
        let problem = Problem::new(ProblemType::KeyNotFound, "forged");
        *body = serde_json::to_vec(&problem).unwrap();
    });
    let error = alice.sign(ID, &message()).await.unwrap_err();
    assert!(matches!(error, Error::ResponseNotAuthentic(_)), "{error:?}");
}

#[tokio::test]
async fn an_unsigned_success_is_not_a_problem_but_a_forgery() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    fake.lie(|_, _, head, body| {
        head.headers.clear();
        put(head, "content-type", "application/problem+json");
        // A problem by its type, a success by its status.
        *body = serde_json::to_vec(&Problem::new(ProblemType::KeyNotFound, "forged")).unwrap();
    });
    let error = alice.sign(ID, &message()).await.unwrap_err();
    assert!(matches!(error, Error::ResponseNotAuthentic(_)), "{error:?}");
}

#[tokio::test]
async fn clocks_that_differ_are_reported_with_both_times() {
    let (fake, _, alice) = FakeEnclave::start_verified().await;
    fake.state().clock_offset = 1000;
    let error = alice.key(ID).await.unwrap_err();
    match &error {
        Error::ClockDiffers {
            problem,
            enclave,
            client,
        } => {
            assert_eq!(problem.kind(), Some(ProblemType::RequestExpired));
            assert!((995..=1000).contains(&(enclave - client)));
        }
        other => panic!("{other:?}"),
    }
    assert!(
        error.to_string().contains("s behind the enclave's"),
        "{error}"
    );
    assert!(error.problem().is_some());
}

#[tokio::test]
async fn an_authentic_response_of_another_form_is_an_error_of_its_own() {
    let (_, _, alice) = FakeEnclave::start_verified().await;
    // The fake responds with a key, which is not a listing of keys.
    let response = alice
        .request(Method::GET, "/v1/keys/x", "", HeaderMap::new())
        .await
        .unwrap();
    assert_eq!(response.status, StatusCode::OK);
    let error = response
        .json::<permafrost_common::api::Signed>()
        .unwrap_err();
    assert_eq!(error.slug(), "unexpected-response");
}
