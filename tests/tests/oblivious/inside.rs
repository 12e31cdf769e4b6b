//! Which requests may be sealed, and how they are refused.

use bhttp::Mode;
use bytes::Bytes;
use http::Request;
use permafrost_tests::{LyingParent, WholeRequest, problem_of};

use crate::independent::{ask, ask_message, authentic, boot_key, encode, outer_request, seal};

fn get(path: &str) -> WholeRequest {
    Request::get(path).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn a_sealed_request_is_refused_as_in_the_clear_and_the_refusal_is_signed() {
    let parent = LyingParent::start().await;
    let boot_key = boot_key(&parent).await;
    let long = Request::get("/v1/health").header("x", "x".repeat(9000));
    for (request, refused) in [
        (get("/v1/nothing"), "not-found"),
        (get("/v1/root"), "signature-missing"),
        (get("/v1/health?x=1"), "invalid-request"),
        (get("/v1/attestation?nonce=zz"), "invalid-request"),
        (get("/v1/oblivious"), "not-found"),
        (get("/docs"), "not-found"),
        (get("/healthz"), "not-found"),
        (
            Request::post("/v1/health").body(Bytes::new()).unwrap(),
            "method-not-allowed",
        ),
        (outer_request(vec![0; 80]), "not-found"),
        (long.body(Bytes::new()).unwrap(), "headers-too-large"),
    ] {
        let (outer, inner) = ask(&parent, &request, Mode::KnownLength).await;
        assert_eq!(outer.status(), 200);
        assert_eq!(problem_of(&inner), refused, "{}", request.uri());
        authentic(&request, &inner, &boot_key);
    }
    for path in ["/openapi.json", "/v1/attestation", "/v1/oblivious-keys"] {
        let (_, inner) = ask(&parent, &get(path), Mode::KnownLength).await;
        assert_eq!(inner.status(), 200, "{path}");
        authentic(&get(path), &inner, &boot_key);
    }
}

#[tokio::test]
async fn the_refusal_of_a_sealed_message_that_is_not_a_request_is_sealed() {
    let parent = LyingParent::start().await;
    let good = encode(&get("/v1/health"), Mode::KnownLength);
    let padded = [good.clone(), vec![0; 100]].concat();
    let (_, inner) = ask_message(&parent, &padded).await;
    assert_eq!(inner.status(), 200);
    for message in [
        b"GET /v1/health HTTP/1.1\r\n\r\n".to_vec(),
        Vec::new(),
        good[..10].to_vec(),
        [good.clone(), vec![1]].concat(),
        b"\x01\x40\xc8".to_vec(),
    ] {
        let (outer, inner) = ask_message(&parent, &message).await;
        assert_eq!(outer.status(), 200);
        assert_eq!(problem_of(&inner), "oblivious-request-invalid");
        assert!(!inner.headers().contains_key("signature"));
    }
}

#[tokio::test]
async fn a_request_that_does_not_open_is_refused_in_the_clear_and_the_refusal_is_signed() {
    let parent = LyingParent::start().await;
    let boot_key = boot_key(&parent).await;
    let (sealed, _) = seal(&parent, &encode(&get("/v1/health"), Mode::KnownLength)).await;
    let altered = |at: usize| {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        outer_request(altered)
    };
    let mut json = outer_request(sealed.clone());
    let content_type = "application/json".parse().unwrap();
    json.headers_mut().insert("content-type", content_type);
    for (request, refused, status) in [
        (outer_request(Vec::new()), "oblivious-request-invalid", 400),
        (
            outer_request(sealed[..54].to_vec()),
            "oblivious-request-invalid",
            400,
        ),
        (
            outer_request(sealed[..55].to_vec()),
            "oblivious-key-unknown",
            401,
        ),
        (altered(0), "oblivious-key-unknown", 401),
        (altered(6), "oblivious-key-unknown", 401),
        (altered(7), "oblivious-key-unknown", 401),
        (altered(sealed.len() - 1), "oblivious-key-unknown", 401),
        (json, "unsupported-media-type", 415),
        (get("/v1/oblivious"), "method-not-allowed", 405),
        (outer_request(vec![0; 300_000]), "body-too-large", 413),
    ] {
        let response = parent.proxy.send(request.clone()).await;
        assert_eq!(problem_of(&response), refused);
        assert_eq!(response.status(), status);
        authentic(&request, &response, &boot_key);
    }
    assert_eq!(parent.proxy.send(outer_request(sealed)).await.status(), 200);
}
