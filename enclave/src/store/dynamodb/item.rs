//! A record as an item of the table.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use permafrost_common::store::{
    RECORD_MAX, TAG_LEN, TAGS_MAX, VERSION_MAX, is_id, is_kind, is_tag, is_tags,
};
use serde_json::{Map, Value, json};

use super::error::Fault;
use crate::store::error::quotable;

pub(super) const KIND: &str = "kind";
pub(super) const ID: &str = "id";
pub(super) const VERSION: &str = "version";
const RECORD: &str = "record";
pub(super) const TAGS: &str = "tags";

/// The longest item as JSON, in bytes, and with what stands around it in a response.
pub(super) const ITEM_TEXT_MAX: usize = RECORD_MAX / 3 * 4 + 8192;

/// A record that DynamoDB gave.
#[derive(Debug, PartialEq)]
pub struct Item {
    /// The record's id.
    pub id: String,
    /// From 1.
    pub version: u64,
    /// 0 to [`RECORD_MAX`] bytes.
    pub record: Bytes,
    /// The record's tags in ascending order, with commas between them, or empty.
    pub tags: String,
}

/// The key of an item. A tag's whole item is one.
pub(super) fn key(kind: &str, id: &str) -> Value {
    json!({KIND: {"S": kind}, ID: {"S": id}})
}

/// The whole item, as JSON.
pub fn item(kind: &str, id: &str, version: u64, record: &[u8], tags: &str) -> Value {
    let mut item = json!({
        KIND: {"S": kind},
        ID: {"S": id},
        VERSION: {"N": version.to_string()},
        RECORD: {"B": STANDARD.encode(record)},
    });
    if let (Some(item), false) = (item.as_object_mut(), tags.is_empty()) {
        item.insert(TAGS.to_owned(), tag_set(tags));
    }
    item
}

/// The partition key of a tag's items.
pub(super) fn partition(kind: &str, tag: &str) -> String {
    format!("{kind}#{tag}")
}

/// Tags as an attribute. DynamoDB has no empty set.
pub(super) fn tag_set(tags: &str) -> Value {
    json!({"SS": split(tags).collect::<Vec<_>>()})
}

/// Each of the tags.
pub(super) fn split(tags: &str) -> impl Iterator<Item = &str> {
    tags.split(',').filter(|tag| !tag.is_empty())
}

impl Item {
    /// Reads an item, which must be of this kind and have the four attributes, perhaps tags, each of its type, and nothing else.
    ///
    /// # Errors
    ///
    /// [`Fault::Form`] says which rule failed.
    pub fn parse(item: &Value, kind: &str) -> Result<Self, Fault> {
        let item = item
            .as_object()
            .ok_or_else(|| form("an item is not an object"))?;
        let id = text(item, ID, "S")?;
        let refuse = |what: String| {
            let id = quotable(id.as_bytes());
            Fault::Form(format!("the item with the id \"{id}\": {what}"))
        };
        if !is_id(id) {
            return Err(refuse("expected 1 to 128 of a-z, 0-9 and -".into()));
        }
        let found = text(item, KIND, "S")?;
        if found != kind || !is_kind(found) {
            let found = quotable(found.as_bytes());
            return Err(refuse(format!(
                "its kind is \"{found}\"; expected \"{kind}\""
            )));
        }
        let number = text(item, VERSION, "N")?;
        let version = version(number).ok_or_else(|| {
            let number = quotable(number.as_bytes());
            refuse(format!(
                "its version is \"{number}\"; expected 1 to {VERSION_MAX}"
            ))
        })?;
        let record = STANDARD
            .decode(text(item, RECORD, "B")?)
            .map_err(|error| refuse(format!("its record is not base64: {error}")))?;
        if record.len() > RECORD_MAX {
            let found = record.len();
            return Err(refuse(format!(
                "its record has {found} bytes; expected at most {RECORD_MAX}"
            )));
        }
        let tags = item.get(TAGS).map_or(Some(String::new()), joined);
        let tags = tags.ok_or_else(|| {
            refuse(format!(
                "its tags are not a set of 1 to {TAGS_MAX} of {TAG_LEN} hexadecimal digits"
            ))
        })?;
        if let Some(other) = item
            .keys()
            .find(|name| !ATTRIBUTES.contains(&name.as_str()) && *name != TAGS)
        {
            let other = quotable(other.as_bytes());
            return Err(refuse(format!(
                "it has the attribute \"{other}\"; expected {}, {TAGS}",
                ATTRIBUTES.join(", ")
            )));
        }
        Ok(Self {
            id: id.to_owned(),
            version,
            record: record.into(),
            tags,
        })
    }

    /// Reads the item of a call about one record; `None` where the response has none.
    pub(super) fn of(response: &Value, kind: &str, id: &str) -> Result<Option<Self>, Fault> {
        let Some(item) = response.get("Item") else {
            return Ok(None);
        };
        let item = Self::parse(item, kind)?;
        if item.id == id {
            return Ok(Some(item));
        }
        let found = item.id;
        Err(Fault::Form(format!(
            "it has the item \"{found}\"; expected \"{id}\""
        )))
    }
}

/// The tags of a set, in ascending order: DynamoDB gives them in any.
fn joined(set: &Value) -> Option<String> {
    let set = set.as_object().filter(|set| set.len() == 1)?.get("SS")?;
    let tags = set.as_array()?.iter();
    let tags: Option<Vec<&str>> = tags
        .map(|tag| tag.as_str().filter(|tag| is_tag(tag)))
        .collect();
    let mut tags = tags?;
    tags.sort_unstable();
    let tags = tags.join(",");
    is_tags(&tags).then_some(tags)
}

/// A response or an item that is not of its form.
pub(super) fn form(rule: &str) -> Fault {
    Fault::Form(rule.to_owned())
}

const ATTRIBUTES: &[&str] = &[KIND, ID, VERSION, RECORD];

/// An attribute of a type: an object with that one member.
pub(super) fn text<'a>(
    item: &'a Map<String, Value>,
    name: &str,
    kind: &str,
) -> Result<&'a str, Fault> {
    let value = item
        .get(name)
        .ok_or_else(|| Fault::Form(format!("an item has no attribute {name}")))?;
    value
        .as_object()
        .filter(|value| value.len() == 1)
        .and_then(|value| value.get(kind))
        .and_then(Value::as_str)
        .ok_or_else(|| Fault::Form(format!("an item's {name} is not of the type {kind}")))
}

/// Only what [`item`] makes of 1 to [`VERSION_MAX`].
fn version(text: &str) -> Option<u64> {
    let version: u64 = text.parse().ok()?;
    ((1..=VERSION_MAX).contains(&version) && version.to_string() == text).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_read_as_it_was_written() {
        let [none, all] = [0, TAGS_MAX].map(|count| tags(0..count));
        for (version, record, tags) in [(1, vec![], none), (VERSION_MAX, vec![7; RECORD_MAX], all)]
        {
            let written = item("key", "a-1", version, &record, &tags);
            let text = written.to_string().len();
            // A cancelled transaction has a reason for each of 17 items, too.
            assert!(text + 17 * 256 < ITEM_TEXT_MAX, "{text}");
            let read = Item::parse(&written, "key").unwrap();
            assert_eq!((read.id.as_str(), read.version), ("a-1", version));
            assert_eq!((read.record, read.tags), (record.into(), tags));
        }
    }

    #[test]
    fn tags_are_read_in_any_order_and_have_one_form() {
        let mut read = item("key", "a", 1, b"", "");
        read[TAGS] = json!({"SS": [tag(2), tag(0), tag(1)]});
        assert_eq!(Item::parse(&read, "key").unwrap().tags, tags(0..3));
    }

    fn tag(number: usize) -> String {
        format!("{number:0TAG_LEN$x}")
    }

    fn tags(numbers: std::ops::Range<usize>) -> String {
        numbers.map(tag).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn an_item_that_is_not_a_record_is_refused_with_the_attribute() {
        let good = item("key", "a", 3, b"sealed", &tag(1));
        let many: Vec<_> = (0..=TAGS_MAX).map(tag).collect();
        for (name, value, named) in [
            ("kind", json!({"S": "user"}), "kind"),
            ("kind", json!({"N": "1"}), "kind"),
            ("id", json!({"S": "A"}), "a-z"),
            ("id", json!({"S": ""}), "a-z"),
            ("id", json!("a"), "id"),
            ("version", json!({"N": "0"}), "version"),
            ("version", json!({"N": "03"}), "version"),
            ("version", json!({"N": "+3"}), "version"),
            ("version", json!({"N": "3.0"}), "version"),
            ("version", json!({"N": "9223372036854775808"}), "version"),
            ("version", json!({"N": 3}), "version"),
            ("version", json!({"S": "3"}), "version"),
            ("version", json!({"N": "3", "S": "3"}), "version"),
            ("version", Value::Null, "version"),
            ("record", json!({"B": "AAA"}), "base64"),
            ("record", json!({"S": "AAAA"}), "record"),
            (
                "record",
                json!({"B": STANDARD.encode(vec![0; RECORD_MAX + 1])}),
                "record",
            ),
            ("other", json!({"S": "x"}), "other"),
            ("tags", json!({"SS": []}), "tags"),
            ("tags", json!({"SS": [""]}), "tags"),
            ("tags", json!({"SS": [tag(1), tag(1)]}), "tags"),
            ("tags", json!({"SS": [tag(1).to_uppercase() + "A"]}), "tags"),
            ("tags", json!({"SS": [tags(0..2)]}), "tags"),
            ("tags", json!({"SS": [1]}), "tags"),
            ("tags", json!({"SS": many}), "tags"),
            ("tags", json!({"SS": [tag(1)], "S": tag(1)}), "tags"),
            ("tags", json!({"S": tag(1)}), "tags"),
            ("tags", json!({"L": [{"S": tag(1)}]}), "tags"),
            ("tags", json!({"NULL": true}), "tags"),
        ] {
            let mut bad = good.clone();
            bad[name] = value;
            let error = Item::parse(&bad, "key").unwrap_err().to_string();
            assert!(
                error.contains(named) && error.len() < 400,
                "{name}: {error}"
            );
        }
        for name in ATTRIBUTES {
            let mut bad = good.clone();
            bad.as_object_mut().unwrap().remove(*name);
            let error = Item::parse(&bad, "key").unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        assert!(Item::parse(&json!([]), "key").is_err());
    }
}
