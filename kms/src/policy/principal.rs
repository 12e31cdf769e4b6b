//! The principals that a statement names (IAM User Guide, "AWS JSON policy elements: Principal").

use std::fmt;

/// One principal of a statement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Principal {
    /// `*`, alone or as `{"AWS": "*"}`: everyone, in any account.
    Everyone,
    /// An account: `arn:PARTITION:iam::ACCOUNT:root` or the 12 digits. An allowance lets IAM policies of that account
    /// decide; a denial applies to everyone in it.
    Account {
        /// The 12 digits.
        id: String,
        /// As it was written.
        written: String,
    },
    /// A user, a role, an assumed role's session or a federated user, by its ARN.
    Arn(String),
    /// The id with which IAM replaces an ARN when the principal is deleted: it matches no one.
    Deleted(String),
    /// `{"Service": "..."}`, `{"Federated": "..."}` or `{"CanonicalUser": "..."}`.
    Other {
        /// The member's name.
        kind: &'static str,
        /// Its value.
        name: String,
    },
}

/// The kinds of principals that are not AWS accounts, users or roles.
pub(super) const OTHER_KINDS: [&str; 3] = ["Service", "Federated", "CanonicalUser"];

impl Principal {
    /// Reads an entry of `{"AWS": ...}`. Like KMS, it refuses wildcards, except `*` alone.
    pub(super) fn from_aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Everyone);
        }
        if is_account(text) {
            return Some(Self::Account {
                id: text.to_owned(),
                written: text.to_owned(),
            });
        }
        if let Some(arn) = Arn::parse(text) {
            return match (arn.service, arn.resource) {
                ("iam", "root") => Some(Self::Account {
                    id: arn.account.to_owned(),
                    written: text.to_owned(),
                }),
                _ => Some(Self::Arn(text.to_owned())),
            };
        }
        is_unique_id(text).then(|| Self::Deleted(text.to_owned()))
    }

    /// Whether IAM has marked the principal as deleted.
    pub(super) fn is_deleted(&self) -> bool {
        matches!(self, Self::Deleted(_))
    }

    /// How the principal matches the caller of a request.
    pub(crate) fn matches(&self, caller: &str) -> Match {
        let named = |is_it: bool| if is_it { Match::ByName } else { Match::No };
        match self {
            Self::Everyone => Match::ByName,
            Self::Account { id, .. } => match Arn::parse(caller) {
                Some(arn) if arn.account != id => Match::No,
                Some(arn) if arn.resource == "root" => Match::ByName,
                Some(_) => Match::ByAccount,
                None => Match::No,
            },
            Self::Arn(arn) => named(arn == caller || is_session_of(caller, arn)),
            Self::Deleted(_) => Match::No,
            Self::Other { name, .. } => named(name == caller),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::Account { id, .. } => write!(f, "the account {id}"),
            Self::Arn(arn) => f.write_str(arn),
            Self::Deleted(id) => write!(f, "no one (the deleted principal {id})"),
            Self::Other { kind, name } => write!(f, "{kind} {name}"),
        }
    }
}

/// How a principal matches a caller.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Match {
    No,
    /// The principal is the caller's whole account.
    ByAccount,
    ByName,
}

/// `arn:PARTITION:SERVICE::ACCOUNT:RESOURCE` of a principal.
pub(crate) struct Arn<'a> {
    pub(crate) partition: &'a str,
    pub(crate) service: &'a str,
    pub(crate) account: &'a str,
    pub(crate) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// The ARN of a user, role, session, federated user or account. No wildcards.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next();
        let (Some("arn"), Some(partition), Some(service), Some(""), Some(account), Some(resource)) =
            (next(), next(), next(), next(), next(), next())
        else {
            return None;
        };
        let accepted = match service {
            "iam" => resource == "root" || is_named(resource, &["user/", "role/"]),
            "sts" => is_named(resource, &["assumed-role/", "federated-user/"]),
            _ => false,
        };
        let partition_accepted = partition == "aws" || partition.starts_with("aws-");
        (accepted && partition_accepted && is_account(account)).then_some(Self {
            partition,
            service,
            account,
            resource,
        })
    }

    /// The role of an assumed role's session, without its path, which the session's ARN omits.
    pub(super) fn role_of_session(&self) -> Option<&'a str> {
        let (role, _session) = self
            .resource
            .strip_prefix("assumed-role/")?
            .split_once('/')?;
        Some(role)
    }
}

/// Whether the text is an account's number: 12 digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `caller` is a session of the role with this ARN. Within an account a role's name is unique, whatever its
/// path.
fn is_session_of(caller: &str, role: &str) -> bool {
    let (Some(caller), Some(role)) = (Arn::parse(caller), Arn::parse(role)) else {
        return false;
    };
    let name = role
        .resource
        .strip_prefix("role/")
        .and_then(|path| path.rsplit('/').next());
    name.is_some()
        && caller.role_of_session() == name
        && caller.account == role.account
        && caller.partition == role.partition
}

/// Whether the resource is one of the prefixes followed by a name, of the characters that IAM allows in names and paths.
fn is_named(resource: &str, prefixes: &[&str]) -> bool {
    prefixes
        .iter()
        .filter_map(|prefix| resource.strip_prefix(prefix))
        .any(|name| {
            !name.is_empty()
                && !name.ends_with('/')
                && name.len() <= 576
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&b))
        })
}

/// Whether it is one of IAM's unique ids (IAM User Guide, "IAM identifiers").
fn is_unique_id(text: &str) -> bool {
    (16..=128).contains(&text.len())
        && text.starts_with('A')
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/enclave";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/enclave/i-0123456789";

    fn aws(text: &str) -> Principal {
        Principal::from_aws(text).unwrap()
    }

    #[test]
    fn a_role_stands_for_its_sessions() {
        assert_eq!(aws(ROLE).matches(ROLE), Match::ByName);
        assert_eq!(aws(ROLE).matches(SESSION), Match::ByName);
        let with_path = "arn:aws:iam::111122223333:role/service/eu/enclave";
        assert_eq!(aws(with_path).matches(SESSION), Match::ByName);
        assert_eq!(aws(SESSION).matches(SESSION), Match::ByName);
        for other in [
            SESSION.replace("111122223333", "111122223334"),
            SESSION.replace("aws:", "aws-cn:"),
            SESSION.replace("enclave", "enclave2"),
            SESSION.replace("assumed-role", "federated-user"),
            SESSION.replace("/i-0123456789", ""),
            "arn:aws:iam::111122223333:user/enclave".to_owned(),
        ] {
            assert_eq!(aws(ROLE).matches(&other), Match::No, "{other}");
        }
        assert_eq!(
            aws("arn:aws:iam::111122223333:user/enclave").matches(SESSION),
            Match::No
        );
        assert_eq!(aws(SESSION).matches(ROLE), Match::No);
    }

    #[test]
    fn an_account_stands_for_everyone_in_it() {
        let root = "arn:aws:iam::111122223333:root";
        for account in [aws(root), aws("111122223333")] {
            assert_eq!(account.matches(ROLE), Match::ByAccount);
            assert_eq!(account.matches(SESSION), Match::ByAccount);
            assert_eq!(account.matches(root), Match::ByName);
            assert_eq!(
                account.matches("arn:aws:iam::444455556666:role/enclave"),
                Match::No
            );
            assert_eq!(account.matches("ec2.amazonaws.com"), Match::No);
        }
        assert_eq!(aws("*").matches("ec2.amazonaws.com"), Match::ByName);
    }

    #[test]
    fn a_deleted_principal_matches_no_one() {
        let deleted = aws("AROA1234567890EXAMPLE");
        assert_eq!(deleted.matches("AROA1234567890EXAMPLE"), Match::No);
    }

    #[test]
    fn what_does_not_name_a_principal_is_refused() {
        for text in [
            "",
            "enclave",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::*:role/enclave",
            "arn:aws:iam::11112222333:root",
            "arn:aws:iam:eu-central-1:111122223333:root",
            "arn:aws:sts::111122223333:root",
            "arn:aws:iam::111122223333:group/admins",
            "arn:other:iam::111122223333:root",
            "111122223333 ",
        ] {
            assert_eq!(Principal::from_aws(text), None, "{text}");
        }
    }
}
