//! The generate-only key policy: only accepted releases use the key, and no blob under it has a plaintext that was ever
//! known outside an enclave.

mod error;
mod release;
#[cfg(test)]
pub(super) mod tests;

use std::collections::{BTreeMap, BTreeSet};

use permafrost_common::kms::PURPOSE;
use serde::Serialize;

use super::principal::{Arn, is_account};
use super::written::POLICY_MAX;

pub use self::error::GenerateError;
pub use self::release::Release;

/// What a generate-only key policy is made from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GenerateOnly {
    /// The enclaves that may use the key: one or more, each name once. During a rolling upgrade, the old and the new.
    pub releases: Vec<Release>,
    /// The roles that sign the enclaves' requests: one or more, `arn:PARTITION:iam::ACCOUNT:role/NAME`.
    pub roles: Vec<String>,
    /// Who may describe, change, tag and delete the key, and change this policy, but not use the key: one or more users
    /// or roles, or the account's root, which lets the account's IAM policies decide.
    pub administrators: Vec<String>,
    /// The deployment's name, from the measured configuration: 1 to 64 of a-z, 0-9 and -.
    pub deployment: String,
    /// The account of the key, the roles and the administrators: 12 digits.
    pub account: String,
    /// The partition of all of these: `aws`, `aws-cn`, `aws-us-gov`, ...
    pub partition: String,
}

impl GenerateOnly {
    /// The policy: JSON, indented, at most [`POLICY_MAX`] bytes.
    ///
    /// # Errors
    /// [`GenerateError`], which names what is not accepted.
    pub fn policy(&self) -> Result<String, GenerateError> {
        self.check()?;
        let mut statements: Vec<_> = self
            .releases
            .iter()
            .map(|release| self.allow_release(release))
            .collect();
        statements.push(self.allow_administration());
        statements.push(deny_known_plaintexts());
        statements.push(deny_use_without_attestation());
        let policy = PolicyJson {
            version: "2012-10-17",
            id: format!("permafrost-{}", self.deployment),
            statement: statements,
        };
        let text = serde_json::to_string_pretty(&policy).unwrap_or_default();
        match text.len() {
            length if length > POLICY_MAX => Err(GenerateError::TooLong(length)),
            _ => Ok(text),
        }
    }

    fn check(&self) -> Result<(), GenerateError> {
        if !is_account(&self.account) {
            return Err(GenerateError::Account(self.account.clone()));
        }
        if !is_partition(&self.partition) {
            return Err(GenerateError::Partition(self.partition.clone()));
        }
        if !is_deployment(&self.deployment) {
            return Err(GenerateError::Deployment(self.deployment.clone()));
        }
        if self.releases.is_empty() {
            return Err(GenerateError::NoRelease);
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = self.releases.iter().find(|r| !names.insert(r.name())) {
            return Err(GenerateError::ReleaseTwice(twice.name().to_owned()));
        }
        if self.roles.is_empty() {
            return Err(GenerateError::NoRole);
        }
        if self.administrators.is_empty() {
            return Err(GenerateError::NoAdministrator);
        }
        for role in &self.roles {
            self.check_arn(role, &["role/"], GenerateError::Role)?;
        }
        for administrator in &self.administrators {
            self.check_arn(
                administrator,
                &["user/", "role/", "root"],
                GenerateError::Administrator,
            )?;
        }
        match self.roles.iter().find(|r| self.administrators.contains(r)) {
            Some(both) => Err(GenerateError::RoleIsAdministrator(both.clone())),
            None => Ok(()),
        }
    }

    /// Checks that the ARN is of the key's account and partition, and that its resource begins with one of these.
    fn check_arn(
        &self,
        arn: &str,
        resources: &[&str],
        refuse: impl Fn(String) -> GenerateError,
    ) -> Result<(), GenerateError> {
        let parsed = Arn::parse(arn)
            .filter(|arn| {
                resources
                    .iter()
                    .any(|start| arn.resource.starts_with(start))
            })
            .ok_or_else(|| refuse(arn.to_owned()))?;
        if parsed.account != self.account || parsed.partition != self.partition {
            return Err(GenerateError::Elsewhere {
                arn: arn.to_owned(),
                partition: self.partition.clone(),
                account: self.account.clone(),
            });
        }
        Ok(())
    }

    fn allow_release(&self, release: &Release) -> StatementJson {
        let pcrs = (0..)
            .zip(release.pcrs())
            .map(|(index, value): (u8, _)| (pcr_key(index), hex::encode(value)))
            .collect();
        let context = [
            ("deployment", self.deployment.as_str()),
            ("purpose", PURPOSE),
        ]
        .map(|(name, value)| (format!("kms:EncryptionContext:{name}"), value.to_owned()));
        StatementJson {
            sid: format!("Allow release {}", release.name()),
            effect: "Allow",
            principal: PrincipalJson::Aws {
                aws: self.roles.clone(),
            },
            action: USE.to_vec(),
            resource: "*",
            condition: BTreeMap::from([
                ("StringEqualsIgnoreCase", pcrs),
                ("StringEquals", context.into()),
            ]),
        }
    }

    fn allow_administration(&self) -> StatementJson {
        StatementJson {
            sid: "Allow administration".to_owned(),
            effect: "Allow",
            principal: PrincipalJson::Aws {
                aws: self.administrators.clone(),
            },
            action: ADMINISTRATION.to_vec(),
            resource: "*",
            condition: BTreeMap::new(),
        }
    }
}

fn deny_known_plaintexts() -> StatementJson {
    StatementJson {
        sid: "Deny known plaintexts, grants and copies".to_owned(),
        effect: "Deny",
        principal: PrincipalJson::Everyone("*"),
        action: NEVER.to_vec(),
        resource: "*",
        condition: BTreeMap::new(),
    }
}

/// The conditions of allowances do not bind earlier grants: only a denial does.
fn deny_use_without_attestation() -> StatementJson {
    StatementJson {
        sid: "Deny use without attestation".to_owned(),
        effect: "Deny",
        principal: PrincipalJson::Everyone("*"),
        action: USE.to_vec(),
        resource: "*",
        condition: BTreeMap::from([("Null", BTreeMap::from([(pcr_key(0), "true".to_owned())]))]),
    }
}

fn pcr_key(index: u8) -> String {
    format!("kms:RecipientAttestation:PCR{index}")
}

fn is_partition(text: &str) -> bool {
    text == "aws"
        || text.strip_prefix("aws-").is_some_and(|rest| {
            (1..=28).contains(&rest.len())
                && rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        })
}

fn is_deployment(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyJson {
    version: &'static str,
    id: String,
    statement: Vec<StatementJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StatementJson {
    sid: String,
    effect: &'static str,
    principal: PrincipalJson,
    action: Vec<&'static str>,
    resource: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    condition: BTreeMap<&'static str, BTreeMap<String, String>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum PrincipalJson {
    Everyone(&'static str),
    Aws {
        #[serde(rename = "AWS")]
        aws: Vec<String>,
    },
}

/// The two calls that the enclave makes.
pub(super) const USE: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey"];

/// What would make a blob with a known plaintext, or get around this policy.
const NEVER: [&str; 7] = [
    "kms:Encrypt",
    "kms:ReEncrypt*",
    "kms:CreateGrant",
    "kms:ImportKeyMaterial",
    "kms:GenerateDataKeyPair*",
    "kms:GenerateDataKeyWithoutPlaintext",
    // A replica in another Region has the same key material and a policy of its own.
    "kms:ReplicateKey",
];

const ADMINISTRATION: [&str; 19] = [
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
];
