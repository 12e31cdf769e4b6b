//! What DynamoDB responds to a listing by tag, and when it cancels a transaction.

use std::collections::BTreeSet;

use permafrost_common::store::{LISTING_MAX, is_id};
use permafrost_enclave::store::dynamodb::{Fault, batch, failed_condition, tag_page};
use serde_json::Value;

/// One line, then JSON. `page PARTITION PREFIX AFTER LIMIT` with `.` for an empty text is for a response to a `Query`, `batch TABLE
/// KIND ID ...` for one to a `BatchGetItem`, and `cancelled N` for the error of a transaction with so many writes.
///
/// The ids of an accepted page are of the range; an accepted batch has each id at most once, and of the requested ones only; the reason
/// for which a condition failed is one. The error for a refused one is short ASCII.
pub fn dynamodb_tags(data: &[u8]) -> bool {
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else {
        return false;
    };
    let (line, text) = (str::from_utf8(&data[..end]), &data[end + 1..]);
    let (Ok(line), Ok(json)) = (line, serde_json::from_slice::<Value>(text)) else {
        return false;
    };
    let word = |found| if found == "." { "" } else { found };
    let words: Vec<&str> = line.split(' ').map(word).collect();
    let checked = match words.as_slice() {
        ["page", partition, prefix, after, limit] => match limit.parse() {
            Ok(limit) if (1..=LISTING_MAX).contains(&limit) => {
                page(&json, partition, [prefix, after], limit)
            }
            _ => return false,
        },
        ["batch", table, kind, ids @ ..] => {
            let ids: BTreeSet<String> = ids.iter().map(|id| (*id).to_owned()).collect();
            records(&json, table, kind, &ids)
        }
        ["cancelled", writes] => match writes.parse() {
            Ok(writes) => cancelled(&json, writes),
            Err(_) => return false,
        },
        _ => return false,
    };
    let Err(fault) = checked else {
        return true;
    };
    let text = fault.to_string();
    assert!(text.is_ascii() || !line.is_ascii(), "{text}");
    assert!(text.len() <= 700 + 2 * line.len(), "{text}");
    false
}

fn page(json: &Value, partition: &str, range: [&str; 2], limit: usize) -> Result<(), Fault> {
    let ids = tag_page(json, partition, range, limit)?;
    assert!(ids.len() <= limit);
    let [prefix, mut before] = range;
    for id in &ids {
        assert!(is_id(id) && id.starts_with(prefix) && id.as_str() > before);
        before = id;
    }
    Ok(())
}

fn records(json: &Value, table: &str, kind: &str, ids: &BTreeSet<String>) -> Result<(), Fault> {
    let asked: Vec<String> = ids.iter().cloned().collect();
    let read = batch(json, table, kind, &asked)?;
    let given = read.items.iter().map(|item| &item.id);
    let all: Vec<&String> = given.chain(&read.unprocessed).collect();
    let once: BTreeSet<&String> = all.iter().copied().collect();
    assert_eq!(all.len(), once.len());
    assert!(once.iter().all(|id| ids.contains(*id)));
    Ok(())
}

fn cancelled(json: &Value, writes: usize) -> Result<(), Fault> {
    let reason = failed_condition(json, writes)?;
    assert_eq!(reason["Code"], "ConditionalCheckFailed");
    assert_eq!(reason, json["CancellationReasons"][0]);
    Ok(())
}
