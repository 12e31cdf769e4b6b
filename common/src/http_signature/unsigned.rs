//! Unsigned requests: the fields that bind their responses to them.

use http::request::Parts;

use super::{CONTENT_DIGEST, ProfileError, content_digest, profile::set};
use crate::api::REQUEST_NONCE_HEADER;

/// Sets `Content-Digest` and `Request-Nonce` of a request that is not signed.
///
/// The response's signature covers both, so it is the response to no other body and to no earlier request. `nonce` has the form of
/// [`is_request_nonce`]; [`fresh_nonce`](super::fresh_nonce) makes one.
///
/// # Errors
/// [`ProfileError::Malformed`] for a nonce of another form.
pub fn bind_response(parts: &mut Parts, body: &[u8], nonce: &str) -> Result<(), ProfileError> {
    if !is_request_nonce(nonce) {
        return Err(ProfileError::Malformed {
            field: REQUEST_NONCE_HEADER,
            reason: format!("{} bytes, or other characters", nonce.len()),
            accepted: REQUEST_NONCE_FORM,
        });
    }
    set(&mut parts.headers, CONTENT_DIGEST, &content_digest(body))?;
    set(&mut parts.headers, REQUEST_NONCE_HEADER, nonce)
}

/// Whether a text may be a `Request-Nonce`: [`REQUEST_NONCE_FORM`].
pub fn is_request_nonce(text: &str) -> bool {
    (22..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// What a `Request-Nonce` is: 16 random bytes in base64url make 22 characters.
pub const REQUEST_NONCE_FORM: &str = "22 to 64 of A-Z a-z 0-9 - _";

#[cfg(test)]
mod tests {
    use http::Request;

    use super::{super::fresh_nonce, *};

    #[test]
    fn the_nonces_that_we_make_are_request_nonces_and_other_forms_are_not() {
        assert!(is_request_nonce(&fresh_nonce().unwrap()));
        assert!(is_request_nonce(&"a".repeat(64)));
        for other in [
            String::new(),
            "a".repeat(21),
            "a".repeat(65),
            format!("{}=", "a".repeat(22)),
            format!("{}+", "a".repeat(22)),
            format!("{} ", "a".repeat(22)),
            "\u{e9}".repeat(22),
        ] {
            assert!(!is_request_nonce(&other), "{other}");
        }
    }

    #[test]
    fn a_request_gets_the_digest_of_its_body_and_the_nonce() {
        let mut parts = Request::post("/v1/users").body(()).unwrap().into_parts().0;
        bind_response(&mut parts, b"{}", "AAECAwQFBgcICQoLDA0ODw").unwrap();
        assert_eq!(parts.headers[CONTENT_DIGEST], content_digest(b"{}"));
        assert_eq!(
            parts.headers[REQUEST_NONCE_HEADER],
            "AAECAwQFBgcICQoLDA0ODw"
        );
        assert!(bind_response(&mut parts, b"{}", "short").is_err());
    }
}
