//! Requests.

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};

use super::reader::Reader;
use super::writer::{fields_and_content, integer, prefixed};
use super::{BinaryHttpError, INDETERMINATE_LENGTH_REQUEST, KNOWN_LENGTH_REQUEST, fields};

/// Writes a request of known length (RFC 9292 section 3.1): scheme `https`, and no authority.
pub fn encode_request(parts: &Parts, content: &[u8]) -> Vec<u8> {
    let target = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut message = Vec::new();
    integer(&mut message, 0);
    for control in [parts.method.as_str(), "https", "", target] {
        prefixed(&mut message, control.as_bytes());
    }
    fields_and_content(&mut message, &parts.headers, content);
    message
}

/// Reads a request, of known or of indeterminate length. Its target is the path with the query; the authority may have any value,
/// and is ignored.
///
/// # Errors
/// [`BinaryHttpError`].
pub fn decode_request(message: &[u8]) -> Result<Request<Vec<u8>>, BinaryHttpError> {
    let mut reader = Reader::new(message);
    let framing = reader.integer("the framing indicator")?;
    let rest = match framing {
        KNOWN_LENGTH_REQUEST => fields::known_length,
        INDETERMINATE_LENGTH_REQUEST => fields::indeterminate_length,
        came => {
            return Err(BinaryHttpError::Framing {
                came,
                accepted: "0 or 2, a request",
            });
        }
    };
    let method =
        Method::from_bytes(reader.prefixed("the method")?).map_err(|_| BinaryHttpError::Method)?;
    if !matches!(reader.prefixed("the scheme")?, b"https" | b"http") {
        return Err(BinaryHttpError::Scheme);
    }
    reader.prefixed("the authority")?;
    let uri = target(reader.prefixed("the path")?)?;
    let (headers, content) = rest(reader)?;
    let mut request = Request::new(content);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

/// A path with or without a query. The parser would drop a fragment, so its result is compared with the input.
fn target(bytes: &[u8]) -> Result<Uri, BinaryHttpError> {
    PathAndQuery::try_from(bytes)
        .ok()
        .filter(|target| bytes.starts_with(b"/") && target.as_str().as_bytes() == bytes)
        .map(Uri::from)
        .ok_or(BinaryHttpError::Path)
}
