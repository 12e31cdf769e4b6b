//! What binds a response to the whole of its request where no signature of the request does (docs/signatures.md).

use http::HeaderMap;
use http::request::Parts;
use permafrost_common::api::REQUEST_NONCE_HEADER;
use permafrost_common::http_signature::{
    CONTENT_DIGEST, REQUEST_NONCE_FORM, check_content_digest, is_request_nonce,
};
use permafrost_common::problem::{Problem, ProblemType};

use super::Operation;

/// Checks `Content-Digest` and `Request-Nonce` of an open operation: whether they are right, if the request has them or must have them.
///
/// The response covers both. If it covered a digest that had not been compared with the body, the parent could send its own body under
/// another request's digest.
pub(super) fn check(operation: &Operation, parts: &Parts, body: &[u8]) -> Result<(), Problem> {
    if !operation.is_open() {
        return Ok(());
    }
    let is_required = operation.needs_a_request_nonce();
    let digest = only(&parts.headers, CONTENT_DIGEST, is_required)
        .map_err(|came| format!("{came}; accepted: once, sha-256=:BASE64:"))
        .and_then(|digest| match digest {
            Some(digest) => check_content_digest(digest, body).map_err(|error| error.to_string()),
            None => Ok(()),
        })
        .map_err(|detail| Problem::new(ProblemType::ContentDigestMismatch, detail));
    digest?;
    only(&parts.headers, REQUEST_NONCE_HEADER, is_required)
        .and_then(|nonce| match nonce {
            Some(nonce) if !is_request_nonce(nonce) => {
                Err(format!("{} bytes, or other characters", nonce.len()))
            }
            _ => Ok(()),
        })
        .map_err(|came| {
            let accepted = format!("one value, {REQUEST_NONCE_FORM}");
            Problem::field("header:request-nonce", came, &accepted)
        })
}

/// The value of a field that may occur once, in visible ASCII.
fn only<'h>(
    headers: &'h HeaderMap,
    name: &str,
    is_required: bool,
) -> Result<Option<&'h str>, String> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) if is_required => Err(format!("{name} is missing")),
        (None, _) => Ok(None),
        (Some(value), None) => value
            .to_str()
            .map(Some)
            .map_err(|_| format!("{name} is not visible ASCII")),
        (Some(_), Some(_)) => Err(format!("{name} occurs more than once")),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method, Request};
    use permafrost_common::http_signature::content_digest;

    use super::super::operations;
    use super::*;

    const BODY: &[u8] = b"{}";
    const NONCE: &str = "AAECAwQFBgcICQoLDA0ODw";

    fn operation(id: &str) -> Operation {
        operations().into_iter().find(|one| one.id == id).unwrap()
    }

    fn refusal(operation: &Operation, fields: &[(&'static str, &str)]) -> Option<Problem> {
        let mut parts = Request::new(()).into_parts().0;
        for (name, value) in fields {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            parts.headers.append(*name, value);
        }
        check(operation, &parts, BODY).err()
    }

    #[test]
    fn every_open_operation_that_changes_something_needs_both_fields() {
        let digest = content_digest(BODY);
        let needing: Vec<_> = operations()
            .into_iter()
            .filter(Operation::needs_a_request_nonce)
            .collect();
        let names: Vec<_> = needing.iter().map(|one| one.id).collect();
        let expected = [
            "create_challenge",
            "register",
            "login",
            "open_link",
            "offer_passkey",
            "start_recovery",
            "complete_recovery",
        ];
        assert_eq!(names, expected);
        for operation in &needing {
            let both = [(CONTENT_DIGEST, &*digest), (REQUEST_NONCE_HEADER, NONCE)];
            assert_eq!(refusal(operation, &both), None);
            for (missing, problem) in [(1, "request-nonce"), (0, "content-digest")] {
                let rest = [both[1 - missing]];
                let refused = refusal(operation, &rest).unwrap();
                assert!(format!("{refused:?}").contains(problem), "{refused:?}");
            }
        }
    }

    #[test]
    fn a_field_of_another_form_or_of_another_body_is_refused_wherever_it_comes() {
        let digest = content_digest(BODY);
        let other = content_digest(b"[]");
        let short = "a".repeat(21);
        let long = "a".repeat(65);
        for operation in [operation("login"), operation("health")] {
            for refused in [
                (CONTENT_DIGEST, &*other),
                (CONTENT_DIGEST, "sha-256=:AAAA:"),
                (CONTENT_DIGEST, "\u{e9}"),
                (REQUEST_NONCE_HEADER, ""),
                (REQUEST_NONCE_HEADER, &short),
                (REQUEST_NONCE_HEADER, &long),
                (REQUEST_NONCE_HEADER, "AAECAwQFBgcICQoLDA0OD="),
                (REQUEST_NONCE_HEADER, "\u{e9}"),
            ] {
                let fields = match refused.0 {
                    CONTENT_DIGEST => [refused, (REQUEST_NONCE_HEADER, NONCE)],
                    _ => [(CONTENT_DIGEST, &*digest), refused],
                };
                assert!(refusal(&operation, &fields).is_some(), "{refused:?}");
            }
            let right = [(CONTENT_DIGEST, &*digest), (REQUEST_NONCE_HEADER, NONCE)];
            for twice in right {
                let fields = [right[0], right[1], twice];
                assert!(refusal(&operation, &fields).is_some(), "{twice:?} twice");
            }
        }
    }

    #[test]
    fn an_open_operation_that_changes_nothing_needs_neither() {
        for operation in operations() {
            if operation.is_open() && operation.method == Method::GET {
                assert_eq!(refusal(&operation, &[]), None, "{}", operation.id);
            }
        }
        assert_eq!(refusal(&operation("oblivious"), &[]), None);
    }
}
