//! CBOR (RFC 8949) as `ciborium` reads it, with the wording that all errors share.

use ciborium::Value;
use ciborium::de::{Error, from_reader_with_recursion_limit};

/// Reads the one item that `bytes` begin with, and gives what follows it.
///
/// # Errors
/// If they do not begin with a well-formed item, or with one that nests deeper than `depth_max`: why, with the offset in bytes if it
/// is known.
pub fn first(mut bytes: &[u8], depth_max: usize) -> Result<(Value, &[u8]), String> {
    let read = from_reader_with_recursion_limit(&mut bytes, depth_max);
    let value = read.map_err(|error| match error {
        Error::Io(_) => "it ends too early".to_owned(),
        Error::Syntax(offset) => format!("a syntax error at byte {offset}"),
        Error::Semantic(Some(offset), what) => format!("{what} at byte {offset}"),
        Error::Semantic(None, what) => what,
        Error::RecursionLimitExceeded => format!("it nests deeper than {depth_max}"),
    })?;
    Ok((value, bytes))
}

/// The CBOR type of a value.
pub fn kind(value: &Value) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_read_and_what_follows_is_left() {
        let read = first(&[0x61, b'a', 7, 8], 1);
        assert_eq!(read, Ok(("a".into(), [7, 8].as_slice())));
    }

    #[test]
    fn what_is_not_an_item_is_refused_with_the_reason() {
        for (bytes, reason) in [
            ([].as_slice(), "it ends too early"),
            (&[0x43, 1, 2], "it ends too early"),
            (&[0x81, 0x1c], "a syntax error at byte 1"),
            (&[0x81, 0x81, 0x81, 0x81, 0], "it nests deeper than 3"),
        ] {
            assert_eq!(first(bytes, 3), Err(reason.to_owned()));
        }
        assert!(first(&[0x81, 0x81, 0x81, 0], 3).is_ok());
    }

    #[test]
    fn each_type_is_named() {
        for (bytes, named) in [
            ([0x20].as_slice(), "an integer"),
            (&[0x40], "a byte string"),
            (&[0x60], "a text string"),
            (&[0x80], "an array"),
            (&[0xa0], "a map"),
            (&[0xd2, 0], "a tag"),
            (&[0xf4], "a boolean"),
            (&[0xf6], "null"),
            (&[0xf9, 0x3e, 0], "a float"),
        ] {
            assert_eq!(kind(&first(bytes, 3).unwrap().0), named);
        }
    }
}
