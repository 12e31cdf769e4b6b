//! The table's resource policy, and the policy of the enclave's user.

use permafrost_common::table_arn::TableArn;
use serde_json::json;

use crate::policy::PolicyKind;
use crate::policy::principal::Arn;

use super::ability::Ability;

/// What the enclave does with the table, and needs no more than.
///
/// A transaction (`TransactWriteItems`) has no action of its own: it needs those of its parts.
pub const ENCLAVE_ACTIONS: [&str; 6] = [
    "dynamodb:BatchGetItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
];

/// What a table's policies are made from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TablePolicy {
    /// The table.
    pub table: TableArn,
    /// The enclave's user or role: `arn:PARTITION:iam::ACCOUNT:user/NAME` or `role/NAME`.
    pub enclave: String,
    /// Who may describe the table, change it and its policy, and copy it, but not read or write records: one or more users or roles, or
    /// the account's root user. Unlike in a key's policy, `root` is that user alone and not whom the account's policies let in.
    pub administrators: Vec<String>,
}

/// Why there is no policy of these.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TablePolicyError {
    /// The enclave's principal.
    #[error(
        "the enclave's principal is {0:?}; accepted: arn:PARTITION:iam::ACCOUNT:user/NAME or role/NAME of the table's account and partition"
    )]
    Enclave(String),
    /// An administrator.
    #[error(
        "an administrator is {0:?}; accepted: arn:PARTITION:iam::ACCOUNT:user/NAME, role/NAME or root, of the table's account and partition"
    )]
    Administrator(String),
    /// There is none.
    #[error(
        "there is no administrator; accepted: one or more, or no one could ever change the table or its policy"
    )]
    NoAdministrator,
    /// The enclave would administrate its own table.
    #[error("{0} is both the enclave's principal and an administrator; accepted: different ones")]
    EnclaveIsAdministrator(String),
    /// It does not fit.
    #[error("the policy has {0} bytes; accepted: at most 20480, so fewer administrators")]
    TooLong(usize),
}

impl TablePolicy {
    /// The table's resource policy: JSON, indented.
    ///
    /// It has denials alone. Whom they leave, the enclave's user, is allowed by the user's own policy.
    ///
    /// # Errors
    /// [`TablePolicyError`], which names what is not accepted.
    pub fn policy(&self) -> Result<String, TablePolicyError> {
        self.check()?;
        let table = self.table.to_string();
        let resources = [table.clone(), format!("{table}/index/*")];
        let but =
            |principals: &[&String]| json!({"ArnNotEquals": {"aws:PrincipalArn": principals}});
        let mut all: Vec<&String> = vec![&self.enclave];
        all.extend(&self.administrators);
        let records: Vec<_> = Ability::Write
            .actions()
            .iter()
            .chain(Ability::Read.actions())
            .collect();
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "NoOneElse",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "dynamodb:*",
                    "Resource": resources,
                    "Condition": but(&all),
                },
                {
                    "Sid": "RecordsForTheEnclaveOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": records,
                    "Resource": resources,
                    "Condition": but(&[&self.enclave]),
                },
                {
                    "Sid": "AdministrationWithoutTheEnclave",
                    "Effect": "Deny",
                    "Principal": "*",
                    "NotAction": ENCLAVE_ACTIONS,
                    "Resource": resources,
                    "Condition": {"ArnEquals": {"aws:PrincipalArn": self.enclave}},
                },
                {
                    "Sid": "NoDeletionNoReplicaNoExpiry",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": [
                        "dynamodb:CreateTableReplica",
                        "dynamodb:DeleteTable",
                        "dynamodb:EnableKinesisStreamingDestination",
                        "dynamodb:UpdateTimeToLive",
                    ],
                    "Resource": table,
                },
            ],
        });
        let text = serde_json::to_string_pretty(&policy).unwrap_or_default();
        match text.len() {
            length if length > PolicyKind::Table.max() => Err(TablePolicyError::TooLong(length)),
            _ => Ok(text),
        }
    }

    /// The policy of the enclave's user: JSON, indented.
    pub fn enclave_policy(&self) -> String {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "Records",
                "Effect": "Allow",
                "Action": ENCLAVE_ACTIONS,
                "Resource": self.table.to_string(),
            }],
        });
        serde_json::to_string_pretty(&policy).unwrap_or_default()
    }

    fn check(&self) -> Result<(), TablePolicyError> {
        if !self.is_ours(&self.enclave, &["user/", "role/"]) {
            return Err(TablePolicyError::Enclave(self.enclave.clone()));
        }
        if self.administrators.is_empty() {
            return Err(TablePolicyError::NoAdministrator);
        }
        for administrator in &self.administrators {
            if !self.is_ours(administrator, &["user/", "role/", "root"]) {
                return Err(TablePolicyError::Administrator(administrator.clone()));
            }
        }
        match self.administrators.contains(&self.enclave) {
            true => Err(TablePolicyError::EnclaveIsAdministrator(
                self.enclave.clone(),
            )),
            false => Ok(()),
        }
    }

    /// Whether it is a principal of the table's account, of one of these kinds.
    fn is_ours(&self, arn: &str, kinds: &[&str]) -> bool {
        Arn::parse(arn).is_some_and(|parsed| {
            parsed.account == self.table.account()
                && parsed.partition == self.table.partition()
                && kinds.iter().any(|kind| parsed.resource.starts_with(kind))
        })
    }
}
