//! Verifying passkeys: the whole of a registration and of a login beside the bare verification of a signature.
//!
//! `login` is [`authenticate`] with a key that is read from its stored bytes, as for each login; `registration` is [`register`] without
//! attestation; `bare signature` is one verification by `aws-lc-rs` of the same signature with a key that is parsed already; `key` is
//! [`CoseKey::from_bytes`]; `json` is reading the login's JSON form. Only their ratio means something on a shared machine.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot run should stop"
)]

use std::{hint::black_box, time::Duration};

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value;
use criterion::{Criterion, criterion_group, criterion_main};
use permafrost_enclave::webauthn::{
    Algorithm, AuthenticationResponse, CoseKey, Passkey, RegistrationResponse, RelyingParty,
    authenticate, register,
};
use serde_json::json;

const CHALLENGE: [u8; 32] = [0xc7; 32];
const CREDENTIAL: [u8; 32] = [0x1d; 32];
const ORIGIN: &str = "https://wallet.example.org";

fn passkeys(c: &mut Criterion) {
    let party = RelyingParty::new("wallet.example.org", &[ORIGIN.to_owned()]).expect("a party");
    for algorithm in Algorithm::ALL {
        let responses = Responses::new(algorithm);
        let mut group = c.benchmark_group(algorithm.to_string());
        let login = AuthenticationResponse::from_json(&responses.login).expect("a response");
        group.bench_function("login", |b| {
            b.iter(|| {
                let public_key = CoseKey::from_bytes(black_box(&responses.key)).expect("a key");
                let passkey = Passkey {
                    credential_id: &CREDENTIAL,
                    user_handle: b"user",
                    public_key: &public_key,
                    sign_count: 0,
                    backup_eligible: false,
                };
                authenticate(&party, &CHALLENGE, black_box(&login), &passkey).expect("a login")
            });
        });
        let registration =
            RegistrationResponse::from_json(&responses.registration).expect("a response");
        group.bench_function("registration", |b| {
            b.iter(|| {
                register(&party, &CHALLENGE, black_box(&registration), Duration::ZERO)
                    .expect("a passkey")
            });
        });
        let key = CoseKey::from_bytes(&responses.key).expect("a key");
        group.bench_function("bare signature", |b| {
            b.iter(|| key.verify(black_box(&responses.signed), &responses.signature));
        });
        group.bench_function("key", |b| {
            b.iter(|| CoseKey::from_bytes(black_box(&responses.key)));
        });
        group.bench_function("json", |b| {
            b.iter(|| AuthenticationResponse::from_json(black_box(&responses.login)));
        });
        group.finish();
    }
}

/// What an authenticator and a browser send.
struct Responses {
    key: Vec<u8>,
    registration: Vec<u8>,
    login: Vec<u8>,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Responses {
    fn new(algorithm: Algorithm) -> Self {
        let (key, sign) = signer(algorithm);
        let key = encode(&Value::Map(key));
        let id = URL_SAFE_NO_PAD.encode(CREDENTIAL);

        let length = u16::try_from(CREDENTIAL.len()).expect("a short id");
        let attested = [&[0; 16][..], &length.to_be_bytes(), &CREDENTIAL, &key].concat();
        let object = encode(&Value::Map(vec![
            ("fmt".into(), "none".into()),
            ("attStmt".into(), Value::Map(vec![])),
            ("authData".into(), Value::Bytes(data(0x45, &attested))),
        ]));
        let registration = json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data("webauthn.create")),
                "attestationObject": URL_SAFE_NO_PAD.encode(object),
                "transports": ["internal"],
            },
        });

        let (data, client_data) = (data(0x05, &[]), client_data("webauthn.get"));
        let signed = [&data, digest(&SHA256, &client_data).as_ref()].concat();
        let signature = sign(&signed);
        let login = json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "signature": URL_SAFE_NO_PAD.encode(&signature),
            },
        });
        Self {
            key,
            registration: registration.to_string().into_bytes(),
            login: login.to_string().into_bytes(),
            signed,
            signature,
        }
    }
}

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// The labels of a new key, and what signs with it.
fn signer(algorithm: Algorithm) -> (Vec<(Value, Value)>, Sign) {
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    match algorithm {
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
            let point = pair.public_key().as_ref();
            let labels = vec![
                (1.into(), 2.into()),
                (3.into(), (-7).into()),
                ((-1).into(), 1.into()),
                ((-2).into(), bytes(&point[1..33])),
                ((-3).into(), bytes(&point[33..])),
            ];
            let sign = move |message: &[u8]| {
                let signature = pair.sign(&SystemRandom::new(), message);
                signature.expect("a signature").as_ref().to_vec()
            };
            (labels, Box::new(sign))
        }
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::generate().expect("a key");
            let labels = vec![
                (1.into(), 1.into()),
                (3.into(), (-8).into()),
                ((-1).into(), 6.into()),
                ((-2).into(), bytes(pair.public_key().as_ref())),
            ];
            let sign = move |message: &[u8]| pair.sign(message).as_ref().to_vec();
            (labels, Box::new(sign))
        }
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
            let spki = pair.public_key().as_der().expect("DER");
            // It ends with n, 256 bytes, and the INTEGER e, 5 bytes.
            let end = spki.as_ref().len() - 5;
            let labels = vec![
                (1.into(), 3.into()),
                (3.into(), (-257).into()),
                ((-1).into(), bytes(&spki.as_ref()[end - 256..end])),
                ((-2).into(), bytes(&[1, 0, 1])),
            ];
            let sign = move |message: &[u8]| {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    message,
                    &mut signature,
                )
                .expect("a signature");
                signature
            };
            (labels, Box::new(sign))
        }
    }
}

fn client_data(ceremony: &str) -> Vec<u8> {
    let challenge = URL_SAFE_NO_PAD.encode(CHALLENGE);
    json!({"type": ceremony, "challenge": challenge, "origin": ORIGIN, "crossOrigin": false})
        .to_string()
        .into_bytes()
}

/// Authenticator data with these flags and a counter of 0.
fn data(flags: u8, attested: &[u8]) -> Vec<u8> {
    let rp_id_hash = digest(&SHA256, b"wallet.example.org");
    [rp_id_hash.as_ref(), &[flags, 0, 0, 0, 0], attested].concat()
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("CBOR");
    bytes
}

criterion_group!(benches, passkeys);
criterion_main!(benches);
