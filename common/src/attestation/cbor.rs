//! One CBOR item from a slice, with nothing after it.

use ciborium::Value;

use super::error::Error;

/// Documents nest three deep; whatever is deeper is refused before it costs stack.
const DEPTH_MAX: usize = 8;

/// Reads the one item that `bytes` must be; `part` names it in errors.
pub(super) fn read(mut bytes: &[u8], part: &'static str) -> Result<Value, Error> {
    let value = ciborium::de::from_reader_with_recursion_limit(&mut bytes, DEPTH_MAX).map_err(
        |error: ciborium::de::Error<std::io::Error>| Error::Cbor {
            part,
            detail: match error {
                ciborium::de::Error::Io(_) => "it ends too early".to_owned(),
                ciborium::de::Error::Syntax(offset) => format!("a syntax error at byte {offset}"),
                ciborium::de::Error::Semantic(Some(offset), what) => {
                    format!("{what} at byte {offset}")
                }
                ciborium::de::Error::Semantic(None, what) => what,
                ciborium::de::Error::RecursionLimitExceeded => {
                    format!("it nests deeper than {DEPTH_MAX}")
                }
            },
        },
    )?;
    if bytes.is_empty() {
        Ok(value)
    } else {
        Err(Error::TrailingBytes {
            part,
            found: bytes.len(),
        })
    }
}

/// The CBOR type of a value, as errors name it.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "an integer",
        Value::Bytes(_) => "a byte string",
        Value::Text(_) => "a text string",
        Value::Array(_) => "an array",
        Value::Map(_) => "a map",
        Value::Tag(..) => "a tag",
        Value::Bool(_) => "a boolean",
        Value::Null => "null",
        Value::Float(_) => "a float",
        _ => "something else",
    }
}
