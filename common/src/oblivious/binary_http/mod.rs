//! Binary HTTP (RFC 9292): requests of known and of indeterminate length, responses of known length.
//!
//! Strict: a message has one meaning or is refused. Informational responses, trailers and fields that concern a connection are
//! refused, and so is everything that HTTP/2 calls malformed (RFC 9113 section 8.2.1). What a message may leave out at its end
//! (section 3.8) is read as empty, and zero bytes after it are padding.

mod error;
mod fields;
mod reader;
mod request;
mod response;
mod writer;

#[cfg(test)]
mod tests;

pub use error::BinaryHttpError;
pub use request::{decode_request, encode_request};
pub use response::{decode_response, encode_response};

/// Framing indicators (RFC 9292 section 3.3).
const KNOWN_LENGTH_REQUEST: u64 = 0;
const KNOWN_LENGTH_RESPONSE: u64 = 1;
const INDETERMINATE_LENGTH_REQUEST: u64 = 2;
