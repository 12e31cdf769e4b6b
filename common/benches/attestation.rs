//! What it costs to parse and verify a real document, beside the six P-384 signatures in it and nothing else.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a measurement on a document that is known to be good"
)]

use std::hint::black_box;

use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, EcdsaVerificationAlgorithm, UnparsedPublicKey,
};
use ciborium::Value;
use criterion::{Criterion, criterion_group, criterion_main};
use permafrost_common::attestation::{At, Document, RootCertificate, sig_structure};
use x509_parser::parse_x509_certificate;

const DOCUMENT: &str = concat!(
    env!("PERMAFROST_FIXTURES_DIR"),
    "/attestation/production-2022-10.cbor"
);

/// One signature of the document: the root's own, the four below it, the document's.
struct Signed {
    algorithm: &'static EcdsaVerificationAlgorithm,
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

fn attestation(criterion: &mut Criterion) {
    let Ok(document) = std::fs::read(DOCUMENT) else {
        eprintln!("PERMAFROST_FIXTURES not found: nothing to measure");
        return;
    };
    let root = RootCertificate::aws_nitro_g1();
    let signatures = signatures(&document);
    assert_eq!(signatures.len(), 6);

    let mut group = criterion.benchmark_group("attestation");
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Document::parse(black_box(&document)));
    });
    group.bench_function("parse and verify", |bencher| {
        bencher.iter(|| {
            let document = Document::parse(black_box(&document)).expect("it parses");
            document.verify(&root, At::Signed).expect("it verifies")
        });
    });
    group.bench_function("six bare P-384 signatures", |bencher| {
        bencher.iter(|| {
            for signed in black_box(&signatures) {
                UnparsedPublicKey::new(signed.algorithm, &signed.key)
                    .verify(&signed.message, &signed.signature)
                    .expect("it verifies");
            }
        });
    });
    group.finish();
}

fn signatures(document: &[u8]) -> Vec<Signed> {
    let parts: Vec<Value> = ciborium::from_reader(document).expect("an array");
    let [protected, _, payload, signature] = parts.as_slice() else {
        panic!("not a COSE_Sign1");
    };
    let bytes = |value: &Value| value.as_bytes().expect("a byte string").clone();
    let (protected, payload) = (bytes(protected), bytes(payload));
    let fields: Value = ciborium::from_reader(payload.as_slice()).expect("a map");
    let field = |name: &str| {
        let mut entries = fields.as_map().expect("a map").iter();
        let entry = entries.find(|(key, _)| key.as_text() == Some(name));
        entry.expect("the field").1.clone()
    };
    let cabundle = field("cabundle").into_array().expect("an array");
    let mut path: Vec<_> = cabundle.iter().map(bytes).collect();
    path.push(bytes(&field("certificate")));

    let mut signatures = Vec::new();
    let mut key = key_of(&path[0]);
    for der in &path {
        let (_, x509) = parse_x509_certificate(der).expect("a certificate");
        signatures.push(Signed {
            algorithm: &ECDSA_P384_SHA384_ASN1,
            key,
            message: x509.tbs_certificate.as_ref().to_vec(),
            signature: x509.signature_value.data.to_vec(),
        });
        key = key_of(der);
    }
    signatures.push(Signed {
        algorithm: &ECDSA_P384_SHA384_FIXED,
        key,
        message: sig_structure(&protected, &payload),
        signature: bytes(signature),
    });
    signatures
}

fn key_of(der: &[u8]) -> Vec<u8> {
    let (_, x509) = parse_x509_certificate(der).expect("a certificate");
    x509.public_key().subject_public_key.data.to_vec()
}

criterion_group!(benches, attestation);
criterion_main!(benches);
