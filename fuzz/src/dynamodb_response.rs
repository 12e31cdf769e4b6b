//! What DynamoDB responds about one record and to a listing.

use permafrost_common::store::{LISTING_BYTES_MAX, LISTING_MAX, RECORD_MAX, VERSION_MAX, is_id};
use permafrost_enclave::store::dynamodb::{Fault, Item, item, page};
use serde_json::Value;

/// One line, `KIND`, or `KIND PREFIX AFTER LIMIT` with `.` for an empty text; then JSON: an item, or the response to a `Query`.
///
/// An accepted item encodes to the input. The records of an accepted response are within the limits and of the range. The error for
/// a refused one is short ASCII.
pub fn dynamodb_response(data: &[u8]) -> bool {
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else {
        return false;
    };
    let (line, text) = (str::from_utf8(&data[..end]), &data[end + 1..]);
    let (Ok(line), Ok(json)) = (line, serde_json::from_slice::<Value>(text)) else {
        return false;
    };
    let word = |word: &'static str, found| if found == "." { word } else { found };
    let words: Vec<_> = line.split(' ').map(|found| word("", found)).collect();
    let checked = match words.as_slice() {
        [kind] => one(&json, kind),
        [kind, prefix, after, limit] => match limit.parse() {
            Ok(limit) if (1..=LISTING_MAX).contains(&limit) => {
                many(&json, kind, [prefix, after], limit)
            }
            _ => return false,
        },
        _ => return false,
    };
    let Err(fault) = checked else {
        return true;
    };
    let text = fault.to_string();
    let range = 2 * line.len();
    assert!(text.is_ascii() || !line.is_ascii(), "{text}");
    assert!(text.len() <= 700 + range, "{text}");
    false
}

fn one(json: &Value, kind: &str) -> Result<(), Fault> {
    let read = Item::parse(json, kind)?;
    assert!(is_id(&read.id) && (1..=VERSION_MAX).contains(&read.version));
    assert!(read.record.len() <= RECORD_MAX);
    let mut json = json.clone();
    if let Some(tags) = json.pointer_mut("/tags/SS").and_then(Value::as_array_mut) {
        // A set has no order.
        tags.sort_by_key(Value::to_string);
    }
    let written = item(kind, &read.id, read.version, &read.record, &read.tags);
    assert_eq!(written, json);
    Ok(())
}

fn many(json: &Value, kind: &str, [prefix, after]: [&str; 2], limit: usize) -> Result<(), Fault> {
    let entries = page(json, kind, [prefix, after], limit)?;
    assert!(entries.records.len() <= limit);
    assert!(!entries.more || !entries.records.is_empty());
    let mut before = after;
    for entry in &entries.records {
        assert!(is_id(&entry.id) && entry.id.starts_with(prefix) && entry.id.as_str() > before);
        before = &entry.id;
    }
    let bytes: usize = entries.records.iter().map(|entry| entry.bytes.len()).sum();
    assert!(bytes <= LISTING_BYTES_MAX);
    Ok(())
}
