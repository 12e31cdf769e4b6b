//! The calls of DynamoDB and IAM that the commands on a table make.

use std::time::Duration;

use permafrost_common::table_arn::TableArn;
use permafrost_kms::table::Description;
use serde_json::{Map, Value, json};

use crate::cli::aws::{Aws, AwsArguments, Refusal};
use crate::cli::outcome::Outcome;

/// A table, and the IAM of its account.
pub(super) struct Service {
    aws: Aws,
    table: TableArn,
}

/// A resource policy and its revision.
pub(super) struct Policy {
    pub(super) text: String,
    pub(super) revision: String,
}

impl Service {
    pub(super) async fn connect(
        arguments: &AwsArguments,
        table: &TableArn,
    ) -> Result<Self, Outcome> {
        Ok(Self {
            aws: Aws::connect(arguments, table).await?,
            table: table.clone(),
        })
    }

    /// The table's description; nothing if there is no such table.
    pub(super) async fn describe(&self) -> Result<Option<Description>, Outcome> {
        let response = match self.of_table("DescribeTable", json!({})).await {
            Err(refusal) if refusal.is("ResourceNotFoundException") => return Ok(None),
            other => other?,
        };
        let description = Description::of(&response).map_err(Outcome::failed)?;
        let arn = description.arn().unwrap_or_default();
        // The name alone says neither the account nor the region.
        match arn == self.table.to_string() {
            true => Ok(Some(description)),
            false => Err(Outcome::wrong_call(format!(
                "the table is {}, but these credentials lead to {arn}",
                self.table
            ))),
        }
    }

    /// The description of a table that can be used, with its backups: waits while it is being made or changed.
    pub(super) async fn active(&self) -> Result<Option<Description>, Outcome> {
        for _ in 0..ATTEMPTS {
            let Some(found) = self.describe().await? else {
                return Ok(None);
            };
            match found.state() {
                Some("CREATING" | "UPDATING") => tokio::time::sleep(WAIT).await,
                _ => {
                    let backups = self.backups().await?;
                    return Ok(Some(found.with_backups(backups)));
                }
            }
        }
        Err(Outcome::failed(format!(
            "the table {} is still being changed; call again",
            self.table
        )))
    }

    pub(super) async fn backups(&self) -> Result<Value, Refusal> {
        self.of_table("DescribeContinuousBackups", json!({})).await
    }

    pub(super) async fn expiry(&self) -> Result<Value, Refusal> {
        self.of_table("DescribeTimeToLive", json!({})).await
    }

    /// Makes the table, as the store needs it.
    pub(super) async fn create(&self) -> Result<(), Refusal> {
        let made = json!({
            "KeySchema": [
                {"AttributeName": "kind", "KeyType": "HASH"},
                {"AttributeName": "id", "KeyType": "RANGE"},
            ],
            "AttributeDefinitions": [
                {"AttributeName": "kind", "AttributeType": "S"},
                {"AttributeName": "id", "AttributeType": "S"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": true,
        });
        self.of_table("CreateTable", made).await.map(drop)
    }

    pub(super) async fn protect(&self) -> Result<(), Refusal> {
        let change = json!({"DeletionProtectionEnabled": true});
        self.of_table("UpdateTable", change).await.map(drop)
    }

    /// Turns point-in-time recovery on, which a table that was just made is not ready for.
    pub(super) async fn make_recoverable(&self) -> Result<(), Refusal> {
        let change =
            json!({"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}});
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self
                .of_table("UpdateContinuousBackups", change.clone())
                .await
            {
                Err(refusal)
                    if refusal.is("ContinuousBackupsUnavailableException")
                        && attempts < ATTEMPTS =>
                {
                    tokio::time::sleep(WAIT).await;
                }
                other => return other.map(drop),
            }
        }
    }

    /// The table's resource policy; nothing if it has none.
    pub(super) async fn policy(&self) -> Result<Option<Policy>, Refusal> {
        let body = json!({"ResourceArn": self.table.to_string()});
        match self.aws.dynamodb("GetResourcePolicy", &body).await {
            Err(refusal) if refusal.is("PolicyNotFoundException") => Ok(None),
            other => other.map(|response| {
                let text = |name| {
                    response
                        .get(name)
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                };
                Some(Policy {
                    text: text("Policy").to_owned(),
                    revision: text("RevisionId").to_owned(),
                })
            }),
        }
    }

    /// Gives the table a policy, unless another has been put since `before` was read. DynamoDB refuses one that the caller could not
    /// change again.
    pub(super) async fn put_policy(
        &self,
        policy: &str,
        before: Option<&Policy>,
    ) -> Result<(), Refusal> {
        let revision = before.map_or("NO_POLICY", |before| &before.revision);
        let body = json!({
            "ResourceArn": self.table.to_string(),
            "Policy": policy,
            "ExpectedRevisionId": revision,
        });
        self.aws
            .dynamodb("PutResourcePolicy", &body)
            .await
            .map(drop)
    }

    async fn of_table(&self, call: &str, mut body: Value) -> Result<Value, Refusal> {
        if let Some(body) = body.as_object_mut() {
            body.insert("TableName".to_owned(), json!(self.table.name()));
        }
        self.aws.dynamodb(call, &body).await
    }

    /// A call of IAM whose absence of what it is about is no failure.
    pub(super) async fn iam(
        &self,
        call: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Option<Value>, Refusal> {
        match self.aws.iam(call, parameters).await {
            Err(refusal) if refusal.is("NoSuchEntity") => Ok(None),
            other => other.map(Some),
        }
    }

    /// All users, roles, groups and policies of the account, as the CLI prints them.
    pub(super) async fn account(&self) -> Result<Value, Refusal> {
        let mut all: Map<_, _> = LISTS
            .iter()
            .map(|list| ((*list).to_owned(), json!([])))
            .collect();
        let mut marker = None;
        loop {
            let mut parameters = vec![("MaxItems", "1000")];
            parameters.extend(marker.as_deref().map(|marker| ("Marker", marker)));
            let page = self
                .aws
                .iam("GetAccountAuthorizationDetails", &parameters)
                .await?;
            for (name, list) in &mut all {
                if let (Some(list), Some(more)) = (
                    list.as_array_mut(),
                    page.get(name).and_then(Value::as_array),
                ) {
                    list.extend(more.iter().cloned().map(decoded));
                }
            }
            marker = page
                .get("Marker")
                .and_then(Value::as_str)
                .map(str::to_owned);
            if marker.is_none() {
                return Ok(Value::Object(all));
            }
        }
    }
}

/// The same, with documents of policies as texts of JSON: in XML they are percent-encoded (IAM API reference,
/// `GetAccountAuthorizationDetails`).
fn decoded(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("%7B") || text.starts_with("%7b") => Value::String(
            percent_encoding::percent_decode_str(&text)
                .decode_utf8_lossy()
                .into_owned(),
        ),
        Value::Array(items) => items.into_iter().map(decoded).collect(),
        Value::Object(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| (name, decoded(value)));
            Value::Object(members.collect())
        }
        other => other,
    }
}

const LISTS: [&str; 4] = [
    "UserDetailList",
    "RoleDetailList",
    "GroupDetailList",
    "Policies",
];

/// How often a table is asked whether it is ready, and how long after the last time.
const ATTEMPTS: u32 = 150;
const WAIT: Duration = Duration::from_secs(2);
