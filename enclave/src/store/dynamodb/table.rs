//! Whether the table is as the store needs it.

use serde_json::{Value, json};

use super::call::{Answer, Called};
use super::client::{DynamoDb, failed, unconditional};
use super::error::Fault;
use super::item::{ID, KIND};
use crate::store::StoreClientError;
use crate::store::error::quotable;

/// The longest description, in bytes. One without indexes has about 1 KiB.
const DESCRIPTION_MAX: usize = 64 * 1024;

/// What an administrator should know of a table that can be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TableState {
    /// Whether it is protected against deletion.
    pub deletion_protection: bool,
}

impl DynamoDb {
    /// Checks that the table is the one of the configuration, that it can be used, and that its keys are those of this store.
    ///
    /// A table with replicas in other regions is refused: DynamoDB keeps the last of two writes in different regions, whatever their
    /// conditions, and a strongly consistent read sees those of its own region only. One with a local secondary index is
    /// refused because its partitions cannot be divided.
    ///
    /// # Errors
    ///
    /// [`StoreClientError::Failed`].
    pub async fn check_table(&self) -> Result<TableState, StoreClientError> {
        let body = json!({"TableName": self.table.name()});
        let Called { outcome, .. } = self.call("DescribeTable", &body, DESCRIPTION_MAX).await;
        let checked = match outcome.map_err(failed)? {
            Answer::Done(response) => self.check_description(&response),
            Answer::ConditionFailed(_) => Err(unconditional()),
        };
        checked.map_err(failed)
    }

    /// DynamoDB describes more than this, and may come to describe anything: only what matters is read.
    fn check_description(&self, response: &Value) -> Result<TableState, Fault> {
        let table = response.get("Table").unwrap_or(&Value::Null);
        let arn = self.table.to_string();
        let keys = json!([
            {"AttributeName": KIND, "KeyType": "HASH"},
            {"AttributeName": ID, "KeyType": "RANGE"},
        ]);
        expect(table, "TableArn", &json!(arn))?;
        expect(table, "TableStatus", &json!("ACTIVE"))?;
        expect(table, "KeySchema", &keys)?;
        let types = table.get("AttributeDefinitions").and_then(Value::as_array);
        for name in [KIND, ID] {
            let wanted = json!({"AttributeName": name, "AttributeType": "S"});
            if !types.is_some_and(|types| types.contains(&wanted)) {
                let rule = format!("has a key {name} that is not of the type S");
                return Err(Fault::Table(rule));
            }
        }
        for (name, reason) in [
            (
                "Replicas",
                "replicas in other regions, which overwrite each other's records",
            ),
            (
                "LocalSecondaryIndexes",
                "a local secondary index, which limits its partitions",
            ),
        ] {
            let found = table.get(name).filter(|found| !found.is_null());
            if found.is_some_and(|found| found.as_array().is_none_or(|found| !found.is_empty())) {
                return Err(Fault::Table(format!(
                    "has {reason} ({name}); expected none"
                )));
            }
        }
        let protection = table.get("DeletionProtectionEnabled");
        Ok(TableState {
            deletion_protection: protection.and_then(Value::as_bool).unwrap_or(false),
        })
    }
}

fn expect(table: &Value, name: &str, expected: &Value) -> Result<(), Fault> {
    let found = table.get(name).unwrap_or(&Value::Null);
    if found == expected {
        return Ok(());
    }
    let found = quotable(found.to_string().as_bytes());
    Err(Fault::Table(format!(
        "has the {name} {found}; expected {expected}"
    )))
}
