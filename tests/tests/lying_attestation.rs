//! The malicious parent and attestation: old, foreign and altered documents, and another enclave's responses.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use permafrost_client::{Client, Expectation, Measurements, RootCertificate};
use permafrost_common::api::Attestation;
use permafrost_common::attestation::{At, Document};
use permafrost_tests::{LyingParent, Measured, WholeResponse, new_key, refusal};

/// The document in a response to `GET /v1/attestation`.
fn document_of(response: &WholeResponse) -> Vec<u8> {
    let body: Attestation = serde_json::from_slice(response.body()).unwrap();
    STANDARD.decode(body.document).unwrap()
}

async fn attestation(parent: &LyingParent, query: &str) -> WholeResponse {
    let request = Request::get(format!("/v1/attestation{query}"))
        .body(Bytes::new())
        .unwrap();
    parent.proxy.send(request).await
}

#[tokio::test]
async fn an_old_attestation_document_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let old = attestation(&parent, "?nonce=00112233").await;
    let of_the_boot = attestation(&parent, "").await;
    for response in [old, of_the_boot] {
        parent.proxy.change_responses(move |_, _| response.clone());
        let verified = parent.client().verify(&parent.expectation()).await;
        assert_eq!(refusal(verified.map(|_| ())), "attestation-refused");
    }
    parent.proxy.be_honest();
    parent.verified().await;
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "QEMU's NSM does not sign")]
async fn an_attestation_document_of_another_root_is_refused() {
    let (parent, foreign) = (LyingParent::start().await, LyingParent::start().await);
    let expectation = parent.expectation();
    let verified = foreign.client().verify(&expectation).await;
    assert_eq!(refusal(verified.map(|_| ())), "attestation-refused");
    let by_default = parent
        .client()
        .verify(&Expectation::any_measurements())
        .await;
    assert_eq!(refusal(by_default.map(|_| ())), "attestation-refused");
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "QEMU has no debug mode")]
async fn a_debug_mode_document_is_refused_unless_the_client_allows_it() {
    let parent = LyingParent::in_debug_mode().await;
    let verified = parent.client().verify(&parent.expectation()).await;
    assert_eq!(refusal(verified.map(|_| ())), "attestation-refused");
    let by_name = parent.expectation().allow_debug();
    assert!(parent.client().verify(&by_name).await.is_ok());
}

#[tokio::test]
async fn another_deployment_of_the_same_root_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let neighbour = parent.neighbour(Measured::new("other")).await;
    let expected = || neighbour.expectation().deployment("test");
    let verified = neighbour.client().verify(&expected()).await;
    assert_eq!(refusal(verified.map(|_| ())), "attestation-refused");
    let verified = parent.client().verify(&expected()).await;
    assert!(verified.is_ok());
}

#[tokio::test]
async fn another_configuration_is_refused_by_its_measurements() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let boot = parent.verified().await.boot();
    let expected = || {
        let pcrs = boot.verified().pcrs();
        Measurements::of_image([pcrs[&0], pcrs[&1], pcrs[&2]])
    };
    let root = || RootCertificate::from_pem(&parent.enclave.root_pem()).unwrap();
    let release = Expectation::releases([expected()]).root_certificate(root());
    assert!(parent.client().verify(&release).await.is_ok());

    let changed = Measured::new("test").limits("request_max_age_s = 3600");
    let neighbour = parent.neighbour(changed).await;
    let verified = neighbour.client().verify(&release).await;
    assert_eq!(refusal(verified.map(|_| ())), "attestation-refused");
    let pcrs = neighbour.verified().await.boot();
    let (here, there) = (boot.verified().pcrs(), pcrs.verified().pcrs());
    assert_eq!(here[&1], there[&1], "the code is the same");
    assert_ne!(here[&2], there[&2], "the configuration is not");
    assert_ne!(here[&0], there[&0]);
}

#[tokio::test]
#[cfg_attr(feature = "booted", ignore = "QEMU's NSM does not sign")]
async fn an_altered_attestation_document_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    for at in [0, 20, 200, 2_000] {
        parent.proxy.change_responses(move |_, response| {
            let mut document = document_of(&response);
            let at = at % document.len();
            document[at] ^= 1;
            let body = Attestation {
                document: STANDARD.encode(document),
            };
            response.map(|_| serde_json::to_vec(&body).unwrap().into())
        });
        let verified = parent.client().verify(&parent.expectation()).await;
        assert_eq!(
            refusal(verified.map(|_| ())),
            "attestation-refused",
            "byte {at}"
        );
    }
}

#[tokio::test]
async fn a_genuine_document_with_responses_of_another_enclave_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let neighbour = parent.neighbour(Measured::new("other")).await;
    let alice = parent.principal("alice").await;
    let key = new_key(&alice).await;
    let foreign = {
        let request = Request::get("/v1/health").body(Bytes::new()).unwrap();
        neighbour.proxy.send(request).await
    };
    parent.proxy.change_responses(move |request, response| {
        match request.uri().path().starts_with("/v1/keys") {
            true => foreign.clone(),
            false => response,
        }
    });
    let refused = refusal(alice.key(&key.id).await);
    assert_eq!(refused, "response-not-authentic");
    parent.proxy.be_honest();
    assert_eq!(alice.key(&key.id).await.unwrap(), key);
}

#[tokio::test]
async fn the_boots_document_is_the_one_that_responses_name() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let response = attestation(&parent, "").await;
    let document = document_of(&response);
    let root = RootCertificate::from_pem(&parent.enclave.root_pem()).unwrap();
    let verified = Document::parse(&document)
        .unwrap()
        .verify(&root, At::Now)
        .unwrap();
    let named = response.headers()["x-enclave-attestation"]
        .to_str()
        .unwrap();
    assert_eq!(named, format!("sha-256={}", hex::encode(verified.digest())));
    assert_eq!(verified.nonce(), None);
}

#[tokio::test]
async fn an_invalid_nonce_is_refused_with_what_is_accepted() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    for nonce in ["", "0", "zz", "AB", &"00".repeat(513)] {
        let response = attestation(&parent, &format!("?nonce={nonce}")).await;
        assert_eq!(response.status(), 400, "{nonce}");
        let text = String::from_utf8_lossy(response.body()).into_owned();
        assert!(
            text.contains("query:nonce") && text.contains("lower-case"),
            "{text}"
        );
    }
    let nonce = "5a".repeat(512);
    let document = document_of(&attestation(&parent, &format!("?nonce={nonce}")).await);
    let root = RootCertificate::from_pem(&parent.enclave.root_pem()).unwrap();
    let verified = Document::parse(&document)
        .unwrap()
        .verify(&root, At::Now)
        .unwrap();
    assert_eq!(verified.nonce(), Some(&[0x5a; 512][..]));
}

#[tokio::test]
async fn a_service_reaches_the_enclave_without_the_parent_in_between() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let client = Client::new(parent.enclave.address().parse().unwrap());
    let enclave = client.verify(&parent.expectation()).await.unwrap();
    let alice = enclave.as_principal("alice", parent.key("alice")).unwrap();
    let key = new_key(&alice).await;
    assert_eq!(alice.key(&key.id).await.unwrap(), key);
}
