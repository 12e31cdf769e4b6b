//! Writes, each with a condition.

use permafrost_common::store::Expected;
use serde_json::{Value, json};

use super::call::Answer;
use super::client::DynamoDb;
use super::error::Fault;
use super::item::{
    ID, ITEM_TEXT_MAX, Item, TAGS, VERSION, form, item, key, partition, split, tag_set,
};
use super::transaction;
use crate::store::accepted::{check_place, check_record, check_tags, check_version};
use crate::store::{DeleteOutcome, PutOutcome, StoreClientError};

/// How often a write is adapted to the tags that the record has. Once is enough unless records of the same version follow each other.
const ROUNDS: usize = 4;

impl DynamoDb {
    /// Stores the next version of a record, with these tags instead of those before, if the table has the expected one. One round trip,
    /// or two if it changes the tags of a record.
    ///
    /// A conflict is one with another write, also if earlier attempts of this one had no response.
    ///
    /// # Errors
    ///
    /// After [`StoreClientError::UnknownOutcome`] the record may have been written; after the others it was not.
    pub async fn put(
        &self,
        kind: &str,
        id: &str,
        expected: Expected,
        bytes: &[u8],
        tags: &str,
    ) -> Result<PutOutcome, StoreClientError> {
        check_place(kind, id)?;
        check_record(bytes)?;
        check_tags(tags)?;
        let (before, next) = versions(expected)?;
        let written = self.write(Write {
            kind,
            id,
            before,
            item: Some(item(kind, id, next, bytes, tags)),
            tags,
        });
        let Some(Failed { found, uncertain }) = written.await? else {
            return Ok(PutOutcome::Stored { version: next });
        };
        let unknown = |fault| no_outcome(fault, uncertain);
        let current = found.as_ref().map(|item| item.version);
        match found {
            // Only a write of this record makes these very bytes, so that an attempt without a response did it.
            Some(item) if uncertain && item.version == next && item.record == bytes => {
                Ok(PutOutcome::Stored { version: next })
            }
            _ if current == before => Err(unknown(contradiction(current))),
            // What such an attempt wrote would still be there, or another would have been written in its place.
            Some(item) if !uncertain || item.version == next => {
                Ok(PutOutcome::Conflict { current })
            }
            None if !uncertain => Ok(PutOutcome::Conflict { current }),
            _ => Err(unknown(superseded(current))),
        }
    }

    /// Deletes a record and its tags if the table has this version of it. One round trip, or two if it has tags.
    ///
    /// # Errors
    ///
    /// After [`StoreClientError::UnknownOutcome`] the record may have been deleted; after the others it was not.
    pub async fn delete(
        &self,
        kind: &str,
        id: &str,
        version: u64,
    ) -> Result<DeleteOutcome, StoreClientError> {
        check_place(kind, id)?;
        check_version(version)?;
        let deleted = self.write(Write {
            kind,
            id,
            before: Some(version),
            item: None,
            tags: "",
        });
        let Some(Failed { found, uncertain }) = deleted.await? else {
            return Ok(DeleteOutcome::Deleted);
        };
        let unknown = |fault| no_outcome(fault, uncertain);
        let current = found.map(|item| item.version);
        match current {
            Some(found) if found == version => Err(unknown(contradiction(current))),
            // An attempt without a response did it, or another enclave: only one of them may count it as its own.
            None if uncertain => Err(unknown(superseded(current))),
            current => Ok(DeleteOutcome::Conflict { current }),
        }
    }

    /// Runs a write; `None` if it was executed. Its condition has the tags of the version before, too, so that the tags' items always
    /// are those of the record. Until DynamoDB names others, they are taken to be those after it.
    async fn write(&self, write: Write<'_>) -> Result<Option<Failed>, StoreClientError> {
        let mut tags = write.before.map_or("", |_| write.tags).to_owned();
        let mut uncertain = false;
        for _ in 0..ROUNDS {
            let made = write.call(self.table.name(), &tags);
            let (call, body) = made.map_err(|fault| no_outcome(fault, uncertain))?;
            let called = self.call(call, &body, ITEM_TEXT_MAX).await;
            uncertain |= called.uncertain;
            let unknown = |fault| no_outcome(fault, uncertain);
            let found = match called.outcome.map_err(unknown)? {
                Answer::Done(_) => return Ok(None),
                Answer::ConditionFailed(failed) => {
                    let found = self.found(&failed, write.kind, write.id);
                    found.await.map_err(unknown)?
                }
            };
            match &found {
                Some(item) if write.before == Some(item.version) && item.tags != tags => {
                    tags.clone_from(&item.tags);
                }
                _ => return Ok(Some(Failed { found, uncertain })),
            }
        }
        let fault = form("the record has other tags each time, and the same version");
        Err(no_outcome(fault, uncertain))
    }

    /// What the table has instead of what a condition named. DynamoDB's error has the item; one without it means that there is none,
    /// or comes from what does not know `ReturnValuesOnConditionCheckFailure`, so that the item is read.
    async fn found(&self, error: &Value, kind: &str, id: &str) -> Result<Option<Item>, Fault> {
        match Item::of(error, kind, id)? {
            Some(item) => Ok(Some(item)),
            None => self.item(kind, id).await,
        }
    }
}

/// The version that the table must have, and the one that it gets.
fn versions(expected: Expected) -> Result<(Option<u64>, u64), StoreClientError> {
    match expected {
        Expected::Absent => Ok((None, 1)),
        Expected::Version(version) => {
            check_version(version)?;
            Ok((Some(version), version + 1))
        }
    }
}

/// A write of one record.
struct Write<'a> {
    kind: &'a str,
    id: &'a str,
    /// The version that the table must have.
    before: Option<u64>,
    /// What it gets, or nothing.
    item: Option<Value>,
    /// The tags that the record then has.
    tags: &'a str,
}

/// What the table had when a condition did not hold.
struct Failed {
    found: Option<Item>,
    /// Whether an attempt without a response may have been executed.
    uncertain: bool,
}

impl Write<'_> {
    /// The call of a write after which only these tags' items are there: a transaction if it changes some.
    fn call(&self, table: &str, before: &str) -> Result<(&'static str, Value), Fault> {
        let mut record = match &self.item {
            Some(item) => json!({"TableName": table, "Item": item}),
            None => json!({"TableName": table, "Key": key(self.kind, self.id)}),
        };
        if let Some(record) = record.as_object_mut() {
            record.extend(self.condition(before));
        }
        let without = |tag: &&str, tags: &str| !split(tags).any(|other| other == *tag);
        let added = split(self.tags).filter(|tag| without(tag, before));
        let gone = split(before).filter(|tag| without(tag, self.tags));
        let place = |tag| key(&partition(self.kind, tag), self.id);
        let added = added.map(|tag| json!({"Put": {"TableName": table, "Item": place(tag)}}));
        let gone = gone.map(|tag| json!({"Delete": {"TableName": table, "Key": place(tag)}}));
        let others: Vec<Value> = added.chain(gone).collect();
        let (call, name) = match self.item {
            Some(_) => ("PutItem", "Put"),
            None => ("DeleteItem", "Delete"),
        };
        if others.is_empty() {
            return Ok((call, record));
        }
        let mut writes = vec![json!({name: record})];
        writes.extend(others);
        Ok(("TransactWriteItems", transaction::body(writes)?))
    }

    /// The version and the tags that the record must have, as members of a call.
    fn condition(&self, tags: &str) -> Vec<(String, Value)> {
        let number = |version: u64| json!({"N": version.to_string()});
        let (condition, names, values) = match (self.before, tags) {
            (None, _) => ("attribute_not_exists(#i)", json!({"#i": ID}), None),
            (Some(version), "") => (
                "#v = :v AND attribute_not_exists(#t)",
                json!({"#v": VERSION, "#t": TAGS}),
                Some(json!({":v": number(version)})),
            ),
            (Some(version), tags) => (
                "#v = :v AND #t = :t",
                json!({"#v": VERSION, "#t": TAGS}),
                Some(json!({":v": number(version), ":t": tag_set(tags)})),
            ),
        };
        let members = [
            ("ConditionExpression", Some(json!(condition))),
            ("ExpressionAttributeNames", Some(names)),
            ("ExpressionAttributeValues", values),
            (
                "ReturnValuesOnConditionCheckFailure",
                Some(json!("ALL_OLD")),
            ),
        ];
        let members = members.into_iter();
        members
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}

/// After a failure: nothing was written if DynamoDB said so of every attempt that it received.
fn no_outcome(fault: Fault, uncertain: bool) -> StoreClientError {
    let fault = Box::new(fault).into();
    if uncertain {
        StoreClientError::UnknownOutcome(fault)
    } else {
        StoreClientError::Failed(fault)
    }
}

fn contradiction(current: Option<u64>) -> Fault {
    let current = name(current);
    Fault::Form(format!(
        "it says that the condition failed, and that the record's version is {current}, which is the expected one"
    ))
}

fn superseded(current: Option<u64>) -> Fault {
    let current = name(current);
    Fault::Form(format!(
        "the response to an attempt was lost, and the record's version is now {current}"
    ))
}

fn name(version: Option<u64>) -> String {
    version.map_or("none".to_owned(), |version| version.to_string())
}
