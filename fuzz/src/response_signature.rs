use http::Request;
use permafrost_common::http_signature::{
    CONTENT_DIGEST, RequestContext, SIGNATURE, SIGNATURE_INPUT, sign_response, verify_response,
};

use crate::message::{key, response};

/// A signed response to `GET /v1/keys`: `STATUS`, `name: value` lines, an empty line, the body.
///
/// A response that verifies equals, field by field, what the boot key signs.
pub fn response_signature(data: &[u8]) -> bool {
    let Some((parts, body)) = response(data) else {
        return false;
    };
    let (key, public_key) = key();
    let request = Request::get("/v1/keys")
        .body(())
        .expect("a valid request")
        .into_parts()
        .0;
    let context = RequestContext::of(&request);
    let Ok(came) = verify_response(&parts, body, &context, &public_key) else {
        return false;
    };
    let mut again = parts.clone();
    sign_response(
        &mut again,
        body,
        &context,
        &came.attestation,
        &key,
        came.created,
    )
    .expect("what verifies can be signed");
    for field in [SIGNATURE_INPUT, SIGNATURE, CONTENT_DIGEST] {
        assert_eq!(
            again.headers.get(field),
            parts.headers.get(field),
            "a second form of {field}"
        );
    }
    true
}
