//! Writes, each with a condition.

use permafrost_common::store::Expected;
use serde_json::{Map, Value, json};

use super::call::{Answer, Called};
use super::client::{DynamoDb, no_tags};
use super::error::Fault;
use super::item::{ID, ITEM_TEXT_MAX, Item, VERSION, item, key};
use crate::store::accepted::{check_place, check_record, check_version};
use crate::store::{DeleteOutcome, PutOutcome, StoreClientError};

impl DynamoDb {
    /// Stores the next version of a record if the table has the expected one.
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
        no_tags(tags)?;
        let (before, next) = versions(expected)?;
        let mut body = json!({
            "TableName": self.table.name(),
            "Item": item(kind, id, next, bytes),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        });
        add_condition(&mut body, before);
        let Called { outcome, uncertain } = self.call("PutItem", &body, ITEM_TEXT_MAX).await;
        let unknown = |fault| no_outcome(fault, uncertain);
        let found = match outcome.map_err(unknown)? {
            Answer::Done(_) => return Ok(PutOutcome::Stored { version: next }),
            Answer::ConditionFailed(error) => {
                self.found(&error, kind, id).await.map_err(unknown)?
            }
        };
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

    /// Deletes a record if the table has this version of it.
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
        let mut body = json!({
            "TableName": self.table.name(),
            "Key": key(kind, id),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        });
        add_condition(&mut body, Some(version));
        let Called { outcome, uncertain } = self.call("DeleteItem", &body, ITEM_TEXT_MAX).await;
        let unknown = |fault| no_outcome(fault, uncertain);
        let found = match outcome.map_err(unknown)? {
            Answer::Done(_) => return Ok(DeleteOutcome::Deleted),
            Answer::ConditionFailed(error) => {
                self.found(&error, kind, id).await.map_err(unknown)?
            }
        };
        let current = found.map(|item| item.version);
        match current {
            Some(found) if found == version => Err(unknown(contradiction(current))),
            // An attempt without a response did it, or another enclave: only one of them may count it as its own.
            None if uncertain => Err(unknown(superseded(current))),
            current => Ok(DeleteOutcome::Conflict { current }),
        }
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

fn add_condition(body: &mut Value, before: Option<u64>) {
    let (condition, name, values) = match before {
        None => ("attribute_not_exists(#a)", ID, None),
        Some(version) => {
            let values = json!({":v": {"N": version.to_string()}});
            ("#a = :v", VERSION, Some(values))
        }
    };
    let fields = [
        ("ConditionExpression", Some(json!(condition))),
        ("ExpressionAttributeNames", Some(json!({"#a": name}))),
        ("ExpressionAttributeValues", values),
    ];
    let fields = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    body.as_object_mut()
        .unwrap_or(&mut Map::new())
        .extend(fields);
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
