//! `binary-http.json`: requests as clients write them, and responses as they read them (RFC 9292).

use permafrost_common::oblivious::binary_http::{
    decode_request, decode_response, encode_request, encode_response,
};
use serde::Serialize;

use super::{
    file::compare,
    message::{Message, Request},
};

#[derive(Serialize)]
struct File {
    source: &'static str,
    requests: Vec<EncodedRequest>,
    responses: Vec<EncodedResponse>,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct EncodedRequest {
    name: &'static str,
    request: Request,
    #[serde(with = "crate::hex_text")]
    encoded: Vec<u8>,
}

#[derive(Serialize)]
struct EncodedResponse {
    name: &'static str,
    #[serde(with = "crate::hex_text")]
    encoded: Vec<u8>,
    response: Message,
}

#[derive(Serialize)]
struct Refused {
    name: &'static str,
    #[serde(with = "crate::hex_text")]
    encoded: Vec<u8>,
}

#[test]
fn requests_are_written_and_responses_read_as_in_the_file() {
    let requests = [
        ("a GET", Request::new("GET", "/v1/keys?limit=1", &[], b"")),
        (
            "a POST with fields, one of them twice",
            Request::new(
                "POST",
                "/v1/keys",
                &["content-type: application/json", "x: 1", "x: 2"],
                b"{}",
            ),
        ),
        (
            "63 bytes: a length of one byte",
            Request::new("POST", "/", &[], &[0x61; 63]),
        ),
        (
            "64 bytes: a length of two bytes",
            Request::new("POST", "/", &[], &[0x61; 64]),
        ),
    ]
    .map(|(name, request)| {
        let encoded = encode_request(&request.parts(), &request.body);
        let decoded = decode_request(&encoded).unwrap();
        assert_eq!(decoded.method().as_str(), request.method, "{name}");
        assert_eq!(decoded.uri().to_string(), request.target, "{name}");
        assert_eq!(*decoded.headers(), request.parts().headers, "{name}");
        assert_eq!(*decoded.body(), request.body, "{name}");
        EncodedRequest {
            name,
            request,
            encoded,
        }
    });
    let json = Message::new(
        200,
        &["content-type: application/json"],
        br#"{"ready":true}"#,
    );
    let written = |message: &Message| encode_response(&message.parts(), &message.body);
    let padded = [written(&json), vec![0; 3]].concat();
    let twice = Message::new(200, &["a: 1", "b: ", "a: 2"], b"");
    let problem = Message::new(422, &["content-type: application/problem+json"], b"{}");
    let responses = [
        ("JSON", written(&json), json.clone()),
        ("padding of three bytes", padded.clone(), json),
        (
            "a field twice, and an empty one",
            section("016101310162000161 0132"),
            twice,
        ),
        ("a problem", written(&problem), problem),
        (
            "neither fields nor a body",
            bytes("0140c8000000"),
            Message::new(200, &[], b""),
        ),
        (
            "numbers in a longer form",
            bytes("4001800000c840000000"),
            Message::new(200, &[], b""),
        ),
    ]
    .map(|(name, encoded, response)| {
        let decoded = decode_response(&encoded).unwrap();
        assert_eq!(decoded.status().as_u16(), response.status, "{name}");
        assert_eq!(*decoded.headers(), response.parts().headers, "{name}");
        assert_eq!(*decoded.body(), response.body, "{name}");
        EncodedResponse {
            name,
            encoded,
            response,
        }
    });
    let refused = [
        (
            "padding that is not zero",
            [padded.as_slice(), &[1]].concat(),
        ),
        ("an informational response", bytes("014064000000")),
        (
            "an informational response before it",
            bytes("0140660040c8000000"),
        ),
        ("a status of 600", bytes("014258000000")),
        ("a request", requests[0].encoded.clone()),
        ("a response of indeterminate length", bytes("0340c8000000")),
        ("trailers", bytes("0140c80000040161 0131")),
        ("a field without a value", bytes("0140c80201610000")),
        ("a pseudo-field", section("073a737461747573 03323030")),
        ("a field in upper case", section("0141 0131")),
        ("a field without a name", section("00 0131")),
        ("a value of two lines", section("0161 0731 0d0a 623a 2032")),
        ("a value with a zero byte", section("0161 0100")),
        ("a value with a space at its end", section("0161 023120")),
        ("a length beyond the message", bytes("0140c800bfffffff")),
        ("a length beyond memory", bytes("0140c8ffffffffffffffff")),
        ("nothing", Vec::new()),
    ]
    .map(|(name, encoded)| {
        decode_response(&encoded).expect_err(name);
        Refused { name, encoded }
    });
    compare(
        "binary-http.json",
        &File {
            source: "RFC 9292 section 3: messages of known length, as docs/oblivious.md narrows them.",
            requests: requests.into(),
            responses: responses.into(),
            refused: refused.into(),
        },
    );
}

/// A response with this field section and nothing else.
fn section(fields: &str) -> Vec<u8> {
    let fields = bytes(fields);
    let length = u8::try_from(fields.len()).unwrap();
    [&[1, 0x40, 0xc8, length], fields.as_slice(), &[0, 0]].concat()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace(' ', "")).unwrap()
}
