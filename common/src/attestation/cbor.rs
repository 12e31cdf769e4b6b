//! One CBOR item from a slice, with nothing after it.

use ciborium::Value;

use super::error::Error;
use crate::cbor::first;
pub(super) use crate::cbor::kind;

/// Reads the one item that `bytes` must be; `part` names it in errors.
pub(super) fn read(bytes: &[u8], part: &'static str) -> Result<Value, Error> {
    let (value, rest) = first(bytes, DEPTH_MAX).map_err(|detail| Error::Cbor { part, detail })?;
    match rest.len() {
        0 => Ok(value),
        found => Err(Error::TrailingBytes { part, found }),
    }
}

/// Documents nest three deep; whatever is deeper is refused before it costs stack.
const DEPTH_MAX: usize = 8;
