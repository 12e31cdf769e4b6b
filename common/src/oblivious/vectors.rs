//! Published examples.

use serde::Deserialize;

use super::KeyConfiguration;
use super::binary_http::{decode_request, decode_response};
use super::gateway::GatewayKey;
use super::hpke::KeyPair;

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
