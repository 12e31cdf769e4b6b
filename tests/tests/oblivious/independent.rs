//! Another implementation as the client: the crates `ohttp` and `bhttp`.

use bhttp::{Message, Mode};
use bytes::Bytes;
use http::{Request, Response};
use permafrost_common::api::{Health, Key};
use permafrost_common::http_signature::{
    PublicKey, RequestContext, VerifiedResponse, fresh_nonce, sign_request, verify_response,
};
use permafrost_tests::{LyingParent, WholeRequest, WholeResponse};

#[tokio::test]
async fn an_independent_client_is_understood_in_both_framings() {
    let parent = LyingParent::start().await;
    let boot_key = boot_key(&parent).await;
    for mode in [Mode::KnownLength, Mode::IndeterminateLength] {
        let request = Request::get("/v1/health").body(Bytes::new()).unwrap();
        let (outer, inner) = ask(&parent, &request, mode).await;
        assert_eq!(outer.status(), 200);
        assert_eq!(inner.status(), 200);
        let health: Health = serde_json::from_slice(inner.body()).unwrap();
        assert!(health.ready);
        authentic(&request, &inner, &boot_key);
    }
}

#[tokio::test]
async fn a_signed_request_of_an_independent_client_is_carried_out_and_its_response_signed() {
    let parent = LyingParent::start().await;
    let boot = parent.verified().await.boot();
    let boot_key = boot_key(&parent).await;
    for mode in [Mode::KnownLength, Mode::IndeterminateLength] {
        let body = Bytes::from_static(br#"{"threshold":2,"participants":["a","b"]}"#);
        let (mut parts, body) = Request::post("/v1/keys")
            .header("content-type", "application/json")
            .header("idempotency-key", format!("{mode:?}"))
            .body(body)
            .unwrap()
            .into_parts();
        let now = boot_clock();
        let key = parent.key("alice");
        let nonce = fresh_nonce().unwrap();
        sign_request(
            &mut parts,
            &body,
            &key,
            "alice",
            now,
            &nonce,
            boot.attestation(),
        )
        .unwrap();
        let request = Request::from_parts(parts, body);
        let (_, inner) = ask(&parent, &request, mode).await;
        assert_eq!(inner.status(), 201, "{inner:?}");
        let key: Key = serde_json::from_slice(inner.body()).unwrap();
        assert_eq!(key.threshold, 2);
        let response = authentic(&request, &inner, &boot_key);
        assert_eq!(response.attestation, *boot.attestation());
    }
}

#[tokio::test]
async fn the_response_that_carries_a_sealed_one_is_signed_too() {
    let parent = LyingParent::start().await;
    let boot_key = boot_key(&parent).await;
    let request = Request::get("/v1/health").body(Bytes::new()).unwrap();
    let (sealed, pending) = seal(&parent, &encode(&request, Mode::KnownLength)).await;
    let outer = outer_request(sealed);
    let response = parent.proxy.send(outer.clone()).await;
    authentic(&outer, &response, &boot_key);
    assert!(pending.decapsulate(response.body()).is_ok());
}

/// Sends a sealed request, and gives the outer response with the one that was sealed in it.
pub(crate) async fn ask(
    parent: &LyingParent,
    request: &WholeRequest,
    mode: Mode,
) -> (WholeResponse, WholeResponse) {
    ask_message(parent, &encode(request, mode)).await
}

/// The same for any message.
pub(crate) async fn ask_message(
    parent: &LyingParent,
    message: &[u8],
) -> (WholeResponse, WholeResponse) {
    let (sealed, pending) = seal(parent, message).await;
    let outer = parent.proxy.send(outer_request(sealed)).await;
    assert_eq!(outer.headers()["content-type"], "message/ohttp-res");
    let message = pending.decapsulate(outer.body()).expect("it opens");
    let inner = decode(&message);
    (outer, inner)
}

/// A sealed request as it is sent.
pub(crate) fn outer_request(sealed: Vec<u8>) -> WholeRequest {
    Request::post("/v1/oblivious")
        .header("content-type", "message/ohttp-req")
        .body(sealed.into())
        .unwrap()
}

/// Seals a message to the enclave's key.
pub(crate) async fn seal(parent: &LyingParent, message: &[u8]) -> (Vec<u8>, ohttp::ClientResponse) {
    let request = Request::get("/v1/oblivious-keys").body(Bytes::new());
    let keys = parent.proxy.send(request.unwrap()).await;
    assert_eq!(keys.headers()["content-type"], "application/ohttp-keys");
    let client = ohttp::ClientRequest::from_encoded_config_list(keys.body()).expect("a key");
    client.encapsulate(message).expect("it is sealed")
}

/// The key that verifies the responses of this boot.
pub(crate) async fn boot_key(parent: &LyingParent) -> PublicKey {
    let boot = parent.verified().await.boot();
    PublicKey::ed25519(&boot.binding().boot_key).unwrap()
}

/// A response that the boot signed for this request.
pub(crate) fn authentic(
    request: &WholeRequest,
    response: &WholeResponse,
    key: &PublicKey,
) -> VerifiedResponse {
    let (request, _) = request.clone().into_parts();
    let (parts, body) = response.clone().into_parts();
    verify_response(&parts, &body, &RequestContext::of(&request), key)
        .expect("an authentic response")
}

pub(crate) fn encode(request: &WholeRequest, mode: Mode) -> Vec<u8> {
    let mut message = Message::request(
        request.method().as_str().into(),
        b"https".to_vec(),
        b"any.example".to_vec(),
        request.uri().to_string().into_bytes(),
    );
    for (name, value) in request.headers() {
        message.put_header(name.as_str(), value.as_bytes());
    }
    message.write_content(request.body());
    let mut bytes = Vec::new();
    message
        .write_bhttp(mode, &mut bytes)
        .expect("it is written");
    bytes
}

fn decode(mut bytes: &[u8]) -> WholeResponse {
    let message = Message::read_bhttp(&mut std::io::Cursor::new(&mut bytes)).expect("an answer");
    assert!(message.informational().is_empty() && message.trailer().is_empty());
    let status = message.control().status().expect("a response's status");
    let mut response = Response::builder().status(status.code());
    for field in message.header().fields() {
        response = response.header(field.name(), field.value());
    }
    response.body(message.content().to_vec().into()).unwrap()
}

fn boot_clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_secs()
}
