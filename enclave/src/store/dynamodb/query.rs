//! Listings: one `Query` of a partition, in order of the sort key.

use permafrost_common::store::{LISTING_BYTES_MAX, LISTING_MAX, RECORD_MAX};
use serde_json::{Value, json};

use super::call::{Answer, Called};
use super::client::{DynamoDb, failed, no_tags, unconditional};
use super::error::Fault;
use super::item::{ID, Item, KIND, form, key};
use crate::store::accepted::Range;
use crate::store::{Entries, Entry, StoreClientError};

/// The longest response as JSON, in bytes: items of 1 MiB (as DynamoDB counts) and the one that exceeds it, in base64, and 512 bytes
/// for each item's names, kind, id and version.
const QUERY_TEXT_MAX: usize = (LISTING_BYTES_MAX + RECORD_MAX) / 3 * 4 + (LISTING_MAX + 1) * 512;

impl DynamoDb {
    /// The records of a range, in ascending byte order of id; tags are not supported yet. Ends
    /// early if the records would together exceed [`LISTING_BYTES_MAX`], but never before the first. Strongly consistent reads: one,
    /// or one more for each MiB that DynamoDB divides the records into.
    ///
    /// # Errors
    ///
    /// [`StoreClientError::Invalid`] and [`StoreClientError::Failed`].
    pub async fn listing(&self, kind: &str, range: Range<'_>) -> Result<Entries, StoreClientError> {
        range.check(kind)?;
        no_tags(range.tag.unwrap_or_default())?;
        self.query(kind, range).await.map_err(failed)
    }

    async fn query(&self, kind: &str, range: Range<'_>) -> Result<Entries, Fault> {
        let mut found = Found::default();
        // DynamoDB refuses a start that is outside of the condition.
        let mut start = match range.after {
            after if after.starts_with(range.prefix) => after.to_owned(),
            after if after < range.prefix => String::new(),
            _ => {
                return Ok(Entries {
                    records: Vec::new(),
                    more: false,
                });
            }
        };
        loop {
            // One more than asked for shows whether there are more: DynamoDB does not say it after the last.
            let wanted = range.limit + 1 - found.records.len();
            let body = self.body(kind, range.prefix, &start, wanted);
            let Called { outcome, .. } = self.call("Query", &body, QUERY_TEXT_MAX).await;
            let Answer::Done(page) = outcome? else {
                return Err(unconditional());
            };
            let is_last = found.add(&page, kind, range, wanted)?;
            if is_last || found.records.len() > range.limit || found.bytes > LISTING_BYTES_MAX {
                return Ok(found.listing(range.limit));
            }
            start = match found.records.last() {
                Some(last) => last.id.clone(),
                None => return Err(form("it has no item and says that there are more")),
            };
        }
    }

    fn body(&self, kind: &str, prefix: &str, start: &str, limit: usize) -> Value {
        let (condition, mut names, mut values) =
            ("#k = :k", json!({"#k": KIND}), json!({":k": {"S": kind}}));
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
            set(&mut body, "ExclusiveStartKey", key(kind, start));
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
    found.add(response, kind, range, limit + 1)?;
    Ok(found.listing(limit))
}

/// What the pages so far had.
#[derive(Default)]
struct Found {
    records: Vec<Entry>,
    bytes: usize,
}

impl Found {
    /// Adds a page, and tells whether it is the last.
    fn add(
        &mut self,
        page: &Value,
        kind: &str,
        range: Range<'_>,
        wanted: usize,
    ) -> Result<bool, Fault> {
        let items = page
            .get("Items")
            .and_then(Value::as_array)
            .ok_or_else(|| form("it has no array Items"))?;
        if items.len() > wanted {
            let found = items.len();
            return Err(Fault::Form(format!(
                "it has {found} items; expected at most {wanted}"
            )));
        }
        for item in items {
            let Item {
                id,
                version,
                record: bytes,
            } = Item::parse(item, kind)?;
            let before = self.records.last().map_or(range.after, |last| &last.id);
            if !id.starts_with(range.prefix) || id.as_str() <= before {
                let prefix = range.prefix;
                return Err(Fault::Form(format!(
                    "it has the id \"{id}\"; expected one that begins with \"{prefix}\" and is greater than \"{before}\""
                )));
            }
            self.bytes += bytes.len();
            self.records.push(Entry { id, version, bytes });
        }
        match page.get("LastEvaluatedKey") {
            None => Ok(true),
            // DynamoDB evaluates nothing that it does not give: there is no filter.
            Some(last) => match self.records.last() {
                Some(entry) if *last == key(kind, &entry.id) => Ok(false),
                _ => Err(form("its LastEvaluatedKey is not the key of its last item")),
            },
        }
    }

    /// The records that a listing may have.
    fn listing(mut self, limit: usize) -> Entries {
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
