//! What a signed request costs to check, beside the bare signature in it.

#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a measurement on requests that are known to be good"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use http::{Request, Response, request::Parts};
use permafrost_common::http_signature::{
    Algorithm, AttestationDigest, RequestContext, SignedRequest, SigningKey, fresh_nonce,
    sign_request, sign_response,
};

const BODY: &[u8] = br#"{"type":"digest","digest":"1111111111111111111111111111111111111111111111111111111111111111"}"#;

/// As long as the signature base of the request below.
const BASE: [u8; 560] = [b'a'; 560];

fn signed(key: &SigningKey) -> Parts {
    let mut parts = Request::post("/v1/keys/abababababababababababababababababababababab/sign")
        .header("content-type", "application/json")
        .body(())
        .expect("a request")
        .into_parts()
        .0;
    let boot = AttestationDigest::of(b"document");
    let nonce = fresh_nonce().expect("randomness");
    sign_request(
        &mut parts,
        BODY,
        key,
        "payments",
        1_700_000_000,
        &nonce,
        &boot,
    )
    .expect("a signature");
    parts
}

fn requests(criterion: &mut Criterion) {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).expect("a key");
        let public = key.public_key().expect("a public key");
        let signature = key.sign(&BASE).expect("a signature");
        let parts = signed(&key);
        let mut group = criterion.benchmark_group(format!("request/{algorithm}"));
        group.bench_function("bare verify", |bencher| {
            bencher.iter(|| public.verify(black_box(&BASE), &signature));
        });
        group.bench_function("parse", |bencher| {
            bencher.iter(|| SignedRequest::parse(black_box(&parts), BODY));
        });
        group.bench_function("parse and verify", |bencher| {
            bencher.iter(|| SignedRequest::parse(black_box(&parts), BODY)?.verify(&public));
        });
        group.finish();
    }
}

fn responses(criterion: &mut Criterion) {
    let principal = SigningKey::generate(Algorithm::Ed25519).expect("a key");
    let boot = SigningKey::generate(Algorithm::Ed25519).expect("a key");
    let context = RequestContext::of(&signed(&principal));
    let digest = AttestationDigest::of(b"document");
    let mut parts = Response::builder()
        .header("content-type", "application/json")
        .body(())
        .expect("a response")
        .into_parts()
        .0;
    let mut group = criterion.benchmark_group("response/ed25519");
    group.bench_function("bare sign", |bencher| {
        bencher.iter(|| boot.sign(black_box(&BASE)))
    });
    group.bench_function("sign", |bencher| {
        bencher.iter(|| {
            sign_response(
                &mut parts,
                black_box(BODY),
                &context,
                &digest,
                &boot,
                1_700_000_000,
            )
        });
    });
    group.finish();
}

criterion_group!(benches, requests, responses);
criterion_main!(benches);
