//! CBOR in the CTAP2 canonical form, which WebAuthn uses throughout (Level 3 section 2.4; CTAP 2.1 section 8).
//!
//! `ciborium` reads items in any form. Encoding the item again shows whether it was canonical.

use ciborium::Value;
use permafrost_common::cbor;
pub(super) use permafrost_common::cbor::kind;

use super::WebauthnError;

/// Reads the one item that `bytes` begin with, and gives what follows it; `part` names the item in errors.
pub(super) fn first<'a>(
    part: &'static str,
    bytes: &'a [u8],
) -> Result<(Value, &'a [u8]), WebauthnError> {
    let (value, rest) = shortest(part, bytes)?;
    check_maps(part, &value)?;
    Ok((value, rest))
}

/// Reads the one item that `bytes` must be.
pub(super) fn only(part: &'static str, bytes: &[u8]) -> Result<Value, WebauthnError> {
    let (value, rest) = first(part, bytes)?;
    nothing_follows(part, rest)?;
    Ok(value)
}

/// Reads the one map that `bytes` must be, with keys in any order and possibly repeated. Its keys and values are canonical.
pub(super) fn unordered_map(
    part: &'static str,
    bytes: &[u8],
) -> Result<Vec<(Value, Value)>, WebauthnError> {
    let (value, rest) = shortest(part, bytes)?;
    nothing_follows(part, rest)?;
    let entries = map(part, value)?;
    for (key, value) in &entries {
        check_maps(part, key)?;
        check_maps(part, value)?;
    }
    Ok(entries)
}

/// The entries of a map.
pub(super) fn map(part: &'static str, value: Value) -> Result<Vec<(Value, Value)>, WebauthnError> {
    value.into_map().map_err(|other| WebauthnError::Shape {
        part,
        found: kind(&other).to_owned(),
        accepted: "a map",
    })
}

/// An item whose numbers and lengths are in their shortest form and definite.
fn shortest<'a>(part: &'static str, bytes: &'a [u8]) -> Result<(Value, &'a [u8]), WebauthnError> {
    let (value, rest) =
        cbor::first(bytes, DEPTH_MAX).map_err(|detail| WebauthnError::Cbor { part, detail })?;
    if Some(encoded(&value).as_slice()) != bytes.strip_suffix(rest) {
        return Err(WebauthnError::NotCanonical {
            part,
            detail: "a number or a length is not in its shortest form, or a length is indefinite",
        });
    }
    Ok((value, rest))
}

/// Refuses tags, and maps whose keys do not ascend. If every head is in its shortest form, the order of CTAP2 (major type, then
/// length, then bytes) is that of the encoded bytes.
fn check_maps(part: &'static str, value: &Value) -> Result<(), WebauthnError> {
    match value {
        Value::Tag(..) => Err(WebauthnError::NotCanonical {
            part,
            detail: "there is a tag",
        }),
        Value::Array(items) => items.iter().try_for_each(|item| check_maps(part, item)),
        Value::Map(entries) => {
            let keys: Vec<_> = entries.iter().map(|(key, _)| encoded(key)).collect();
            if !keys.is_sorted_by(|before, after| before < after) {
                return Err(WebauthnError::NotCanonical {
                    part,
                    detail: "the keys of a map do not ascend, or one occurs twice",
                });
            }
            entries.iter().try_for_each(|(key, value)| {
                check_maps(part, key)?;
                check_maps(part, value)
            })
        }
        _ => Ok(()),
    }
}

fn nothing_follows(part: &'static str, rest: &[u8]) -> Result<(), WebauthnError> {
    match rest.len() {
        0 => Ok(()),
        found => Err(WebauthnError::TrailingBytes { part, found }),
    }
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = ciborium::into_writer(value, &mut bytes);
    bytes
}

/// Deeper nesting is refused before it costs stack. CTAP2 itself allows four levels (CTAP 2.1 section 8).
const DEPTH_MAX: usize = 8;
