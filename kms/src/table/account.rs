//! The users and roles of an account with their policies, as IAM describes them.

use serde_json::Value;

use crate::policy::{PolicyKind, WrittenPolicy};

/// All users and roles of an account, from `GetAccountAuthorizationDetails`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Account {
    identities: Vec<Identity>,
    /// The policies that this program cannot evaluate: whose, its name, and why.
    unread: Vec<String>,
}

/// A user or a role.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    pub(super) arn: String,
    /// Its own policies, those that are attached to it, and those of its groups.
    pub(super) policies: Vec<Named>,
    /// Its permissions boundary.
    pub(super) boundary: Option<Named>,
    /// Who may assume it, if it is a role.
    pub(super) trust: Option<Named>,
}

/// A policy and its name. One that cannot be evaluated allows everything and denies nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) policy: Option<WrittenPolicy>,
}

/// Why a text does not describe an account.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the account's users and roles are invalid: {0}; accepted: what `aws iam get-account-authorization-details` prints"
)]
pub struct AccountError(String);

impl Account {
    /// Reads what `aws iam get-account-authorization-details` prints.
    ///
    /// # Errors
    /// [`AccountError`] for a text that is not JSON or lacks one of its four lists, and for a truncated list.
    pub fn from_json(text: &str) -> Result<Self, AccountError> {
        let json: Value =
            serde_json::from_str(text).map_err(|error| AccountError(error.to_string()))?;
        if json.get("IsTruncated").and_then(Value::as_bool) == Some(true) {
            return Err(AccountError("the list is truncated".to_owned()));
        }
        let lists = [
            "UserDetailList",
            "RoleDetailList",
            "GroupDetailList",
            "Policies",
        ];
        if let Some(missing) = lists.iter().find(|name| json.get(**name).is_none()) {
            return Err(AccountError(format!("{missing} is missing")));
        }
        let mut reader = Reader {
            groups: list(&json, "GroupDetailList"),
            managed: list(&json, "Policies"),
            unread: Vec::new(),
        };
        let users = list(&json, "UserDetailList").iter();
        let roles = list(&json, "RoleDetailList").iter();
        let all = users
            .map(|user| (user, "UserPolicyList"))
            .chain(roles.map(|role| (role, "RolePolicyList")));
        let identities = all
            .map(|(identity, inline)| reader.identity(identity, inline))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            identities,
            unread: reader.unread,
        })
    }

    /// The users and roles.
    pub fn identities(&self) -> &[Identity] {
        &self.identities
    }

    pub(super) fn identity(&self, arn: &str) -> Option<&Identity> {
        self.identities.iter().find(|identity| identity.arn == arn)
    }

    pub(super) fn unread(&self) -> &[String] {
        &self.unread
    }
}

impl Identity {
    /// The ARN of the user or role.
    pub fn arn(&self) -> &str {
        &self.arn
    }
}

struct Reader<'a> {
    groups: &'a [Value],
    managed: &'a [Value],
    unread: Vec<String>,
}

impl Reader<'_> {
    fn identity(&mut self, json: &Value, inline: &str) -> Result<Identity, AccountError> {
        let arn = text(json, "Arn").ok_or_else(|| {
            let list = inline.trim_end_matches("PolicyList");
            AccountError(format!("a {list} has no Arn"))
        })?;
        let mut policies = self.policies(arn, json, inline);
        for name in list(json, "GroupList").iter().filter_map(Value::as_str) {
            let group = self
                .groups
                .iter()
                .find(|group| text(group, "GroupName") == Some(name));
            match group {
                Some(group) => policies.extend(self.policies(arn, group, "GroupPolicyList")),
                None => policies.push(self.unknown(
                    arn,
                    &format!("group {name}"),
                    "it is not in the list",
                )),
            }
        }
        let boundary = json
            .get("PermissionsBoundary")
            .and_then(|boundary| text(boundary, "PermissionsBoundaryArn"))
            .map(|boundary| self.managed(arn, boundary));
        let trust = json.get("AssumeRolePolicyDocument").map(|document| {
            self.named(arn, "AssumeRolePolicyDocument", PolicyKind::Trust, document)
        });
        Ok(Identity {
            arn: arn.to_owned(),
            policies,
            boundary,
            trust,
        })
    }

    /// The policies of a user, a role or a group: those that it alone has, and those that are attached to it.
    fn policies(&mut self, arn: &str, json: &Value, inline: &str) -> Vec<Named> {
        let mut policies = Vec::new();
        for entry in list(json, inline) {
            let name = text(entry, "PolicyName").unwrap_or("without a name");
            let document = entry.get("PolicyDocument").unwrap_or(&Value::Null);
            policies.push(self.named(arn, name, PolicyKind::Identity, document));
        }
        for entry in list(json, "AttachedManagedPolicies") {
            let managed = text(entry, "PolicyArn").unwrap_or_default();
            policies.push(self.managed(arn, managed));
        }
        policies
    }

    fn managed(&mut self, arn: &str, managed: &str) -> Named {
        let policy = self
            .managed
            .iter()
            .find(|policy| text(policy, "Arn") == Some(managed));
        let version = policy
            .into_iter()
            .flat_map(|policy| list(policy, "PolicyVersionList"))
            .find(|version| {
                let default = version.get("IsDefaultVersion");
                // The CLI prints a Boolean, IAM's own XML has a text.
                default.is_some_and(|default| *default == Value::Bool(true) || default == "true")
            });
        match version.and_then(|version| version.get("Document")) {
            Some(document) => self.named(arn, managed, PolicyKind::Identity, document),
            None => self.unknown(arn, managed, "its text is not in the list"),
        }
    }

    /// A document is an object, or a text that contains one.
    fn named(&mut self, arn: &str, name: &str, kind: PolicyKind, document: &Value) -> Named {
        let text = match document {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match WrittenPolicy::parse_as(kind, &text) {
            Ok(policy) => Named {
                name: name.to_owned(),
                policy: Some(policy),
            },
            Err(error) => self.unknown(arn, name, &error.to_string()),
        }
    }

    fn unknown(&mut self, arn: &str, name: &str, why: &str) -> Named {
        self.unread.push(format!("{name} of {arn}: {why}"));
        Named {
            name: name.to_owned(),
            policy: None,
        }
    }
}

fn text<'a>(json: &'a Value, name: &str) -> Option<&'a str> {
    json.get(name).and_then(Value::as_str)
}

/// The entries of a list; none if there is no such list, which IAM leaves out when it is empty.
fn list<'a>(json: &'a Value, name: &str) -> &'a [Value] {
    let list = json.get(name).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}
