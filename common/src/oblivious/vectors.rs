//! Published examples.

use permafrost_frost::Hex;
use serde::Deserialize;

use super::KeyConfiguration;
use super::binary_http::{decode_request, decode_response};
use super::gateway::GatewayKey;
use super::hpke::KeyPair;
use crate::api::SealedSecret;
use crate::import::ImportContext;

#[test]
fn the_example_of_rfc_9458_is_reproduced_byte_for_byte() {
    let example = Example::read();
    let key = GatewayKey::of(1, &example.gateway_secret_key);

    // The list has the length of each configuration before it (section 3.2).
    let configuration = &example.key_configuration;
    let length = u16::try_from(configuration.len()).unwrap();
    let list = [length.to_be_bytes().as_slice(), configuration].concat();
    let configuration = KeyConfiguration::first_usable(&list).unwrap();
    assert_eq!(
        KeyConfiguration::first_usable(&key.key_configurations()),
        Ok(configuration.clone())
    );

    let ephemeral = KeyPair::from_private_key(&example.ephemeral_secret_key);
    assert_eq!(ephemeral.public_key()[..], example.ephemeral_public_key);
    let (encapsulated, pending) = configuration
        .encapsulate_with(&ephemeral, &example.request)
        .unwrap();
    assert_eq!(encapsulated, example.encapsulated_request);

    let (request, responder) = key.open(&encapsulated).unwrap();
    assert_eq!(request, example.request);
    let nonce = example.encapsulated_response.first_chunk().unwrap();
    let response = responder.seal_with(nonce, &example.response).unwrap();
    assert_eq!(response, example.encapsulated_response);
    assert_eq!(pending.open(&response).unwrap(), example.response);
}

#[test]
fn the_messages_in_the_example_of_rfc_9458_are_read() {
    let example = Example::read();
    let request = decode_request(&example.request).unwrap();
    assert_eq!(request.method(), "GET");
    assert_eq!(request.uri(), "/");
    assert!(request.headers().is_empty() && request.body().is_empty());
    let response = decode_response(&example.response).unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().is_empty() && response.body().is_empty());
}

/// Another implementation has sealed these.
#[test]
fn the_vectors_of_imports_are_reproduced_by_both_ends() {
    let vectors = include_str!("../../../clients/vectors/import.json");
    let vectors: Imports = serde_json::from_str(vectors).unwrap();
    assert_eq!(vectors.imports.len(), 3);
    for one in vectors.imports {
        let boot = format!("sha-256={}", one.boot).parse().unwrap();
        let context = ImportContext {
            deployment: &one.deployment,
            boot: &boot,
            principal: &one.principal,
            idempotency_key: &one.idempotency_key,
            public_key: &one.public_key,
            threshold: one.threshold,
            participants: &one.participants,
        };
        let info = context.info();
        assert_eq!(info, one.info, "{}", one.name);
        let key = GatewayKey::of(1, &one.recipient_private_key);
        let public = KeyConfiguration::first_usable(&key.key_configurations()).unwrap();
        assert_eq!(public.public_key[..], one.recipient_public_key);
        let ephemeral = KeyPair::from_private_key(&one.ephemeral_private_key);
        let sealed = public.seal_message_with(&ephemeral, &info, &one.secret);
        let (enc, ciphertext) = sealed.unwrap();
        assert_eq!((enc, &ciphertext[..]), (one.enc.0, &one.ciphertext.0[..]));
        let sealed = SealedSecret {
            enc: one.enc,
            ciphertext: one.ciphertext,
        };
        assert_eq!(context.open(&key, &sealed).unwrap()[..], one.secret);
    }
}

#[derive(Deserialize)]
struct Imports {
    imports: Vec<Import>,
}

#[derive(Deserialize)]
struct Import {
    name: String,
    deployment: String,
    boot: String,
    principal: String,
    idempotency_key: String,
    public_key: Hex<32>,
    threshold: u16,
    participants: Vec<String>,
    #[serde(deserialize_with = "bytes")]
    secret: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    recipient_private_key: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    recipient_public_key: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    ephemeral_private_key: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    info: Vec<u8>,
    enc: Hex<32>,
    ciphertext: Hex<48>,
}

#[derive(Deserialize)]
struct Example {
    #[serde(deserialize_with = "bytes")]
    gateway_secret_key: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    key_configuration: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    request: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    ephemeral_secret_key: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    ephemeral_public_key: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    encapsulated_request: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    response: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    encapsulated_response: Vec<u8>,
}

impl Example {
    fn read() -> Self {
        serde_json::from_str(include_str!("../../../clients/vectors/rfc9458-a.json")).unwrap()
    }
}

/// Bytes in hex.
pub(super) fn bytes<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    hex::decode(text).map_err(serde::de::Error::custom)
}
