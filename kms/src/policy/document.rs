//! The key policy that decides requests.

use super::decide::{self, Decision, RequestContext};
use super::error::{PolicyError, quoted};
use super::written::{Statement, WrittenPolicy};

/// A key policy that can be evaluated: all of it is known and supported.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyDocument {
    text: String,
    written: WrittenPolicy,
}

impl PolicyDocument {
    /// Reads a key policy: JSON, at most [`POLICY_MAX`](super::POLICY_MAX) bytes.
    ///
    /// # Errors
    /// [`PolicyError`] for what is not a key policy, and for what this program cannot evaluate: an unknown member, operator,
    /// condition key or action, `NotPrincipal`, `NotAction`, `NotResource`, a policy variable, a deleted principal. Nothing is
    /// ignored.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let written = WrittenPolicy::parse(text)?;
        for statement in &written.statements {
            if let Some((problem, accepted)) = refusal(statement, written.variables) {
                return Err(PolicyError::new(statement.place(), problem, accepted));
            }
        }
        Ok(Self {
            text: text.to_owned(),
            written,
        })
    }

    /// The policy's text, unchanged.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Decides one request. An explicit denial wins over everything, an allowance by name over delegation to IAM.
    pub fn decide(&self, request: &RequestContext) -> Decision {
        decide::decide(&self.written.statements, request)
    }
}

/// Why a statement cannot be evaluated, and what would be accepted.
fn refusal(statement: &Statement, variables: bool) -> Option<(String, &'static str)> {
    let negated = [
        (statement.principals.negated, "NotPrincipal", "Principal"),
        (statement.actions.negated, "NotAction", "Action"),
        (statement.resources.negated, "NotResource", "Resource"),
    ];
    if let Some((_, found, accepted)) = negated.into_iter().find(|(negated, ..)| *negated) {
        return Some((format!("{found} is not supported"), accepted));
    }
    if let Some(deleted) = statement.principals.entries.iter().find(|p| p.is_deleted()) {
        return Some((
            format!("the principal is {deleted}"),
            "principals that exist",
        ));
    }
    if let Some(unknown) = statement
        .actions
        .entries
        .iter()
        .find(|action| action.known().next().is_none())
    {
        return Some((
            format!("the action {} is unknown", quoted(&unknown.to_string())),
            "actions of KMS, such as kms:Decrypt, perhaps with wildcards",
        ));
    }
    if let Some(resource) = statement
        .resources
        .entries
        .iter()
        .find(|resource| variables && resource.contains("${"))
    {
        return Some((
            format!("the policy variable in {}", quoted(resource)),
            "resources without variables",
        ));
    }
    statement
        .conditions
        .iter()
        .find_map(|condition| condition.refusal(variables))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_evaluated_is_refused_by_name_and_never_ignored() {
        let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "111122223333"},
            "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringEquals": {"kms:CallerAccount": "1"}}}}"#;
        PolicyDocument::parse(policy).unwrap();
        for (found, replaced, problem) in [
            (
                "\"Principal\"",
                "\"NotPrincipal\"",
                "NotPrincipal is not supported",
            ),
            ("\"Action\"", "\"NotAction\"", "NotAction is not supported"),
            (
                "\"Resource\"",
                "\"NotResource\"",
                "NotResource is not supported",
            ),
            (
                "111122223333",
                "AROA1234567890EXAMPLE",
                "AROA1234567890EXAMPLE",
            ),
            ("kms:Decrypt", "kms:Decript", "\"kms:Decript\" is unknown"),
            ("kms:Decrypt", "s3:GetObject", "\"s3:GetObject\" is unknown"),
            ("\"*\"", "\"${aws:username}\"", "variable"),
            (
                "StringEquals",
                "IpAddress",
                "\"IpAddress\" is not supported",
            ),
            (
                "kms:CallerAccount",
                "aws:SourceIp",
                "\"aws:SourceIp\" is not supported",
            ),
            ("\"1\"", "\"${aws:username}\"", "variable"),
        ] {
            let error = PolicyDocument::parse(&policy.replace(found, replaced))
                .unwrap_err()
                .to_string();
            assert!(error.starts_with("statement 1: "), "{error}");
            assert!(error.contains(problem), "{error}");
        }
    }
}
