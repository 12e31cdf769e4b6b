//! Responses.

use http::response::Parts;
use http::{Response, StatusCode};

use super::reader::Reader;
use super::writer::{fields_and_content, integer};
use super::{BinaryHttpError, KNOWN_LENGTH_RESPONSE, fields};

/// Writes a response of known length (RFC 9292 section 3.1).
pub fn encode_response(parts: &Parts, content: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    integer(&mut message, 1);
    integer(&mut message, parts.status.as_u16().into());
    fields_and_content(&mut message, &parts.headers, content);
    message
}

/// Reads a response of known length.
///
/// # Errors
/// [`BinaryHttpError`].
pub fn decode_response(message: &[u8]) -> Result<Response<Vec<u8>>, BinaryHttpError> {
    let mut reader = Reader::new(message);
    let framing = reader.integer("the framing indicator")?;
    if framing != KNOWN_LENGTH_RESPONSE {
        return Err(BinaryHttpError::Framing {
            came: framing,
            accepted: "1, a response of known length",
        });
    }
    let status = reader.integer("the status")?;
    let status = u16::try_from(status)
        .ok()
        .filter(|status| (200..600).contains(status))
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or(BinaryHttpError::Status(status))?;
    let (headers, content) = fields::known_length(reader)?;
    let mut response = Response::new(content);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
