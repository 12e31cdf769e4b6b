//! Listings by tag: the ids of the tag's partition, then their records.

use std::collections::BTreeMap;

use permafrost_common::store::is_id;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::call::{Answer, BACKOFF, Called};
use super::client::{DynamoDb, unconditional};
use super::error::Fault;
use super::item::{ID, ITEM_TEXT_MAX, Item, KIND, form, key, partition, split, text};
use super::query::{Found, Identified, Page};
use crate::store::Entries;
use crate::store::accepted::Range;
use crate::store::error::quotable;

/// The most records that are asked for at once: of the greatest size these are the 16 MiB that DynamoDB gives in one response.
const BATCH: usize = 64;

/// The most pages of a tag's partition that one listing reads. One is enough unless records lose the tag while they are listed.
const PAGES: usize = 256;

impl DynamoDb {
    /// The records of a range that have the tag, from the id `start`.
    ///
    /// The partition and the records are read one after the other, so that a record may have lost the tag, or be gone, when it is
    /// read: it is left out. One that has the tag from before the listing until after it is in both.
    pub(super) async fn tagged(
        &self,
        kind: &str,
        tag: &str,
        range: Range<'_>,
        start: &str,
    ) -> Result<Entries, Fault> {
        let partition = partition(kind, tag);
        let mut found = Found::default();
        let mut start = start.to_owned();
        for _ in 0..PAGES {
            let wanted = found.wanted(range);
            let page = self.query(&partition, range.prefix, &start, wanted).await?;
            let page = Page::read(&page, &partition, range.starting(&start), wanted, place)?;
            for ids in page.items.chunks(BATCH) {
                let mut items = self.items(kind, ids).await?;
                let items = ids.iter().filter_map(|id| items.remove(id));
                for item in items.filter(|item| split(&item.tags).any(|found| found == tag)) {
                    found.add(item);
                }
                if found.is_enough(range) {
                    return Ok(found.listing(range.limit));
                }
            }
            match page.last {
                Some(last) => start = last,
                None => return Ok(found.listing(range.limit)),
            }
        }
        Err(form("the records of a tag do not have it, page after page"))
    }

    /// Those of these records that there are, by id.
    async fn items(&self, kind: &str, ids: &[String]) -> Result<BTreeMap<String, Item>, Fault> {
        let deadline = Instant::now() + self.times.whole;
        let mut found = BTreeMap::new();
        let (mut ids, mut attempts) = (ids.to_vec(), 0);
        loop {
            let body = self.batch_body(kind, &ids);
            let Called { outcome, .. } = self.call("BatchGetItem", &body, BATCH_TEXT_MAX).await;
            let Answer::Done(response) = outcome? else {
                return Err(unconditional());
            };
            let read = batch(&response, self.table.name(), kind, &ids)?;
            found.extend(read.items.into_iter().map(|item| (item.id.clone(), item)));
            if read.unprocessed.is_empty() {
                return Ok(found);
            }
            ids = read.unprocessed;
            attempts += 1;
            let wait = BACKOFF.wait(attempts);
            if Instant::now() + wait >= deadline {
                return Err(Fault::Unprocessed(ids.len()));
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn batch_body(&self, kind: &str, ids: &[String]) -> Value {
        let keys: Vec<_> = ids.iter().map(|id| key(kind, id)).collect();
        json!({"RequestItems": {self.table.name(): {"Keys": keys, "ConsistentRead": true}}})
    }
}

/// Reads one response to a `Query` of a tag's partition for at most `limit` items: the ids after `after`.
///
/// # Errors
///
/// [`Fault::Form`] says which rule failed.
pub fn tag_page(
    response: &Value,
    partition: &str,
    [prefix, after]: [&str; 2],
    limit: usize,
) -> Result<Vec<String>, Fault> {
    let range = Range::after(after, limit).under(prefix);
    Ok(Page::read(response, partition, range, limit, place)?.items)
}

/// What DynamoDB gave of the records that were asked for at once. What is in neither is not in the table.
#[derive(Debug, Default)]
pub struct Batch {
    /// In any order.
    pub items: Vec<Item>,
    /// The ids that have to be asked for again.
    pub unprocessed: Vec<String>,
}

/// Reads a response to a `BatchGetItem` for these ids.
///
/// # Errors
///
/// [`Fault::Form`] says which rule failed.
pub fn batch(response: &Value, table: &str, kind: &str, ids: &[String]) -> Result<Batch, Fault> {
    let mut batch = Batch::default();
    let mut open: Vec<&String> = ids.iter().collect();
    let mut answer = |id: &str| match open.iter().position(|open| *open == id) {
        Some(place) => Ok(open.swap_remove(place).clone()),
        None => Err(Fault::Form(format!(
            "it has the id \"{}\"; expected each of those that were asked for at most once",
            quotable(id.as_bytes())
        ))),
    };
    let items = match of_table(response, "Responses", table)? {
        Some(Value::Array(items)) => items.as_slice(),
        Some(_) => return Err(form("its Responses are not an array")),
        None => &[],
    };
    for item in items {
        let item = Item::parse(item, kind)?;
        answer(&item.id)?;
        batch.items.push(item);
    }
    let Some(unprocessed) = of_table(response, "UnprocessedKeys", table)? else {
        return Ok(batch);
    };
    let keys = unprocessed.get("Keys").and_then(Value::as_array);
    for key in keys.ok_or_else(|| form("its UnprocessedKeys have no array Keys"))? {
        let id = place(key, kind)?;
        batch.unprocessed.push(answer(&id)?);
    }
    Ok(batch)
}

/// The longest response to a `BatchGetItem` as JSON, in bytes.
const BATCH_TEXT_MAX: usize = BATCH * ITEM_TEXT_MAX;

impl Identified for String {
    fn id(&self) -> &str {
        self
    }
}

/// The id of an item or a key that is only its place in this partition.
fn place(item: &Value, partition: &str) -> Result<String, Fault> {
    let object = item.as_object();
    let object = object.ok_or_else(|| form("an item is not an object"))?;
    let id = text(object, ID, "S")?;
    if is_id(id) && *item == key(partition, id) {
        return Ok(id.to_owned());
    }
    let id = quotable(id.as_bytes());
    Err(Fault::Form(format!(
        "the item with the id \"{id}\" is not only the {KIND} \"{partition}\" and the {ID} of a record"
    )))
}

/// What a member has for the table, which is the only one; nothing if it has none.
fn of_table<'a>(
    response: &'a Value,
    member: &str,
    table: &str,
) -> Result<Option<&'a Value>, Fault> {
    let refuse = || Fault::Form(format!("its {member} are not those of the table {table}"));
    let Some(found) = response.get(member) else {
        return Ok(None);
    };
    let found = found.as_object().ok_or_else(refuse)?;
    match (found.len(), found.get(table)) {
        (0, _) => Ok(None),
        (1, Some(found)) => Ok(Some(found)),
        _ => Err(refuse()),
    }
}
