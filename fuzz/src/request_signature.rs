use permafrost_common::api::is_name;
use permafrost_common::http_signature::{
    CONTENT_DIGEST, SIGNATURE_INPUT, SignedRequest, is_nonce, sign_request,
};

use crate::message::{key, request};

/// A signed request: `METHOD TARGET`, `name: value` lines, an empty line, the body.
///
/// An accepted request has a valid keyid and nonce; signing it again gives the same fields except for the signature, and that
/// signature verifies.
pub fn request_signature(data: &[u8]) -> bool {
    let Some((parts, body)) = request(data) else {
        return false;
    };
    let Ok(came) = SignedRequest::parse(&parts, body) else {
        return false;
    };
    assert!(is_name(came.keyid()), "keyid {:?}", came.keyid());
    assert!(is_nonce(came.nonce()), "nonce {:?}", came.nonce());

    let (key, public_key) = key();
    let mut again = parts.clone();
    sign_request(
        &mut again,
        body,
        &key,
        came.keyid(),
        came.created(),
        came.nonce(),
        came.attestation(),
    )
    .expect("what is accepted can be signed");
    for field in [SIGNATURE_INPUT, CONTENT_DIGEST] {
        assert_eq!(
            again.headers.get(field),
            parts.headers.get(field),
            "a second form of {field}"
        );
    }
    SignedRequest::parse(&again, body)
        .and_then(|request| request.verify(&public_key))
        .expect("what is signed is accepted");
    true
}
