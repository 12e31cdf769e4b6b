//! A parent that gives requests to the wrong enclave gains nothing.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use bytes::Bytes;
use permafrost_client::Error;
use permafrost_common::http_signature::{fresh_nonce, sign_request};
use permafrost_tests::{
    EnclaveProcess, LyingParent, WholeRequest, WholeResponse, binaries, message, new_key,
    problem_of,
};

/// A second enclave of the same deployment, which is ready.
fn second(parent: &LyingParent) -> EnclaveProcess {
    let second = parent.second_enclave("second", &binaries::enclave(), &parent.configuration());
    second.wait_until_ready();
    second
}

/// Sends a request to an enclave as it is.
fn ask(socket: &PathBuf, request: &WholeRequest) -> WholeResponse {
    let mut stream = UnixStream::connect(socket).unwrap();
    let mut head = format!(
        "{} {} HTTP/1.1\r\nhost: enclave\r\nconnection: close\r\ncontent-length: {}\r\n",
        request.method(),
        request.uri(),
        request.body().len()
    );
    for (name, value) in request.headers() {
        if !["host", "content-length", "connection"].contains(&name.as_str()) {
            head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(request.body()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap();
    let mut response = http::Response::builder().status(status);
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(": ").unwrap();
        response = response.header(name, value);
    }
    response
        .body(Bytes::from(bytes.split_off(end + 4)))
        .unwrap()
}

#[tokio::test]
async fn a_request_replayed_at_a_second_enclave_is_refused_there() {
    let parent = LyingParent::start().await;
    let second = second(&parent);
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    parent.proxy.take_seen();
    alice.sign(&key.id, &message()).await.unwrap();
    alice.rotate(&key.id).await.unwrap();
    for (request, _) in parent.proxy.take_seen() {
        let elsewhere = ask(&second.socket(), &request);
        assert_eq!(problem_of(&elsewhere), "wrong-enclave");
        let again = ask(&parent.enclave.socket(), &request);
        assert_eq!(problem_of(&again), "request-replayed");
    }
    assert_eq!(
        alice.key(&key.id).await.unwrap().generation,
        key.generation + 1
    );
}

#[tokio::test]
async fn a_request_that_is_named_for_another_boot_after_it_was_signed_is_refused() {
    let parent = LyingParent::start().await;
    let second = second(&parent);
    let elsewhere = parent.principal_at(&second, "alice").await;
    let alice = parent.principal("alice").await;
    let other = elsewhere.enclave().boot().attestation().to_string();
    let (mut parts, body) = http::Request::builder()
        .method("GET")
        .uri("/v1/keys")
        .body(Bytes::new())
        .unwrap()
        .into_parts();
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs();
    let boot = alice.enclave().boot();
    let (key, nonce) = (parent.key("alice"), fresh_nonce().unwrap());
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
    let mut request = http::Request::from_parts(parts, body);
    let field = request
        .headers_mut()
        .get_mut("x-enclave-attestation")
        .unwrap();
    *field = other.parse().unwrap();
    assert_eq!(
        problem_of(&ask(&second.socket(), &request)),
        "signature-invalid"
    );
}

/// The parent gives what was signed for the first enclave to the second one, and says that the first one responded.
#[tokio::test]
async fn a_parent_that_passes_a_request_to_the_wrong_boot_gets_nothing_carried_out_and_nothing_believed()
 {
    let parent = LyingParent::start().await;
    let second = second(&parent);
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let first = alice.enclave().boot().attestation().to_string();
    for relabelled in [false, true] {
        let (socket, named) = (second.socket(), first.clone());
        parent.proxy.change_requests(|mut request| {
            if !request.uri().path().starts_with("/v1/attestation") {
                *request.uri_mut() = "/v1/health".parse().unwrap();
                *request.method_mut() = http::Method::GET;
                *request.body_mut() = Bytes::new();
                request.headers_mut().clear();
            }
            request
        });
        parent.proxy.change_responses(move |request, response| {
            if request.uri().path().starts_with("/v1/attestation") {
                return response;
            }
            let mut elsewhere = ask(&socket, request);
            assert_eq!(problem_of(&elsewhere), "wrong-enclave");
            if relabelled {
                let field = elsewhere.headers_mut().get_mut("x-enclave-attestation");
                *field.unwrap() = named.parse().unwrap();
            }
            elsewhere
        });
        let refused = alice.rotate(&key.id).await.unwrap_err();
        assert!(
            matches!(refused, Error::ResponseNotAuthentic(_)),
            "{refused:?}"
        );
        let boot = alice.enclave().boot();
        assert_eq!(boot.attestation().to_string(), first);
    }
    parent.proxy.be_honest();
    assert_eq!(alice.key(&key.id).await.unwrap().generation, key.generation);
}
