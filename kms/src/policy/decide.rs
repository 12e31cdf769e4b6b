//! The decision on one request (IAM User Guide, "Policy evaluation logic"; AWS KMS Developer Guide, "Key policies").

use std::collections::BTreeMap;

use super::condition::ContextValues;
use super::principal::{Arn, Match};
use super::wildcard;
use super::written::{Effect, Statement};

/// What KMS knows of a request when it evaluates the key policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestContext {
    principal_arn: String,
    action: String,
    key_arn: String,
    /// In lower case.
    values: ContextValues,
}

impl RequestContext {
    /// A request of `principal_arn` (the ARN of a user, a role, an assumed role's session or an account's root user) for
    /// `action` (`kms:Decrypt`) on `key_arn`.
    ///
    /// The condition keys that follow from these are set: `aws:PrincipalArn` (the role's, for a session),
    /// `aws:PrincipalAccount`, `kms:CallerAccount`, and `aws:SecureTransport`, since KMS speaks TLS only.
    pub fn new(principal_arn: &str, action: &str, key_arn: &str) -> Self {
        let request = Self {
            principal_arn: principal_arn.to_owned(),
            action: action.to_owned(),
            key_arn: key_arn.to_owned(),
            values: ContextValues::new(),
        }
        .with("aws:SecureTransport", "true");
        let Some(arn) = Arn::parse(principal_arn) else {
            return request;
        };
        let principal = match arn.role_of_session() {
            Some(role) => format!("arn:{}:iam::{}:role/{role}", arn.partition, arn.account),
            None => principal_arn.to_owned(),
        };
        request
            .with("aws:PrincipalArn", principal)
            .with("aws:PrincipalAccount", arn.account)
            .with("kms:CallerAccount", arn.account)
    }

    /// Sets a condition key (case-insensitive) that has one value in this request.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<String>) -> Self {
        self.with_many(key, [value.into()])
    }

    /// Sets a condition key (case-insensitive) to several values, such as `kms:EncryptionContextKeys`. With no value, the
    /// key counts as missing.
    #[must_use]
    pub fn with_many<I, S>(mut self, key: &str, values: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let values = values.into_iter().map(Into::into).collect();
        self.values.insert(key.to_ascii_lowercase(), values);
        self
    }

    /// Sets `kms:EncryptionContext:NAME` for each pair, and `kms:EncryptionContextKeys`.
    ///
    /// Two names that differ only in case are one condition key with two values.
    #[must_use]
    pub fn with_encryption_context(self, context: &BTreeMap<String, String>) -> Self {
        let mut request = self.with_many("kms:EncryptionContextKeys", context.keys());
        for (name, value) in context {
            let key = format!("kms:EncryptionContext:{name}").to_ascii_lowercase();
            request.values.entry(key).or_default().push(value.clone());
        }
        request
    }

    /// Sets `kms:RecipientAttestation:PCR<n>` for each PCR, in hex, and `kms:RecipientAttestation:ImageSha384`.
    ///
    /// Only for a verified attestation document.
    #[must_use]
    pub fn with_attestation<'a>(self, pcrs: impl IntoIterator<Item = (u8, &'a [u8])>) -> Self {
        pcrs.into_iter().fold(self, |request, (index, value)| {
            let value = hex::encode(value);
            let request = match index {
                0 => request.with("kms:RecipientAttestation:ImageSha384", value.clone()),
                _ => request,
            };
            request.with(&format!("kms:RecipientAttestation:PCR{index}"), value)
        })
    }
}

/// How a key policy decides a request. `statement` is the Sid, or `statement N` from 1, of the first statement that does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// The policy allows it to the caller by name, or to everyone.
    Allowed {
        /// The statement that allows it.
        statement: String,
    },
    /// The policy lets the caller's account decide: allowed if an IAM policy of that account allows it.
    DelegatedToIam {
        /// The statement that delegates.
        statement: String,
    },
    /// A statement denies it, whatever others allow.
    DeniedExplicitly {
        /// The statement that denies it.
        statement: String,
    },
    /// No statement applies.
    NotAllowed,
}

/// Decides one request by statements that can be evaluated.
pub(super) fn decide(statements: &[Statement], request: &RequestContext) -> Decision {
    let mut delegated = None;
    let mut allowed = None;
    for statement in statements {
        let matched = applies(statement, request);
        match (statement.effect, matched) {
            (_, Match::No) => {}
            (Effect::Deny, _) => {
                return Decision::DeniedExplicitly {
                    statement: statement.name(),
                };
            }
            (Effect::Allow, Match::ByName) => allowed = allowed.or(Some(statement)),
            (Effect::Allow, Match::ByAccount) => delegated = delegated.or(Some(statement)),
        }
    }
    match (allowed, delegated) {
        (Some(statement), _) => Decision::Allowed {
            statement: statement.name(),
        },
        (None, Some(statement)) => Decision::DelegatedToIam {
            statement: statement.name(),
        },
        (None, None) => Decision::NotAllowed,
    }
}

/// Whether a statement applies to a request, and as which principal it names the caller.
fn applies(statement: &Statement, request: &RequestContext) -> Match {
    let Statement {
        principals,
        actions,
        resources,
        conditions,
        ..
    } = statement;
    let matched = principals
        .entries
        .iter()
        .map(|principal| principal.matches(&request.principal_arn))
        .max();
    let meant = || {
        actions
            .entries
            .iter()
            .any(|action| action.matches(&request.action))
            && resources
                .entries
                .iter()
                .any(|resource| wildcard::matches(resource, &request.key_arn))
            && conditions
                .iter()
                .all(|condition| condition.holds(&request.values))
    };
    matched
        .filter(|matched| *matched != Match::No && meant())
        .unwrap_or(Match::No)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::PolicyDocument;
    use super::*;

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const ROLE: &str = "arn:aws:iam::111122223333:role/enclave";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/enclave/i-0";
    const ROOT: &str = "arn:aws:iam::111122223333:root";

    fn policy(statements: Value) -> PolicyDocument {
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        PolicyDocument::parse(&text).unwrap()
    }

    fn statement(sid: &str, effect: &str, principal: &str, action: &str) -> Value {
        json!({"Sid": sid, "Effect": effect, "Principal": {"AWS": principal}, "Action": action, "Resource": "*"})
    }

    fn request(caller: &str) -> RequestContext {
        RequestContext::new(caller, "kms:Decrypt", KEY)
    }

    #[test]
    fn an_explicit_denial_wins_over_every_allowance() {
        let allow = statement("Yes", "Allow", ROLE, "kms:*");
        let deny = statement("No", "Deny", "*", "kms:De*");
        let denied = Decision::DeniedExplicitly {
            statement: "No".to_owned(),
        };
        for statements in [json!([allow, deny]), json!([deny, allow])] {
            assert_eq!(policy(statements).decide(&request(SESSION)), denied);
        }
        let other = RequestContext::new(SESSION, "kms:GenerateDataKey", KEY);
        assert_eq!(
            policy(json!([allow, deny])).decide(&other),
            Decision::Allowed {
                statement: "Yes".to_owned()
            }
        );
    }

    #[test]
    fn what_no_statement_allows_is_not_allowed() {
        let policy = policy(json!(statement("", "Allow", ROLE, "kms:GenerateDataKey")));
        assert_eq!(policy.decide(&request(ROLE)), Decision::NotAllowed);
        let other = RequestContext::new(
            "arn:aws:iam::111122223333:role/other",
            "kms:GenerateDataKey",
            KEY,
        );
        assert_eq!(policy.decide(&other), Decision::NotAllowed);
    }

    #[test]
    fn an_account_delegates_to_iam_and_an_allowance_by_name_goes_before_it() {
        let account = statement("Account", "Allow", ROOT, "kms:*");
        let by_name = statement("Name", "Allow", ROLE, "kms:*");
        assert_eq!(
            policy(json!(account)).decide(&request(ROLE)),
            Decision::DelegatedToIam {
                statement: "Account".to_owned()
            }
        );
        assert_eq!(
            policy(json!([account, by_name])).decide(&request(SESSION)),
            Decision::Allowed {
                statement: "Name".to_owned()
            }
        );
        assert_eq!(
            policy(json!(account)).decide(&request(ROOT)),
            Decision::Allowed {
                statement: "Account".to_owned()
            }
        );
        let denied = policy(json!([by_name, statement("No", "Deny", ROOT, "kms:*")]));
        assert_eq!(
            denied.decide(&request(SESSION)),
            Decision::DeniedExplicitly {
                statement: "No".to_owned()
            }
        );
    }

    #[test]
    fn a_statement_without_a_sid_is_named_by_its_number() {
        let mut unnamed = statement("", "Allow", "*", "*");
        unnamed.as_object_mut().unwrap().remove("Sid");
        let policy = policy(json!([
            statement("No", "Deny", "*", "kms:Encrypt"),
            unnamed
        ]));
        assert_eq!(
            policy.decide(&request("ec2.amazonaws.com")),
            Decision::Allowed {
                statement: "statement 2".to_owned()
            }
        );
    }

    #[test]
    fn another_keys_statement_does_not_apply() {
        let mut other = statement("Other", "Allow", ROLE, "kms:*");
        other["Resource"] = json!(KEY.replace("1234abcd", "1234abce"));
        assert_eq!(
            policy(json!(other)).decide(&request(ROLE)),
            Decision::NotAllowed
        );
        other["Resource"] = json!(KEY);
        assert_ne!(
            policy(json!(other)).decide(&request(ROLE)),
            Decision::NotAllowed
        );
    }

    #[test]
    fn every_condition_must_hold() {
        let mut attested = statement("Attested", "Allow", ROLE, "kms:Decrypt");
        attested["Condition"] = json!({
            "StringEqualsIgnoreCase": {
                "kms:RecipientAttestation:PCR0": "00ff",
                "kms:RecipientAttestation:ImageSha384": "00ff",
                "kms:RecipientAttestation:PCR2": "02",
            },
            "StringEquals": {"kms:EncryptionContext:deployment": "example"},
            "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["deployment", "epoch"]},
        });
        let policy = policy(json!(attested));
        let context = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        let ours = context(&[("deployment", "example"), ("epoch", "1")]);
        let pcrs = |pcr0: &'static [u8], pcr2: &'static [u8]| [(0, pcr0), (2, pcr2)];
        let allowed =
            |request: RequestContext| matches!(policy.decide(&request), Decision::Allowed { .. });
        assert!(allowed(
            request(SESSION)
                .with_attestation(pcrs(&[0x00, 0xff], &[2]))
                .with_encryption_context(&ours)
        ));
        assert!(!allowed(request(SESSION).with_encryption_context(&ours)));
        for refused in [pcrs(&[0x00, 0xfe], &[2]), pcrs(&[0x00, 0xff], &[3])] {
            assert!(!allowed(
                request(SESSION)
                    .with_attestation(refused)
                    .with_encryption_context(&ours)
            ));
        }
        for refused in [
            context(&[("deployment", "other"), ("epoch", "1")]),
            context(&[("deployment", "example"), ("purpose", "1")]),
            context(&[]),
        ] {
            assert!(!allowed(
                request(SESSION)
                    .with_attestation(pcrs(&[0x00, 0xff], &[2]))
                    .with_encryption_context(&refused)
            ));
        }
    }

    #[test]
    fn a_session_is_known_by_its_roles_arn_and_account() {
        for (key, value) in [
            ("aws:PrincipalArn", ROLE),
            ("aws:PrincipalAccount", "111122223333"),
            ("kms:CallerAccount", "111122223333"),
            ("aws:SecureTransport", "true"),
        ] {
            let mut asked = statement("Asked", "Allow", "*", "kms:*");
            asked["Condition"] = json!({"StringEquals": {key: value}});
            let policy = policy(json!(asked));
            assert_ne!(
                policy.decide(&request(SESSION)),
                Decision::NotAllowed,
                "{key}"
            );
        }
    }
}
