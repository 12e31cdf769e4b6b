//! Listings: one `Query` of a partition, in order of the sort key.

use permafrost_common::store::{LISTING_BYTES_MAX, LISTING_MAX, RECORD_MAX};
use serde_json::{Value, json};

use super::call::{Answer, Called};
use super::client::{DynamoDb, failed, unconditional};
use super::error::Fault;
use super::item::{ID, Item, KIND, form, key};
use crate::store::accepted::Range;
use crate::store::{Entries, Entry, StoreClientError};

/// The longest response as JSON, in bytes: items of 1 MiB (as DynamoDB counts) and the one that exceeds it, in base64, and 512 bytes
/// for each item's names, kind, id and version.
const QUERY_TEXT_MAX: usize = (LISTING_BYTES_MAX + RECORD_MAX) / 3 * 4 + (LISTING_MAX + 1) * 512;

impl DynamoDb {
    /// The records of a range, in ascending byte order of id. Ends
    /// early if the records would together exceed [`LISTING_BYTES_MAX`], but never before the first. Strongly consistent reads: one,
    /// or one more for each MiB that DynamoDB divides the records into; with a tag two or more.
    ///
    /// # Errors
    ///
    /// [`StoreClientError::Invalid`] and [`StoreClientError::Failed`].
    pub async fn listing(&self, kind: &str, range: Range<'_>) -> Result<Entries, StoreClientError> {
        range.check(kind)?;
        // DynamoDB refuses a start that is outside of the condition.
        let start = match range.after {
            after if after.starts_with(range.prefix) => after,
            after if after < range.prefix => "",
            _ => return Ok(Found::default().listing(range.limit)),
        };
        let listing = match range.tag {
            None => self.records(kind, range, start).await,
            Some(tag) => self.tagged(kind, tag, range, start).await,
        };
        listing.map_err(failed)
    }

    async fn records(&self, kind: &str, range: Range<'_>, start: &str) -> Result<Entries, Fault> {
        let mut found = Found::default();
        let mut start = start.to_owned();
        loop {
            let wanted = found.wanted(range);
            let page = self.query(kind, range.prefix, &start, wanted).await?;
            let page = Page::read(&page, kind, range.starting(&start), wanted, Item::parse)?;
            for item in page.items {
                found.add(item);
            }
            match page.last {
                Some(last) if !found.is_enough(range) => start = last,
                _ => return Ok(found.listing(range.limit)),
            }
        }
    }

    /// A response with at most `wanted` items of a partition, after the id `start`, or from the first if it is empty.
    pub(super) async fn query(
        &self,
        partition: &str,
        prefix: &str,
        start: &str,
        wanted: usize,
    ) -> Result<Value, Fault> {
        let body = self.body(partition, prefix, start, wanted);
        let Called { outcome, .. } = self.call("Query", &body, QUERY_TEXT_MAX).await;
        match outcome? {
            Answer::Done(page) => Ok(page),
            Answer::ConditionFailed(_) => Err(unconditional()),
        }
    }

    fn body(&self, partition: &str, prefix: &str, start: &str, limit: usize) -> Value {
        let (condition, mut names, mut values) = (
            "#k = :k",
            json!({"#k": KIND}),
            json!({":k": {"S": partition}}),
        );
        let mut body = json!({
            "TableName": self.table.name(),
            "ConsistentRead": true,
            "KeyConditionExpression": condition,
            "Limit": limit,
        });
        if !prefix.is_empty() {
            set(&mut names, "#i", json!(ID));
            set(&mut values, ":p", json!({"S": prefix}));
            let condition = format!("{condition} AND begins_with(#i, :p)");
            set(&mut body, "KeyConditionExpression", json!(condition));
        }
        set(&mut body, "ExpressionAttributeNames", names);
        set(&mut body, "ExpressionAttributeValues", values);
        if !start.is_empty() {
            set(&mut body, "ExclusiveStartKey", key(partition, start));
        }
        body
    }
}

/// Reads one response to a `Query`, which is for at most `limit` + 1 items after `after`, as a listing of at most `limit` records.
///
/// # Errors
///
/// [`Fault::Form`] says which rule failed.
pub fn page(
    response: &Value,
    kind: &str,
    [prefix, after]: [&str; 2],
    limit: usize,
) -> Result<Entries, Fault> {
    let range = Range::after(after, limit).under(prefix);
    let mut found = Found::default();
    for item in Page::read(response, kind, range, limit + 1, Item::parse)?.items {
        found.add(item);
    }
    Ok(found.listing(limit))
}

/// What is in a partition in order of id.
pub(super) trait Identified {
    fn id(&self) -> &str;
}

impl Identified for Item {
    fn id(&self) -> &str {
        &self.id
    }
}

/// A response to a `Query`.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// The id of the last item if there may be more.
    pub(super) last: Option<String>,
}

impl<T: Identified> Page<T> {
    pub(super) fn read(
        response: &Value,
        partition: &str,
        range: Range<'_>,
        wanted: usize,
        parse: impl Fn(&Value, &str) -> Result<T, Fault>,
    ) -> Result<Self, Fault> {
        let found = response
            .get("Items")
            .and_then(Value::as_array)
            .ok_or_else(|| form("it has no array Items"))?;
        if found.len() > wanted {
            let found = found.len();
            return Err(Fault::Form(format!(
                "it has {found} items; expected at most {wanted}"
            )));
        }
        let mut items: Vec<T> = Vec::with_capacity(found.len());
        for item in found {
            let item = parse(item, partition)?;
            let before = items.last().map_or(range.after, T::id);
            if !item.id().starts_with(range.prefix) || item.id() <= before {
                let (id, prefix) = (item.id(), range.prefix);
                return Err(Fault::Form(format!(
                    "it has the id \"{id}\"; expected one that begins with \"{prefix}\" and is greater than \"{before}\""
                )));
            }
            items.push(item);
        }
        // DynamoDB evaluates nothing that it does not give: there is no filter.
        let last = match (response.get("LastEvaluatedKey"), items.last()) {
            (None, _) => None,
            (Some(last), Some(item)) if *last == key(partition, item.id()) => {
                Some(item.id().to_owned())
            }
            (Some(_), _) => {
                return Err(form("its LastEvaluatedKey is not the key of its last item"));
            }
        };
        Ok(Self { items, last })
    }
}

/// The records that were found so far.
#[derive(Default)]
pub(super) struct Found {
    records: Vec<Entry>,
    bytes: usize,
}

impl Found {
    /// How many more records a listing needs. One more than asked for shows whether there are more: DynamoDB does not say it after the
    /// last.
    pub(super) fn wanted(&self, range: Range<'_>) -> usize {
        (range.limit + 1).saturating_sub(self.records.len())
    }

    /// Whether there are more than a listing may have.
    pub(super) fn is_enough(&self, range: Range<'_>) -> bool {
        self.wanted(range) == 0 || self.bytes > LISTING_BYTES_MAX
    }

    pub(super) fn add(&mut self, item: Item) {
        self.bytes += item.record.len();
        self.records.push(Entry {
            id: item.id,
            version: item.version,
            bytes: item.record,
        });
    }

    /// The records that a listing may have.
    pub(super) fn listing(mut self, limit: usize) -> Entries {
        let all = self.records.len();
        let mut bytes = 0;
        let fitting = self.records.iter().take_while(|entry| {
            bytes += entry.bytes.len();
            bytes <= LISTING_BYTES_MAX
        });
        // One record is never longer than a listing.
        let kept = fitting.count().min(limit);
        self.records.truncate(kept);
        Entries {
            records: self.records,
            more: kept < all,
        }
    }
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}
