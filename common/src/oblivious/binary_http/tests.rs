use std::collections::HashMap;

use http::{HeaderMap, Request, Response};

use super::*;

/// The request of RFC 9292 section 5.1 in indeterminate length, with ten bytes of padding.
const INDETERMINATE: &str = "02034745540568747470\
    73000a2f68656c6c6f2e7478740a757365722d6167656e74346375726c2f372e31362e33206c69626375726c2f372e31\
    362e33204f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f73740f7777772e6578616d706c652e63\
    6f6d0f6163636570742d6c616e677561676506656e2c206d6900000000000000000000000000";

/// The length of what comes before the fields in both, in bytes.
const CONTROL: usize = 23;

/// An example of RFC 9292 section 5.
fn published(name: &str) -> Vec<u8> {
    let vectors = include_str!("../../../../clients/vectors/rfc9292-5.json");
    let vectors: HashMap<String, String> = serde_json::from_str(vectors).unwrap();
    hex::decode(&vectors[name]).unwrap()
}

/// The request of RFC 9292 section 5.1, of known length.
fn known() -> Vec<u8> {
    published("known_length_request")
}

fn indeterminate() -> Vec<u8> {
    hex::decode(INDETERMINATE).unwrap()
}

/// A request of known length with these fields and what follows them.
fn request(fields: &[(&str, &str)], rest: &[u8]) -> Vec<u8> {
    let mut message = b"\x00\x04POST\x05https\x00\x03/v1".to_vec();
    let mut section = Vec::new();
    for (name, value) in fields {
        writer::prefixed(&mut section, name.as_bytes());
        writer::prefixed(&mut section, value.as_bytes());
    }
    writer::prefixed(&mut message, &section);
    message.extend(rest);
    message
}

fn refused(message: &[u8]) -> BinaryHttpError {
    decode_request(message).unwrap_err()
}

#[test]
fn the_example_of_rfc_9292_is_read_in_both_framings() {
    for message in [known(), indeterminate()] {
        let request = decode_request(&message).unwrap();
        assert_eq!(request.method(), "GET");
        assert_eq!(request.uri(), "/hello.txt");
        let fields: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(
            fields,
            [
                (
                    "user-agent",
                    "curl/7.16.3 libcurl/7.16.3 OpenSSL/0.9.7l zlib/1.2.3"
                ),
                ("host", "www.example.com"),
                ("accept-language", "en, mi"),
            ]
        );
        assert!(request.body().is_empty());
        let (parts, body) = request.into_parts();
        assert_eq!(encode_request(&parts, &body), known());
    }
}

#[test]
fn the_responses_in_the_examples_of_rfc_9292_have_what_is_refused_here() {
    let informational = published("indeterminate_length_response_after_informational_ones");
    assert!(matches!(
        decode_response(&informational),
        Err(BinaryHttpError::Framing { came: 3, .. })
    ));
    let trailers = published("known_length_response_with_trailers");
    assert_eq!(
        decode_response(&trailers).unwrap_err(),
        BinaryHttpError::Trailers
    );
}

#[test]
fn what_is_written_reads_back() {
    let body = vec![7; 20_000];
    let request = Request::post("/v1/keys?limit=1")
        .header("content-type", "application/json")
        .header("x", "1")
        .header("x", "2")
        .body(body.clone())
        .unwrap();
    let (parts, _) = request.into_parts();
    let (read, content) = decode_request(&encode_request(&parts, &body))
        .unwrap()
        .into_parts();
    assert_eq!(read.method, parts.method);
    assert_eq!(read.uri, parts.uri);
    assert_eq!(read.headers, parts.headers);
    assert_eq!(content, body);

    let response = Response::builder()
        .status(422)
        .header("x", "")
        .body(body.clone());
    let (parts, _) = response.unwrap().into_parts();
    let (read, content) = decode_response(&encode_response(&parts, &body))
        .unwrap()
        .into_parts();
    assert_eq!(read.status, parts.status);
    assert_eq!(read.headers, parts.headers);
    assert_eq!(content, body);
}

#[test]
fn a_response_cut_off_anywhere_is_refused_or_has_no_content() {
    let (parts, body) = Response::builder()
        .header("content-type", "text/plain")
        .body(b"an answer".to_vec())
        .unwrap()
        .into_parts();
    let message = encode_response(&parts, &body);
    for length in 0..message.len() {
        match decode_response(&message[..length]) {
            Ok(response) => {
                let whole = length == message.len() - 1;
                assert_eq!(response.body().len(), if whole { body.len() } else { 0 });
            }
            Err(error) => assert!(matches!(error, BinaryHttpError::CutOff(_)), "{error}"),
        }
    }
}

#[test]
fn a_request_may_end_where_nothing_but_empty_parts_would_follow() {
    let control = b"\x00\x03GET\x05https\x00\x01/".to_vec();
    for zeros in 0..9 {
        let message = [control.clone(), vec![0; zeros]].concat();
        let request = decode_request(&message).unwrap();
        assert!(request.headers().is_empty() && request.body().is_empty());
    }
    let indeterminate = b"\x02\x03GET\x05https\x00\x01/".to_vec();
    for zeros in 0..9 {
        let message = [indeterminate.clone(), vec![0; zeros]].concat();
        let request = decode_request(&message).unwrap();
        assert!(request.headers().is_empty() && request.body().is_empty());
    }
}

#[test]
fn a_request_cut_off_anywhere_else_is_refused() {
    let message = known();
    // The last two bytes are the lengths of the content and of the trailers.
    for length in 0..message.len() - 2 {
        match decode_request(&message[..length]) {
            Ok(request) => assert_eq!((length, request.headers()), (CONTROL, &HeaderMap::new())),
            Err(error) => assert!(matches!(error, BinaryHttpError::CutOff(_)), "{error}"),
        }
    }
    let message = indeterminate();
    for length in 0..message.len() - 12 {
        match decode_request(&message[..length]) {
            Ok(request) => assert_eq!((length, request.headers()), (CONTROL, &HeaderMap::new())),
            Err(error) => assert!(matches!(error, BinaryHttpError::CutOff(_)), "{error}"),
        }
    }
}

#[test]
fn content_comes_in_chunks_where_its_length_is_not_known() {
    let message = b"\x02\x04POST\x05https\x00\x01/\x00\x03one\x40\x03two\x00\x00";
    assert_eq!(decode_request(message).unwrap().body(), b"onetwo");
    let unended = b"\x02\x04POST\x05https\x00\x01/\x00\x03one";
    assert_eq!(refused(unended), BinaryHttpError::CutOff("the content"));
    let trailers = b"\x02\x04POST\x05https\x00\x01/\x00\x03one\x00\x01x\x01y\x00";
    assert_eq!(refused(trailers), BinaryHttpError::Trailers);
}

#[test]
fn padding_is_zero_bytes_and_nothing_else() {
    let padded = [known(), vec![0; 300]].concat();
    assert!(decode_request(&padded).is_ok());
    for at in [0, 150, 299] {
        let mut padded = padded.clone();
        padded[known().len() + at] = 1;
        assert_eq!(refused(&padded), BinaryHttpError::Padding);
    }
}

#[test]
fn other_kinds_of_messages_are_refused() {
    for framing in [1, 3, 4, 0x3f] {
        let message = [vec![framing], known()[1..].to_vec()].concat();
        assert!(matches!(
            refused(&message),
            BinaryHttpError::Framing { came, .. } if came == u64::from(framing)
        ));
        let response = [framing & !1, 0x40, 0xc8];
        assert!(matches!(
            decode_response(&response),
            Err(BinaryHttpError::Framing { .. })
        ));
    }
}

#[test]
fn a_request_has_a_valid_method_scheme_and_path() {
    let message = |method: &str, scheme: &str, path: &str| {
        let mut message = vec![0];
        for part in [method, scheme, "any.example", path] {
            writer::prefixed(&mut message, part.as_bytes());
        }
        decode_request(&message).map(|request| request.uri().to_string())
    };
    assert_eq!(message("GET", "http", "/a?b"), Ok("/a?b".to_owned()));
    assert_eq!(message("GET", "https", "/a?"), Ok("/a?".to_owned()));
    for method in ["", "A B", "G\u{e4}T", "GET\n"] {
        assert_eq!(message(method, "https", "/"), Err(BinaryHttpError::Method));
    }
    for scheme in ["", "HTTPS", "ftp", "https:"] {
        assert_eq!(message("GET", scheme, "/"), Err(BinaryHttpError::Scheme));
    }
    for path in ["", "*", "a", "/#a", "/a b", "/a\n", "https://a/", "?a"] {
        assert_eq!(message("GET", "https", path), Err(BinaryHttpError::Path));
    }
}

#[test]
fn a_malformed_field_is_refused_by_its_number() {
    for (name, value) in [
        ("X", "1"),
        ("", "1"),
        (":path", "/"),
        ("a b", "1"),
        ("x", " 1"),
        ("x", "1\t"),
        ("x", "1\n2"),
        ("x", "\0"),
    ] {
        let message = request(&[("good", "1"), (name, value)], b"\x00");
        assert_eq!(refused(&message), BinaryHttpError::Field(2), "{name:?}");
    }
    assert!(decode_request(&request(&[("x", ""), ("x", "a b")], b"\x00")).is_ok());
}

#[test]
fn a_field_that_concerns_a_connection_is_refused() {
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
    ] {
        let message = request(&[(name, "x")], b"\x00");
        assert_eq!(refused(&message), BinaryHttpError::ConnectionField(name));
    }
}

#[test]
fn a_length_that_is_not_the_contents_is_refused() {
    assert!(decode_request(&request(&[("content-length", "2")], b"\x02ab")).is_ok());
    for length in ["0", "3", "02", "2, 2", "+2"] {
        let message = request(&[("content-length", length)], b"\x02ab");
        assert_eq!(refused(&message), BinaryHttpError::ContentLength(2));
    }
}

#[test]
fn trailers_and_informational_responses_are_refused() {
    let trailers = request(&[], b"\x00\x04\x01x\x01y");
    assert_eq!(refused(&trailers), BinaryHttpError::Trailers);
    for status in [0, 100, 103, 199, 600, 999] {
        let mut response = vec![1];
        writer::integer(&mut response, status);
        assert_eq!(
            decode_response(&response).unwrap_err(),
            BinaryHttpError::Status(status as u64)
        );
    }
}

#[test]
fn a_number_is_read_in_every_form_and_written_in_its_shortest() {
    for (number, shortest) in [
        (0, "00"),
        (63, "3f"),
        (64, "4040"),
        (16_383, "7fff"),
        (16_384, "80004000"),
        (0x3fff_ffff, "bfffffff"),
        (0x4000_0000, "c000000040000000"),
    ] {
        let mut written = Vec::new();
        writer::integer(&mut written, number);
        assert_eq!(hex::encode(&written), shortest);
        let mut reader = reader::Reader::new(&written);
        assert_eq!(reader.integer("it"), Ok(number as u64));
        assert_eq!(reader.finish(), Ok(()));
    }
    for longer in ["05", "4005", "80000005", "c000000000000005"] {
        let bytes = hex::decode(longer).unwrap();
        assert_eq!(reader::Reader::new(&bytes).integer("it"), Ok(5));
    }
}

#[test]
fn a_length_beyond_memory_is_cut_off_and_nothing_is_allocated_for_it() {
    let message = [b"\x00".as_slice(), &[0xff; 8], b"GET"].concat();
    assert_eq!(refused(&message), BinaryHttpError::CutOff("the method"));
}
