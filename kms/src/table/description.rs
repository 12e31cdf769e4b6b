//! What DynamoDB says of a table.

use serde_json::{Value, json};

use super::rule::Rule;

/// A table as `DescribeTable` describes it, perhaps with what `DescribeContinuousBackups` and `DescribeTimeToLive` add.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Description {
    table: Value,
    backups: Option<Value>,
    expiry: Option<Value>,
}

/// Why a text does not describe a table.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the table's description is invalid: {0}; accepted: what `aws dynamodb describe-table` prints"
)]
pub struct DescriptionError(String);

impl Description {
    /// Reads what `aws dynamodb describe-table` prints.
    ///
    /// # Errors
    /// [`DescriptionError`] for a text that is not JSON or has no `Table`.
    pub fn from_json(text: &str) -> Result<Self, DescriptionError> {
        let json: Value =
            serde_json::from_str(text).map_err(|error| DescriptionError(error.to_string()))?;
        Self::of(&json)
    }

    /// Reads a response of `DescribeTable`.
    ///
    /// # Errors
    /// [`DescriptionError`] for one without `Table`.
    pub fn of(response: &Value) -> Result<Self, DescriptionError> {
        match response.get("Table").filter(|table| table.is_object()) {
            Some(table) => Ok(Self {
                table: table.clone(),
                backups: None,
                expiry: None,
            }),
            None => Err(DescriptionError("Table is missing".to_owned())),
        }
    }

    /// Adds a response of `DescribeContinuousBackups`.
    #[must_use]
    pub fn with_backups(mut self, response: Value) -> Self {
        self.backups = Some(response);
        self
    }

    /// Adds a response of `DescribeTimeToLive`.
    #[must_use]
    pub fn with_expiry(mut self, response: Value) -> Self {
        self.expiry = Some(response);
        self
    }

    /// The table's ARN.
    pub fn arn(&self) -> Option<&str> {
        self.table.get("TableArn").and_then(Value::as_str)
    }

    /// The table's state: `ACTIVE`, `CREATING`, `UPDATING`, ...
    pub fn state(&self) -> Option<&str> {
        self.table.get("TableStatus").and_then(Value::as_str)
    }

    /// Whether it is protected against deletion.
    pub fn is_protected(&self) -> bool {
        self.table.get("DeletionProtectionEnabled") == Some(&Value::Bool(true))
    }

    /// Whether a table's state at any second of the last days can be restored; nothing if it was not asked.
    pub fn is_recoverable(&self) -> Option<bool> {
        let state = self.backups.as_ref()?.pointer(
            "/ContinuousBackupsDescription/PointInTimeRecoveryDescription/PointInTimeRecoveryStatus",
        );
        Some(state.is_some_and(|state| state == "ENABLED"))
    }

    /// What is not as the store needs it.
    pub(super) fn faults(&self) -> Vec<(Rule, String)> {
        let mut faults = Vec::new();
        let keys = self.table.get("KeySchema").unwrap_or(&Value::Null);
        let expected = json!([
            {"AttributeName": "kind", "KeyType": "HASH"},
            {"AttributeName": "id", "KeyType": "RANGE"},
        ]);
        let types = self
            .table
            .get("AttributeDefinitions")
            .and_then(Value::as_array);
        let is_text = |name: &str| {
            types.is_some_and(|types| {
                types.contains(&json!({"AttributeName": name, "AttributeType": "S"}))
            })
        };
        if *keys != expected || !is_text("kind") || !is_text("id") {
            faults.push((Rule::Keys, format!("the keys are {keys}")));
        }
        match self.state() {
            Some("ACTIVE") => {}
            state => faults.push((
                Rule::State,
                format!("the state is {}", state.unwrap_or("missing")),
            )),
        }
        for (rule, name) in [
            (Rule::Replicas, "Replicas"),
            (Rule::Index, "LocalSecondaryIndexes"),
            (Rule::Index, "GlobalSecondaryIndexes"),
        ] {
            let found = self.table.get(name).filter(|found| !found.is_null());
            if let Some(found) = found.filter(|found| **found != json!([])) {
                faults.push((rule, format!("{name} is {}", shortened(found))));
            }
        }
        if self.table.pointer("/StreamSpecification/StreamEnabled") == Some(&Value::Bool(true)) {
            faults.push((Rule::Stream, "the table has a stream".to_owned()));
        }
        let expiry = self.expiry.as_ref().and_then(|expiry| {
            expiry
                .pointer("/TimeToLiveDescription/TimeToLiveStatus")?
                .as_str()
        });
        if let Some(expiry) = expiry.filter(|expiry| *expiry != "DISABLED") {
            faults.push((Rule::Expiry, format!("time to live is {expiry}")));
        }
        if !self.is_protected() {
            faults.push((Rule::Unprotected, "deletion protection is off".to_owned()));
        }
        match self.is_recoverable() {
            Some(true) => {}
            Some(false) => faults.push((
                Rule::Unrecoverable,
                "point-in-time recovery is off".to_owned(),
            )),
            None => faults.push((
                Rule::NotRead,
                "whether point-in-time recovery is on".to_owned(),
            )),
        }
        if self.expiry.is_none() {
            faults.push((Rule::NotRead, "whether time to live is on".to_owned()));
        }
        let billing = self
            .table
            .pointer("/BillingModeSummary/BillingMode")
            .and_then(Value::as_str);
        if billing != Some("PAY_PER_REQUEST") {
            let billing = billing.unwrap_or("PROVISIONED");
            faults.push((Rule::Billing, format!("the billing mode is {billing}")));
        }
        faults
    }
}

/// As much of it as fits on a line.
fn shortened(json: &Value) -> String {
    json.to_string().chars().take(80).collect()
}
