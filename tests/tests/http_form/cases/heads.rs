//! Request lines and fields, without a body.

use super::Means::{Refused, Request, TooLong};
use super::{Case, FOUND_NEXT, HEALTH, NEXT, case, get, line};

pub(super) fn cases() -> Vec<Case> {
    [hosts(), targets(), request_lines(), fields()]
        .into_iter()
        .flatten()
        .collect()
}

fn hosts() -> Vec<Case> {
    let old = |fields: &str| format!("GET /v1/health HTTP/1.0\r\n{fields}\r\n");
    vec![
        case("one host", get("Host: a.example:8080\r\n"), &[HEALTH]),
        case(
            "a host with an IPv6 address",
            get("Host: [::1]:80\r\n"),
            &[HEALTH],
        ),
        case("an empty host", get("Host:\r\n"), &[HEALTH]),
        case("no host", get(""), &[Refused(400)]),
        case("no host, then a request", get("") + NEXT, &[Refused(400)]),
        case(
            "the same host twice",
            get("Host: a\r\nHost: a\r\n"),
            &[Refused(400)],
        ),
        case(
            "two hosts",
            get("Host: a\r\nX: y\r\nhOST: b\r\n"),
            &[Refused(400)],
        ),
        case("a list of hosts", get("Host: a, b\r\n"), &[Refused(400)]),
        case("a host with a path", get("Host: a/b\r\n"), &[Refused(400)]),
        case(
            "a host with a user",
            get("Host: user@a\r\n"),
            &[Refused(400)],
        ),
        case(
            "a host with a scheme",
            get("Host: http://a\r\n"),
            &[Refused(400)],
        ),
        case(
            "a host with a port that is a word",
            get("Host: a:b\r\n"),
            &[Refused(400)],
        ),
        case(
            "a host with an open bracket",
            get("Host: [::1\r\n"),
            &[Refused(400)],
        ),
        case(
            "a host outside ASCII",
            b"GET /v1/health HTTP/1.1\r\nHost: \xe9\r\n\r\n".as_slice(),
            &[Refused(400)],
        ),
        case(
            "a host on a folded line",
            get("Host: a\r\n b\r\n"),
            &[Refused(400)],
        ),
        case("HTTP/1.0 without a host", old(""), &[HEALTH]),
        case("HTTP/1.0 with a host", old("Host: a\r\n"), &[HEALTH]),
        case(
            "HTTP/1.0 with two hosts",
            old("Host: a\r\nHost: b\r\n"),
            &[Refused(400)],
        ),
        case(
            "HTTP/1.0 with an invalid host",
            old("Host: a b\r\n"),
            &[Refused(400)],
        ),
        case(
            "a host that Connection names",
            get("Host: a\r\nConnection: host\r\n"),
            &[HEALTH],
        ),
    ]
}

fn targets() -> Vec<Case> {
    vec![
        case(
            "an absolute target",
            line("GET http://a/v1/health HTTP/1.1"),
            &[HEALTH],
        ),
        case(
            "an absolute target with another host",
            line("GET http://b:80/v1/health HTTP/1.1"),
            &[HEALTH],
        ),
        case(
            "an absolute https target",
            line("GET HTTPS://a/v1/health HTTP/1.1"),
            &[HEALTH],
        ),
        case(
            "an absolute target without a path",
            line("GET http://a HTTP/1.1"),
            &[Request("GET /", 404)],
        ),
        case(
            "an absolute target without a host field",
            "GET http://a/v1/health HTTP/1.1\r\n\r\n",
            &[Refused(400)],
        ),
        case(
            "an absolute target with a user",
            line("GET http://user@a/v1/health HTTP/1.1"),
            &[Refused(400)],
        ),
        case(
            "an absolute target of another scheme",
            line("GET ftp://a/v1/health HTTP/1.1"),
            &[Refused(400)],
        ),
        case("OPTIONS *", line("OPTIONS * HTTP/1.1"), &[Refused(400)]),
        case("GET *", line("GET * HTTP/1.1"), &[Refused(400)]),
        case("CONNECT", line("CONNECT a:443 HTTP/1.1"), &[Refused(400)]),
        case(
            "CONNECT with a path",
            line("CONNECT /v1/health HTTP/1.1"),
            &[Refused(400)],
        ),
        case(
            "CONNECT, then a request",
            line("CONNECT a:443 HTTP/1.1") + NEXT,
            &[Refused(400)],
        ),
        case(
            "an authority as target",
            line("GET a:443 HTTP/1.1"),
            &[Refused(400)],
        ),
        case(
            "a name as target",
            line("GET health HTTP/1.1"),
            &[Refused(400)],
        ),
        case(
            "dots in a target",
            line("GET /v1/x/../health HTTP/1.1"),
            &[Request("GET /v1/x/../health", 404)],
        ),
        case(
            "two slashes before a target",
            line("GET //v1/health HTTP/1.1"),
            &[Request("GET //v1/health", 404)],
        ),
        case(
            "NUL in a target",
            line("GET /v1/\0health HTTP/1.1"),
            &[Refused(400)],
        ),
        case(
            "a space in a target",
            line("GET /v1/ health HTTP/1.1"),
            &[Refused(400)],
        ),
        case(
            "a target that is too long",
            line(&format!("GET /{} HTTP/1.1", "a".repeat(100_000))),
            &[TooLong],
        ),
    ]
}

fn request_lines() -> Vec<Case> {
    vec![
        case("a request", get("Host: a\r\n"), &[HEALTH]),
        case(
            "a method in lower case",
            line("get /v1/health HTTP/1.1"),
            &[Request("get /v1/health", 405)],
        ),
        case(
            "a method that is not a token",
            line("G(T /v1/health HTTP/1.1"),
            &[Refused(400)],
        ),
        case("no method", line(" /v1/health HTTP/1.1"), &[Refused(400)]),
        case(
            "a tab after the method",
            line("GET\t/v1/health HTTP/1.1"),
            &[Refused(400)],
        ),
        case(
            "two spaces after the method",
            line("GET  /v1/health HTTP/1.1"),
            &[Refused(400)],
        ),
        case(
            "two spaces before the version",
            line("GET /v1/health  HTTP/1.1"),
            &[Refused(400)],
        ),
        case(
            "a space after the version",
            line("GET /v1/health HTTP/1.1 "),
            &[Refused(400)],
        ),
        case("no version", line("GET /v1/health"), &[Refused(400)]),
        case("HTTP/1.2", line("GET /v1/health HTTP/1.2"), &[Refused(400)]),
        case("HTTP/2.0", line("GET /v1/health HTTP/2.0"), &[Refused(400)]),
        case(
            "a version in lower case",
            line("GET /v1/health http/1.1"),
            &[Refused(400)],
        ),
        case(
            "empty lines before a request",
            "\r\n\r\n".to_owned() + NEXT,
            &[FOUND_NEXT],
        ),
        case(
            "a TLS handshake",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n".as_slice(),
            &[Refused(400)],
        ),
        case("nothing", "", &[]),
        case("half a request line", "GET /v1/hea", &[]),
        case("half a head", "GET /v1/health HTTP/1.1\r\nHost: a\r\n", &[]),
        case(
            "a method that is too long",
            line(&format!("{} /v1/health HTTP/1.1", "G".repeat(100_000))),
            &[TooLong],
        ),
    ]
}

fn fields() -> Vec<Case> {
    let with = |field: &str| get(&format!("Host: a\r\n{field}"));
    vec![
        case(
            "lines that end in LF",
            "GET /v1/health HTTP/1.1\nHost: a\n\n",
            &[HEALTH],
        ),
        case(
            "lines that end in CR",
            "GET /v1/health HTTP/1.1\rHost: a\r\r\r\n\r\n",
            &[Refused(400)],
        ),
        case("CR in a value", with("X: a\rb\r\n"), &[Refused(400)]),
        case("NUL in a value", with("X: a\0b\r\n"), &[Refused(400)]),
        case("NUL in a name", with("X\0: a\r\n"), &[Refused(400)]),
        case(
            "a space before the colon",
            with("X : a\r\n"),
            &[Refused(400)],
        ),
        case(
            "a tab before the colon",
            with("X\t: a\r\n"),
            &[Refused(400)],
        ),
        case("a space in a name", with("X Y: a\r\n"), &[Refused(400)]),
        case(
            "a space before the first name",
            get(" X: a\r\nHost: a\r\n"),
            &[Refused(400)],
        ),
        case("a folded line", with("X: a\r\n b\r\n"), &[Refused(400)]),
        case("a line without a colon", with("X\r\n"), &[Refused(400)]),
        case("an empty name", with(": a\r\n"), &[Refused(400)]),
        case("no value", with("X:\r\n"), &[HEALTH]),
        case(
            "an upgrade",
            with("Connection: Upgrade\r\nUpgrade: h2c\r\n"),
            &[HEALTH],
        ),
        case(
            "two hundred fields",
            with(&"X: y\r\n".repeat(200)),
            &[Refused(431)],
        ),
        case(
            "fields that the enclave finds too long",
            with(&format!("X: {}\r\n", "y".repeat(9_000))),
            &[Request("GET /v1/health", 431)],
        ),
        case(
            "fields that both find too long",
            with(&format!("X: {}\r\n", "y".repeat(40_000))),
            &[Refused(431)],
        ),
        case(
            "a field that fills every buffer",
            with(&format!("X: {}\r\n", "y".repeat(100_000))),
            &[Refused(431)],
        ),
    ]
}
