//! The malicious parent as the relay: other keys, cut, altered and old responses, repeated requests.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use permafrost_client::{AttestationRefused, Error, NotAuthentic};
use permafrost_common::oblivious::{GatewayKey, ResponseNotOpened};
use permafrost_tests::{
    LyingParent, Measured, is_signed_by, message, new_key, problem_of, refusal,
};

use crate::{principal, verified};

#[tokio::test]
async fn key_configurations_that_the_document_does_not_bind_are_refused() {
    let parent = LyingParent::start().await;
    let neighbour = parent.neighbour(Measured::new("other")).await;
    let request = Request::get("/v1/oblivious-keys").body(Bytes::new());
    let real = parent.proxy.send(request.unwrap()).await;
    let request = Request::get("/v1/oblivious-keys").body(Bytes::new());
    let foreign = neighbour.proxy.send(request.unwrap()).await;
    let own = GatewayKey::generate().unwrap().key_configurations();
    let doubled = [real.body().as_ref(), &own].concat();
    for list in [foreign.body().to_vec(), own, doubled, Vec::new()] {
        parent
            .proxy
            .change_responses(move |request, response| match request.uri().path() {
                "/v1/oblivious-keys" => response.map(|_| list.clone().into()),
                _ => response,
            });
        let client = parent.client().obliviously();
        let refused = client.verify(&parent.expectation()).await.unwrap_err();
        assert!(
            matches!(
                refused,
                Error::AttestationRefused(AttestationRefused::ObliviousKeys { .. })
            ),
            "{refused}"
        );
    }
    parent.proxy.be_honest();
    assert!(verified(&parent).await.health().await.unwrap().ready);
}

#[tokio::test]
async fn a_sealed_response_cut_off_at_any_length_is_refused() {
    let parent = LyingParent::start().await;
    let enclave = verified(&parent).await;
    parent.proxy.take_seen();
    enclave.health().await.unwrap();
    let (_, response) = parent.proxy.take_seen().pop().unwrap();
    for length in 0..response.body().len() {
        parent
            .proxy
            .change_responses(move |_, response| response.map(|body| body.slice(..length)));
        let expected = match length {
            0..32 => ResponseNotOpened::TooShort { length },
            _ => ResponseNotOpened::Sealed,
        };
        assert_eq!(
            not_authentic(enclave.health().await),
            NotAuthentic::NotOpened(expected)
        );
    }
    parent.proxy.be_honest();
    enclave.health().await.unwrap();
}

#[tokio::test]
async fn a_sealed_response_altered_in_any_byte_is_refused() {
    let parent = LyingParent::start().await;
    let enclave = verified(&parent).await;
    parent.proxy.take_seen();
    enclave.health().await.unwrap();
    let (_, response) = parent.proxy.take_seen().pop().unwrap();
    for at in 0..response.body().len() {
        parent.proxy.change_responses(move |_, response| {
            response.map(|body| {
                let mut body = body.to_vec();
                body[at] ^= 1;
                body.into()
            })
        });
        let refused = not_authentic(enclave.health().await);
        assert_eq!(refused, NotAuthentic::NotOpened(ResponseNotOpened::Sealed));
    }
}

#[tokio::test]
async fn an_old_sealed_response_is_refused_for_a_new_request() {
    let parent = LyingParent::start().await;
    let alice = principal(&parent, "alice").await;
    let key = new_key(&alice).await;
    parent.proxy.take_seen();
    alice.key(&key.id).await.unwrap();
    let (_, old) = parent.proxy.take_seen().pop().unwrap();
    parent.proxy.change_responses(move |_, _| old.clone());
    let refused = not_authentic(alice.key(&key.id).await);
    assert_eq!(refused, NotAuthentic::NotOpened(ResponseNotOpened::Sealed));
}

#[tokio::test]
async fn a_sealed_request_for_another_boot_does_not_open_and_the_client_seals_again() {
    let mut parent = LyingParent::start().await;
    let alice = principal(&parent, "alice").await;
    let key = new_key(&alice).await;
    parent.proxy.take_seen();
    alice.rotate(&key.id).await.unwrap();
    let (old, _) = parent.proxy.take_seen().pop().unwrap();
    parent.enclave.restart();
    let response = parent.proxy.send(old.clone()).await;
    assert_eq!(problem_of(&response), "oblivious-key-unknown");
    assert_eq!(alice.key(&key.id).await.unwrap().generation, 2);
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));

    let neighbour = parent.neighbour(Measured::new("other")).await;
    let response = neighbour.proxy.send(old).await;
    assert_eq!(problem_of(&response), "oblivious-key-unknown");
}

#[tokio::test]
async fn a_sealed_request_sent_again_is_carried_out_once() {
    let parent = LyingParent::start().await;
    let alice = principal(&parent, "alice").await;
    let key = new_key(&alice).await;
    parent.proxy.take_seen();
    alice.rotate(&key.id).await.unwrap();
    let (rotation, _) = parent.proxy.take_seen().pop().unwrap();
    for _ in 0..3 {
        let response = parent.proxy.send(rotation.clone()).await;
        assert_eq!(response.status(), 200);
    }
    assert_eq!(alice.key(&key.id).await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_problem_outside_the_seal_is_not_trusted_although_the_enclave_signed_it() {
    let parent = LyingParent::start().await;
    let alice = principal(&parent, "alice").await;
    let key = new_key(&alice).await;
    // The enclave gets another message, and the client gets its response to that one.
    let held = Arc::new(Mutex::new(None));
    let hold = Arc::clone(&held);
    parent.proxy.change_requests(move |request| {
        *hold.lock().unwrap() = Some(request.clone());
        request.map(|_| Bytes::from_static(&[0; 60]))
    });
    let refused = refusal(alice.rotate(&key.id).await);
    assert_eq!(refused, "unauthenticated-problem");
    parent.proxy.be_honest();
    let rotation = held.lock().unwrap().take().unwrap();
    assert_eq!(parent.proxy.send(rotation).await.status(), 200);
    // So the request was carried out.
    assert_eq!(alice.key(&key.id).await.unwrap().generation, 2);

    parent.proxy.change_responses(|_, response| {
        let mut response = response.map(|_| Bytes::from_static(b"{\"ready\":true}"));
        let content_type = "application/json".parse().unwrap();
        response.headers_mut().insert("content-type", content_type);
        response
    });
    let refused = not_authentic(alice.enclave().health().await);
    assert_eq!(refused, NotAuthentic::NotSealed);
}

/// Why a response is not authentic.
fn not_authentic<T: std::fmt::Debug>(result: Result<T, Error>) -> NotAuthentic {
    match result.unwrap_err() {
        Error::ResponseNotAuthentic(why) => why,
        other => panic!("{other:?}"),
    }
}
