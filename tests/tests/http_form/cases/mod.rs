//! Bytes that servers have disagreed about, and what they mean by RFC 9112.

mod bodies;
mod heads;

use std::fmt;

use Means::Request;

/// Bytes on one connection, whose sending half closes after them.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// The responses, in their order; then the server closes.
    pub(crate) means: &'static [Means],
}

/// What has to become of one request.
#[derive(Debug)]
pub(crate) enum Means {
    /// The enclave reads this method and target, and responds with this status.
    Request(&'static str, u16),
    /// It is refused with this status, and never leaves the parent.
    Refused(u16),
    /// It is refused with 414 or 431, by the buffer that is full first.
    TooLong,
}

/// Every case.
pub(crate) fn all() -> Vec<Case> {
    let mut all = heads::cases();
    all.extend(bodies::cases());
    all
}

const HEALTH: Means = Request("GET /v1/health", 200);

/// No body is signed here, so the enclave refuses each one that it has read.
const POSTED: Means = Request("POST /v1/keys", 401);

const FOUND_NEXT: Means = Request("GET /v1/next", 404);

/// A second request, which smuggling would hide or reveal.
const NEXT: &str = "GET /v1/next HTTP/1.1\r\nHost: a\r\n\r\n";

fn case(name: &'static str, bytes: impl Into<Vec<u8>>, means: &'static [Means]) -> Case {
    Case {
        name,
        bytes: bytes.into(),
        means,
    }
}

/// A `GET` with these fields, each with its end of line.
fn get(fields: &str) -> String {
    format!("GET /v1/health HTTP/1.1\r\n{fields}\r\n")
}

/// A `GET` with this request line.
fn line(line: &str) -> String {
    format!("{line}\r\nHost: a\r\n\r\n")
}

/// A `POST` with these fields beside `Host`, each with its end of line, and what follows.
fn post(fields: &str, rest: &str) -> String {
    format!("POST /v1/keys HTTP/1.1\r\nHost: a\r\n{fields}\r\n{rest}")
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beginning = self.bytes.get(..200).unwrap_or(&self.bytes);
        write!(
            f,
            "\"{}\" ({}), which means {:?}",
            self.name,
            beginning.escape_ascii(),
            self.means
        )
    }
}
