//! What someone could do to a table, and the actions that let them (Service Authorization Reference, "Actions, resources, and
//! condition keys for Amazon DynamoDB").

use std::fmt;

use serde::{Serialize, Serializer};

/// Something that only the enclave, or only an administrator, should be able to do.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Ability {
    /// Change records.
    Write,
    /// Read records.
    Read,
    /// Copy the table to where its policy does not hold: a backup, another table, a bucket, a stream, another region.
    Copy,
    /// Replace or delete the table's policy.
    ChangePolicy,
    /// Change what the table is: its protection, its indexes, its recovery, when records expire.
    ChangeTable,
    /// Delete the table.
    Delete,
    /// Make credentials of the enclave.
    TakeCredentials,
}

impl Ability {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Write,
        Self::Read,
        Self::Copy,
        Self::ChangePolicy,
        Self::ChangeTable,
        Self::Delete,
        Self::TakeCredentials,
    ];

    /// The actions that are enough, each alone.
    pub fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Write => &[
                "dynamodb:BatchWriteItem",
                "dynamodb:DeleteItem",
                "dynamodb:PartiQLDelete",
                "dynamodb:PartiQLInsert",
                "dynamodb:PartiQLUpdate",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
            ],
            Self::Read => &[
                "dynamodb:BatchGetItem",
                "dynamodb:ConditionCheckItem",
                "dynamodb:GetItem",
                "dynamodb:PartiQLSelect",
                "dynamodb:Query",
                "dynamodb:Scan",
            ],
            Self::Copy => &[
                "dynamodb:CreateBackup",
                "dynamodb:CreateGlobalTable",
                "dynamodb:CreateTableReplica",
                "dynamodb:EnableKinesisStreamingDestination",
                "dynamodb:ExportTableToPointInTime",
                RESTORE_BACKUP,
                "dynamodb:RestoreTableToPointInTime",
                "dynamodb:StartAwsBackupJob",
            ],
            Self::ChangePolicy => &[
                "dynamodb:DeleteResourcePolicy",
                "dynamodb:PutResourcePolicy",
            ],
            Self::ChangeTable => &[
                "dynamodb:UpdateContinuousBackups",
                "dynamodb:UpdateTable",
                "dynamodb:UpdateTimeToLive",
            ],
            Self::Delete => &["dynamodb:DeleteTable"],
            Self::TakeCredentials => &[
                "iam:CreateAccessKey",
                "iam:CreateLoginProfile",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateLoginProfile",
                ASSUME_ROLE,
            ],
        }
    }

    /// The name, in words with hyphens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
            Self::Copy => "copy",
            Self::ChangePolicy => "change-policy",
            Self::ChangeTable => "change-table",
            Self::Delete => "delete",
            Self::TakeCredentials => "take-credentials",
        }
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Ability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Restoring a backup is an action on the backup, which the table's policy does not cover.
pub(super) const RESTORE_BACKUP: &str = "dynamodb:RestoreTableFromBackup";

/// Assuming a role is decided by the role's own policy, too.
pub(super) const ASSUME_ROLE: &str = "sts:AssumeRole";
