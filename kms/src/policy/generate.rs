//! The generate-only key policy: only accepted releases use the key, and no blob under it has a plaintext that anybody
//! outside an enclave has ever known.

use std::collections::{BTreeMap, BTreeSet};

use permafrost_common::attestation::{Measurements, PCR_LEN, Pcr};
use permafrost_common::kms::PURPOSE;
use serde::Serialize;

use super::principal::{Arn, is_account};
use super::written::POLICY_MAX;

/// What a generate-only key policy is made from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GenerateOnly {
    /// The enclaves that may use the key: one or more, each name once. During a rolling upgrade the old and the new.
    pub releases: Vec<Release>,
    /// Which roles the enclaves' requests are signed by: one or more, `arn:PARTITION:iam::ACCOUNT:role/NAME`.
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

/// An enclave image that may use the key: its name for people, and the PCRs that measure it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Release {
    name: String,
    pcrs: [Pcr; 3],
}

/// Why no policy was made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GenerateError {
    /// The name of a release cannot be part of a Sid.
    #[error("the release's name is {0:?}; accepted: 1 to 64 of A-Z, a-z, 0-9, -, _ and .")]
    ReleaseName(String),
    /// The measurements lack a PCR that the policy binds to.
    #[error(
        "the measurements of release {release} have no PCR{pcr}; accepted: PCR0, PCR1 and PCR2"
    )]
    MissingPcr {
        /// The release's name.
        release: String,
        /// Which PCR.
        pcr: u8,
    },
    /// A PCR is all zero, as in debug mode: every enclave in debug mode would be let in.
    #[error(
        "PCR{pcr} of release {release} is all zero, as of every enclave in debug mode; accepted: the measurements of an \
         image"
    )]
    DebugPcr {
        /// The release's name.
        release: String,
        /// Which PCR.
        pcr: u8,
    },
    /// No release at all.
    #[error("there is no release; accepted: one or more")]
    NoRelease,
    /// Two releases have one name.
    #[error("two releases are named {0}; accepted: each name once")]
    ReleaseTwice(String),
    /// No role at all.
    #[error("there is no role; accepted: one or more")]
    NoRole,
    /// No administrator at all: nobody could ever change the policy.
    #[error("there is no administrator; accepted: one or more")]
    NoAdministrator,
    /// The ARN names no role, or more than one.
    #[error("the role is {0:?}; accepted: arn:PARTITION:iam::ACCOUNT:role/NAME, without wildcards")]
    Role(String),
    /// The ARN names no administrator, or more than one.
    #[error(
        "the administrator is {0:?}; accepted: arn:PARTITION:iam::ACCOUNT:user/NAME, role/NAME or root, without wildcards"
    )]
    Administrator(String),
    /// Somebody of another account or partition.
    #[error("{arn} is not of arn:{partition}:iam::{account}:, where the key is")]
    Elsewhere {
        /// Who.
        arn: String,
        /// The key's partition.
        partition: String,
        /// The key's account.
        account: String,
    },
    /// Whoever signs the enclaves' requests could change the policy.
    #[error(
        "{0} is a role and an administrator; accepted: one of them, since a role could let itself in"
    )]
    RoleIsAdministrator(String),
    /// The account is none.
    #[error("the account is {0:?}; accepted: 12 digits")]
    Account(String),
    /// The partition is none.
    #[error("the partition is {0:?}; accepted: aws, or aws- and more of a-z and -")]
    Partition(String),
    /// The deployment's name is none.
    #[error("the deployment is {0:?}; accepted: 1 to 64 of a-z, 0-9 and -")]
    Deployment(String),
    /// More than KMS takes.
    #[error("the policy would have {0} bytes; accepted: 32768 at most, so fewer releases or roles")]
    TooLong(usize),
}

impl Release {
    /// A release with the PCRs of a measurements file: PCR0 (the image), PCR1 (the code) and PCR2 (the configuration).
    ///
    /// # Errors
    /// A name that is not 1 to 64 of A-Z, a-z, 0-9, -, _ and .; one of the three PCRs missing; one of them all zero.
    pub fn new(name: &str, measurements: &Measurements) -> Result<Self, GenerateError> {
        let name_fits = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !name_fits {
            return Err(GenerateError::ReleaseName(name.to_owned()));
        }
        let measured = |pcr| match measurements.get(pcr) {
            None => Err(GenerateError::MissingPcr {
                release: name.to_owned(),
                pcr,
            }),
            Some(value) if *value == [0; PCR_LEN] => Err(GenerateError::DebugPcr {
                release: name.to_owned(),
                pcr,
            }),
            Some(value) => Ok(*value),
        };
        Ok(Self {
            pcrs: [measured(0)?, measured(1)?, measured(2)?],
            name: name.to_owned(),
        })
    }

    /// The name for people.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl GenerateOnly {
    /// The policy: JSON, indented, at most [`POLICY_MAX`] bytes.
    ///
    /// # Errors
    /// [`GenerateError`], naming what is not accepted.
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
        if let Some(twice) = self.releases.iter().find(|r| !names.insert(&r.name)) {
            return Err(GenerateError::ReleaseTwice(twice.name.clone()));
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

    /// Whether the ARN is of the key's account and partition, and its resource begins as one of these.
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
            .zip(&release.pcrs)
            .map(|(index, value): (u8, _)| (pcr_key(index), hex::encode(value)))
            .collect();
        let context = [
            ("deployment", self.deployment.as_str()),
            ("purpose", PURPOSE),
        ]
        .map(|(name, value)| (format!("kms:EncryptionContext:{name}"), value.to_owned()));
        StatementJson {
            sid: format!("Allow release {}", release.name),
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

/// Grants made before this policy know no conditions: only a denial reaches them.
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

/// The two calls of the enclave.
pub(super) const USE: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey"];

/// What would make a blob whose plaintext somebody knows, or a way past this policy.
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

#[cfg(test)]
pub(super) mod tests {
    use permafrost_common::kms::encryption_context;

    use super::super::{Decision, PolicyDocument, RequestContext};
    use super::*;

    pub(in super::super) const ROLE: &str = "arn:aws:iam::111122223333:role/enclave";
    pub(in super::super) const ADMINISTRATOR: &str = "arn:aws:iam::111122223333:user/administrator";
    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    pub(in super::super) fn release(name: &str, first: u8) -> Release {
        let pcrs = [first, first + 1, first + 2].map(|byte| [byte; PCR_LEN]);
        Release::new(name, &Measurements::of_image(pcrs)).unwrap()
    }

    pub(in super::super) fn arguments() -> GenerateOnly {
        GenerateOnly {
            releases: vec![release("v1", 0x10), release("v2", 0x20)],
            roles: vec![ROLE.to_owned()],
            administrators: vec![ADMINISTRATOR.to_owned()],
            deployment: "example".to_owned(),
            account: "111122223333".to_owned(),
            partition: "aws".to_owned(),
        }
    }

    fn decide(caller: &str, action: &str, pcrs: Option<[u8; 3]>, deployment: &str) -> Decision {
        let policy = PolicyDocument::parse(&arguments().policy().unwrap()).unwrap();
        let request = RequestContext::new(caller, action, KEY)
            .with_encryption_context(&encryption_context(deployment, 1));
        let pcrs = pcrs.map(|pcrs| pcrs.map(|byte| [byte; PCR_LEN]));
        policy.decide(&match &pcrs {
            Some(pcrs) => {
                request.with_attestation((0..).zip(pcrs.iter().map(|pcr| pcr.as_slice())))
            }
            None => request,
        })
    }

    #[test]
    fn every_accepted_release_may_use_the_key() {
        for action in USE {
            for (pcrs, name) in [([0x10, 0x11, 0x12], "v1"), ([0x20, 0x21, 0x22], "v2")] {
                assert_eq!(
                    decide(ROLE, action, Some(pcrs), "example"),
                    Decision::Allowed {
                        statement: format!("Allow release {name}")
                    }
                );
            }
        }
    }

    #[test]
    fn no_other_enclave_caller_or_deployment_may_use_the_key() {
        let accepted = Some([0x10, 0x11, 0x12]);
        for action in USE {
            for pcrs in [
                [0x11, 0x11, 0x12],
                [0x10, 0x12, 0x12],
                [0x10, 0x11, 0x13],
                // The code of one release with the configuration of another.
                [0x10, 0x11, 0x22],
                [0; 3],
            ] {
                assert_eq!(
                    decide(ROLE, action, Some(pcrs), "example"),
                    Decision::NotAllowed,
                    "{pcrs:x?}"
                );
            }
            assert_eq!(
                decide(ROLE, action, accepted, "other"),
                Decision::NotAllowed
            );
            assert_eq!(
                decide(ADMINISTRATOR, action, accepted, "example"),
                Decision::NotAllowed
            );
            assert_eq!(
                decide(ROLE, action, None, "example"),
                Decision::DeniedExplicitly {
                    statement: "Deny use without attestation".to_owned()
                }
            );
        }
    }

    #[test]
    fn nobody_makes_a_blob_of_a_known_plaintext_or_a_grant() {
        for action in [
            "kms:Encrypt",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
            "kms:CreateGrant",
            "kms:ImportKeyMaterial",
            "kms:GenerateDataKeyPair",
            "kms:GenerateDataKeyPairWithoutPlaintext",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReplicateKey",
        ] {
            for caller in [ROLE, ADMINISTRATOR, "arn:aws:iam::111122223333:root"] {
                let decision = decide(caller, action, Some([0x10, 0x11, 0x12]), "example");
                assert!(
                    matches!(decision, Decision::DeniedExplicitly { .. }),
                    "{action}"
                );
            }
        }
    }

    #[test]
    fn administrators_change_the_policy_and_roles_do_not() {
        for action in ADMINISTRATION {
            assert!(matches!(
                decide(ADMINISTRATOR, action, None, "example"),
                Decision::Allowed { .. }
            ));
            assert_eq!(decide(ROLE, action, None, "example"), Decision::NotAllowed);
        }
    }

    #[test]
    fn measurements_of_debug_mode_or_without_an_image_make_no_release() {
        let pcrs = [[1; PCR_LEN], [2; PCR_LEN], [3; PCR_LEN]];
        for zero in 0..3_u8 {
            let mut debug = pcrs;
            debug[usize::from(zero)] = [0; PCR_LEN];
            assert_eq!(
                Release::new("v1", &Measurements::of_image(debug)),
                Err(GenerateError::DebugPcr {
                    release: "v1".to_owned(),
                    pcr: zero
                })
            );
            let others = (0..3).filter(|index| *index != zero);
            let missing =
                Measurements::from_pcrs(others.map(|index| (index, pcrs[usize::from(index)])));
            assert_eq!(
                Release::new("v1", &missing.unwrap()),
                Err(GenerateError::MissingPcr {
                    release: "v1".to_owned(),
                    pcr: zero
                })
            );
        }
        for name in ["", "a b", "a\"", &"a".repeat(65)] {
            let refused = Release::new(name, &Measurements::of_image(pcrs));
            assert_eq!(refused, Err(GenerateError::ReleaseName(name.to_owned())));
        }
    }

    /// What a broken argument is refused with, in words.
    fn refused(break_it: impl FnOnce(&mut GenerateOnly)) -> String {
        let mut arguments = arguments();
        break_it(&mut arguments);
        arguments.policy().unwrap_err().to_string()
    }

    #[test]
    fn arguments_that_make_no_policy_are_refused_by_name() {
        let text = str::to_owned;
        for (error, problem) in [
            (refused(|a| a.releases.clear()), "no release"),
            (
                refused(|a| a.releases.push(release("v1", 3))),
                "two releases are named v1",
            ),
            (refused(|a| a.roles.clear()), "no role"),
            (refused(|a| a.administrators.clear()), "no administrator"),
            (refused(|a| a.account = text("1")), "the account is \"1\""),
            (
                refused(|a| a.partition = text("aws:")),
                "the partition is \"aws:\"",
            ),
            (
                refused(|a| a.deployment = text("A")),
                "the deployment is \"A\"",
            ),
            (
                refused(|a| a.deployment = text("*")),
                "the deployment is \"*\"",
            ),
            (
                refused(|a| a.administrators.push(text(ROLE))),
                "a role and an administrator",
            ),
            (
                refused(|a| a.account = text("444455556666")),
                "is not of arn:aws:iam::444455556666:",
            ),
            (
                refused(|a| a.partition = text("aws-cn")),
                "is not of arn:aws-cn:iam::",
            ),
        ] {
            assert!(error.contains(problem), "{error}");
        }
        for role in [
            "*",
            "enclave",
            "111122223333",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:iam::111122223333:role/a?",
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:user/enclave",
            "arn:aws:sts::111122223333:assumed-role/enclave/session",
        ] {
            let error = refused(|a| a.roles.push(text(role)));
            assert!(error.starts_with("the role is "), "{error}");
        }
        for administrator in ["*", "111122223333", "arn:aws:iam::111122223333:user/*"] {
            let error = refused(|a| a.administrators.push(text(administrator)));
            assert!(error.starts_with("the administrator is "), "{error}");
        }
    }

    #[test]
    fn a_policy_longer_than_kms_takes_is_refused() {
        let error = refused(|a| {
            a.releases = (0..60_u8).map(|n| release(&n.to_string(), n + 1)).collect();
        });
        assert!(error.contains("accepted: 32768 at most"), "{error}");
    }
}
