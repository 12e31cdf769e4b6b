//! The form of request that the parent and the enclave both accept.
//!
//! Their HTTP parser refuses what is not HTTP/1.0 or HTTP/1.1 by RFC 9112. Of the rest, [`check`] refuses what two
//! programs in a row could read differently: where the body ends, what the target is, or which host is meant.

use std::net::Ipv6Addr;

use http::header::{HOST, HeaderMap, TRANSFER_ENCODING};
use http::{Method, Request, Uri, Version};

use crate::problem::{Problem, ProblemType};

/// How much of a refused value a problem repeats, in bytes.
const SHOWN_MAX: usize = 64;

/// Refuses a request whose form leaves anything open.
///
/// Where a refused request ends is not certain, so the response has to end its connection (`Connection: close`).
///
/// # Errors
/// - `length-required` if there is a `Transfer-Encoding` field. RFC 9112 section 6.3 allows the refusal. The parser removes a
///   `Content-Length` beside it, so a request with both cannot be told from a chunked one.
/// - `invalid-request` for `target` unless it has origin form, or the absolute form of an `http` or `https` URI (RFC 9112
///   section 3.2), and for CONNECT.
/// - `invalid-request` for `header:host` if the field is repeated or invalid, or missing in HTTP/1.1 (RFC 9112 section 3.2).
pub fn check<B>(request: &Request<B>) -> Result<(), Problem> {
    check_framing(request.headers())?;
    check_target(request.method(), request.uri())?;
    check_host(request.version(), request.headers())
}

fn check_framing(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(TRANSFER_ENCODING) {
        None => Ok(()),
        Some(coding) => Err(Problem::about(
            ProblemType::LengthRequired,
            "header:transfer-encoding",
            shown(coding.as_bytes()),
            "no such field; a body has a Content-Length",
        )),
    }
}

fn check_target(method: &Method, uri: &Uri) -> Result<(), Problem> {
    let accepted = match (uri.scheme_str(), uri.authority()) {
        (None, None) => uri.path().starts_with('/'),
        // RFC 9110 section 4.2.1: the host of such a URI is not empty.
        (Some("http" | "https"), Some(authority)) => {
            !authority.host().is_empty() && is_host(authority.as_str())
        }
        _ => false,
    };
    if accepted && method != Method::CONNECT {
        return Ok(());
    }
    Err(Problem::field(
        "target",
        shown(format!("{method} {uri}").as_bytes()),
        "a path, or an absolute http or https URI without user information, and no CONNECT",
    ))
}

fn check_host(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let mut hosts = headers.get_all(HOST).iter();
    let came = match (hosts.next(), hosts.count()) {
        (None, _) if version == Version::HTTP_10 => return Ok(()),
        (Some(host), 0) if host.to_str().is_ok_and(is_host) => return Ok(()),
        (None, _) => "missing in HTTP/1.1".to_owned(),
        (Some(host), 0) => shown(host.as_bytes()),
        (Some(_), more) => format!("{} fields", more + 1),
    };
    Err(Problem::field(
        "header:host",
        came,
        "one field: a name, an IPv4 address or an IPv6 address in brackets, then perhaps a colon and a port",
    ))
}

/// Whether this is `uri-host [ ":" port ]` (RFC 9110 section 7.2), of which every part may be empty. Of IP literals, only IPv6
/// addresses are accepted: there is no other version.
fn is_host(value: &str) -> bool {
    if let Some(literal) = value.strip_prefix('[') {
        return literal.split_once(']').is_some_and(|(address, rest)| {
            address.parse::<Ipv6Addr>().is_ok()
                && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
        });
    }
    let (name, port) = value.split_once(':').unwrap_or((value, ""));
    is_registered_name(name) && is_port(port)
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit())
}

/// `reg-name` (RFC 3986 section 3.2.2), which IPv4 addresses are, too.
fn is_registered_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        let accepted = match byte {
            b'%' => {
                let digits = [bytes.next(), bytes.next()];
                digits
                    .iter()
                    .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit()))
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte),
        };
        if !accepted {
            return false;
        }
    }
    true
}

/// The beginning of a value that came from outside, in printable ASCII.
fn shown(value: &[u8]) -> String {
    let beginning = value.get(..SHOWN_MAX).unwrap_or(value);
    let more = if beginning.len() < value.len() {
        "..."
    } else {
        ""
    };
    format!("`{}`{more}", beginning.escape_ascii())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn request(target: &str, version: Version, fields: &[(&'static str, &[u8])]) -> Request<()> {
        let mut request = Request::new(());
        *request.uri_mut() = target.parse().unwrap();
        *request.version_mut() = version;
        for (name, value) in fields {
            let value = HeaderValue::from_bytes(value).unwrap();
            request.headers_mut().append(*name, value);
        }
        request
    }

    /// The field that a refusal names, and its status.
    fn refused<B>(request: &Request<B>) -> (String, u16) {
        let problem = check(request).unwrap_err();
        assert_eq!(problem.errors.len(), 1, "{problem:?}");
        let error = problem.errors.into_iter().next().unwrap();
        assert!(!error.accepted.is_empty());
        assert!(problem.detail.contains(&error.detail));
        (error.field, problem.status)
    }

    fn with_host(host: &[u8]) -> Request<()> {
        request("/", Version::HTTP_11, &[("host", host)])
    }

    #[test]
    fn a_host_of_every_valid_form_is_accepted() {
        for host in [
            "",
            "a",
            "a.example",
            "a.example:",
            "a.example:443",
            ":8080",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:",
            "under_score",
            "%C3%A9.example",
            "a!$&'()*+,;=~",
        ] {
            check(&with_host(host.as_bytes()))
                .unwrap_or_else(|problem| panic!("{host}: {problem}"));
        }
    }

    #[test]
    fn an_invalid_host_is_refused_by_name() {
        for host in [
            &b"a b"[..],
            b"a, b",
            b"a/b",
            b"user@a",
            b"http://a",
            b"a:b",
            b"a:80:80",
            b"a?b",
            b"a#b",
            b"%4",
            b"%zz",
            b"[::1",
            b"[::1]8080",
            b"[::1]:x",
            b"[fe80::1%25eth0]",
            b"[v1.a]",
            b"::1",
            b"\xc3\xa9.example",
            b"a\tb",
            b"\"a\"",
        ] {
            let host_refused = refused(&with_host(host));
            assert_eq!(host_refused, ("header:host".to_owned(), 400), "{host:?}");
        }
    }

    #[test]
    fn two_hosts_are_refused_in_every_version() {
        for version in [Version::HTTP_10, Version::HTTP_11] {
            for second in [&b"a"[..], b"b", b""] {
                let two = request("/", version, &[("host", b"a"), ("host", second)]);
                assert_eq!(refused(&two), ("header:host".to_owned(), 400));
            }
        }
    }

    #[test]
    fn only_http_1_0_needs_no_host() {
        check(&request("/", Version::HTTP_10, &[])).unwrap();
        let without = request("/", Version::HTTP_11, &[]);
        assert_eq!(refused(&without), ("header:host".to_owned(), 400));
        let invalid = request("/", Version::HTTP_10, &[("host", b"a b")]);
        assert_eq!(refused(&invalid), ("header:host".to_owned(), 400));
    }

    #[test]
    fn a_target_in_origin_or_absolute_form_is_accepted() {
        for target in [
            "/",
            "/v1/keys?limit=1",
            "//a",
            "http://a/",
            "http://a:1/b",
            "HTTPS://[::1]/b?c",
            "http://a",
        ] {
            check(&request(target, Version::HTTP_11, &[("host", b"a")]))
                .unwrap_or_else(|problem| panic!("{target}: {problem}"));
        }
    }

    #[test]
    fn a_target_of_another_form_is_refused() {
        for target in [
            "*",
            "a",
            "a:80",
            "ftp://a/",
            "http://user@a/",
            "http://user:pass@a/",
            "http://:80/",
        ] {
            let Ok(_) = target.parse::<Uri>() else {
                panic!("{target} is no target for this test: the parser refuses it");
            };
            let other = request(target, Version::HTTP_11, &[("host", b"a")]);
            assert_eq!(refused(&other), ("target".to_owned(), 400), "{target}");
        }
    }

    #[test]
    fn connect_is_refused_for_every_target() {
        for target in ["a:80", "/", "http://a/"] {
            let mut connect = request(target, Version::HTTP_11, &[("host", b"a")]);
            *connect.method_mut() = Method::CONNECT;
            assert_eq!(refused(&connect), ("target".to_owned(), 400), "{target}");
        }
    }

    #[test]
    fn every_transfer_encoding_needs_a_length() {
        for coding in [&b"chunked"[..], b"gzip, chunked", b"identity", b""] {
            for length in [None, Some(("content-length", &b"3"[..]))] {
                let mut fields = vec![("host", &b"a"[..]), ("transfer-encoding", coding)];
                fields.extend(length);
                let coded = request("/", Version::HTTP_11, &fields);
                let name = "header:transfer-encoding".to_owned();
                assert_eq!(refused(&coded), (name, 411), "{coding:?}");
            }
        }
        let length = request(
            "/",
            Version::HTTP_11,
            &[("host", b"a"), ("content-length", b"3")],
        );
        check(&length).unwrap();
    }

    #[test]
    fn a_refusal_repeats_a_beginning_of_what_came_in_printable_ascii() {
        let long = [b'\xe9'; 4096];
        let problem = check(&with_host(&long)).unwrap_err();
        assert!(problem.detail.len() < 500, "{}", problem.detail.len());
        assert!(problem.detail.contains("\\xe9"));
        assert!(problem.detail.is_ascii());
    }
}
