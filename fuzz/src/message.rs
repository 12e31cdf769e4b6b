//! HTTP messages as inputs: a first line, `name: value` lines, an empty line, the body. Lines end with `\n`.

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, request, response};
use permafrost_common::http_signature::{PublicKey, SigningKey};

/// A request whose first line is `METHOD TARGET`.
pub(crate) fn request(data: &[u8]) -> Option<(request::Parts, &[u8])> {
    let (first, headers, body) = message(data)?;
    let (method, target) = first.split_once(' ')?;
    let mut parts = Request::builder()
        .method(method)
        .uri(target)
        .body(())
        .ok()?
        .into_parts()
        .0;
    parts.headers = headers;
    Some((parts, body))
}

/// A response whose first line is `STATUS`.
pub(crate) fn response(data: &[u8]) -> Option<(response::Parts, &[u8])> {
    let (first, headers, body) = message(data)?;
    let mut parts = Response::builder()
        .status(first)
        .body(())
        .ok()?
        .into_parts()
        .0;
    parts.headers = headers;
    Some((parts, body))
}

/// The key that the corpora are signed with.
pub(crate) fn key() -> (SigningKey, PublicKey) {
    // PKCS#8 of Ed25519 (RFC 8410 section 7), up to the private key of 32 bytes.
    let mut pkcs8 = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    pkcs8.extend([7; 32]);
    let key = SigningKey::from_pkcs8(&pkcs8).expect("a valid key");
    let public_key = key.public_key().expect("the key has a public part");
    (key, public_key)
}

fn message(data: &[u8]) -> Option<(&str, HeaderMap, &[u8])> {
    let end = data.windows(2).position(|bytes| bytes == b"\n\n")?;
    let mut lines = data[..end].split(|byte| *byte == b'\n');
    let first = str::from_utf8(lines.next()?).ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let colon = line.windows(2).position(|bytes| bytes == b": ")?;
        headers
            .try_append(
                HeaderName::from_bytes(&line[..colon]).ok()?,
                HeaderValue::from_bytes(&line[colon + 2..]).ok()?,
            )
            .ok()?;
    }
    Some((first, headers, &data[end + 2..]))
}
