//! One CBOR item from a slice, with nothing after it.

use ciborium::Value;

use super::error::Error;
use crate::cbor::first;
pub(super) use crate::cbor::kind;

/// Reads the one item that `bytes` must consist of; `part` names it in errors.
pub(super) fn read(bytes: &[u8], part: &'static str) -> Result<Value, Error> {
    let (value, rest) = first(bytes, DEPTH_MAX).map_err(|detail| Error::Cbor { part, detail })?;
    match rest.len() {
        0 => Ok(value),
        found => Err(Error::TrailingBytes { part, found }),
    }
}

/// Documents nest three levels deep; deeper nesting is refused before it uses up the stack.
const DEPTH_MAX: usize = 8;
