//! The worked example of `docs/signatures.md`, recomputed from the values printed there.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, Request, Response, request, response};

use super::{
    AttestationDigest, PublicKey, RequestContext, SignedRequest, SigningKey, sign_request,
    sign_response, verify_response,
};

const PAGE: &str = include_str!("../../../docs/signatures.md");

/// The document whose digest names the boot in the example.
const DOCUMENT: &[u8] = b"the document that this boot made at its start";

/// The beginning of an Ed25519 key in PKCS#8 (RFC 8410 section 7); its seed follows.
const PKCS8: &str = "302e020100300506032b657004220420";

#[test]
fn the_request_of_the_example_is_what_we_sign() {
    let (fields, body) = request_message();
    let key = key("wallet");
    let mut parts = request(unsigned(&fields));
    sign_request(
        &mut parts,
        body.as_bytes(),
        &key,
        "wallet",
        1_767_225_600,
        "AAECAwQFBgcICQoLDA0ODw",
        &AttestationDigest::of(DOCUMENT),
    )
    .unwrap();
    assert_eq!(parts.headers, fields);
    assert_eq!(fields["signature"], signed(&key, block("\"@method\": ")));
}

#[test]
fn the_request_of_the_example_is_accepted() {
    let (fields, body) = request_message();
    let signed = SignedRequest::parse(&request(fields), body.as_bytes()).unwrap();
    assert_eq!(signed.verify(&public_key("wallet_public_key")), Ok(()));
}

#[test]
fn the_p256_signature_of_the_example_is_accepted() {
    let (mut fields, body) = request_message();
    let signature = format!("permafrost=:{}:", value("p256_signature"));
    fields.insert("signature", signature.parse().unwrap());
    let signed = SignedRequest::parse(&request(fields), body.as_bytes()).unwrap();
    assert_eq!(signed.verify(&public_key("p256_public_key")), Ok(()));
}

#[test]
fn the_response_of_the_example_is_what_we_sign_and_accept() {
    let (fields, body) = message("HTTP/1.1 422 Unprocessable Entity\n");
    let key = key("boot");
    let context = RequestContext::of(&request(request_message().0));
    let boot = AttestationDigest::of(DOCUMENT);
    let mut parts = response(unsigned(&fields));
    sign_response(
        &mut parts,
        body.as_bytes(),
        &context,
        &boot,
        &key,
        1_767_225_601,
    )
    .unwrap();
    assert_eq!(parts.headers, fields);
    assert_eq!(fields["signature"], signed(&key, block("\"@status\": ")));

    let boot_key = public_key("boot_public_key");
    let verified =
        verify_response(&response(fields), body.as_bytes(), &context, &boot_key).unwrap();
    assert_eq!(verified.attestation, boot);
}

fn request_message() -> (HeaderMap, &'static str) {
    message("POST /v1/keys HTTP/1.1\n")
}

fn request(headers: HeaderMap) -> request::Parts {
    let mut parts = Request::post("/v1/keys").body(()).unwrap().into_parts().0;
    parts.headers = headers;
    parts
}

fn response(headers: HeaderMap) -> response::Parts {
    let mut parts = Response::builder()
        .status(422)
        .body(())
        .unwrap()
        .into_parts()
        .0;
    parts.headers = headers;
    parts
}

/// The fields as they are before the message is signed.
fn unsigned(fields: &HeaderMap) -> HeaderMap {
    let mut fields = fields.clone();
    for name in [
        "content-digest",
        "x-enclave-attestation",
        "signature-input",
        "signature",
    ] {
        fields.remove(name).unwrap();
    }
    fields
}

/// The value of `Signature` for a signature base.
fn signed(key: &SigningKey, base: &str) -> String {
    let signature = key.sign(base.as_bytes()).unwrap();
    format!("permafrost=:{}:", STANDARD.encode(signature))
}

/// The key whose seed is in the example.
fn key(name: &str) -> SigningKey {
    let pkcs8 = PKCS8.to_owned() + value(&format!("{name}_seed"));
    SigningKey::from_pkcs8(&hex::decode(pkcs8).unwrap()).unwrap()
}

fn public_key(name: &str) -> PublicKey {
    value(name).parse().unwrap()
}

/// Fields and body of the message that begins so.
fn message(first_line: &str) -> (HeaderMap, &'static str) {
    let (head, body) = block(first_line).split_once("\n\n").unwrap();
    let fields = head.lines().skip(1).map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        (name, value.parse().unwrap())
    });
    (fields.collect(), body)
}

/// The block of the document that begins so, without its final line feed.
fn block(beginning: &str) -> &'static str {
    PAGE.split("```")
        .filter_map(|block| block.split_once('\n'))
        .find(|(_, text)| text.starts_with(beginning))
        .and_then(|(_, text)| text.strip_suffix('\n'))
        .unwrap_or_else(|| panic!("no block of docs/signatures.md begins {beginning:?}"))
}

/// The value in the document's line `name = value`.
fn value(name: &str) -> &'static str {
    PAGE.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))
        .unwrap_or_else(|| panic!("{name} is not in docs/signatures.md"))
}
