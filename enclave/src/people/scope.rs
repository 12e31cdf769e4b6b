//! The scope to which a user or a session is narrowed.

use std::collections::BTreeSet;

use permafrost_common::api::people::Scope;
use permafrost_common::problem::Problem;
use serde::{Deserialize, Serialize};

use crate::keys::KeyId;
use crate::keys::PayloadKind;
use crate::principal::{KeyScope, OperationName, Policy};

/// The most entries of each list.
const ENTRIES_MAX: usize = 64;

/// What remains allowed; `None` narrows nothing.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Narrowing {
    keys: Option<BTreeSet<String>>,
    operations: Option<BTreeSet<String>>,
    nostr_kinds: Option<BTreeSet<u16>>,
}

impl Narrowing {
    /// Reads a scope; `field` is its JSON pointer.
    ///
    /// # Errors
    /// More than 64 entries in a list, an operation that does not exist, or an invalid key id.
    pub(super) fn parse(scope: Option<Scope>, field: &str) -> Result<Self, Problem> {
        let Some(scope) = scope else {
            return Ok(Self::default());
        };
        let operations =
            list(
                scope.operations,
                &format!("{field}/operations"),
                |name| match OperationName::parse(name) {
                    Some(_) => Ok(()),
                    None => Err(
                        "the name of an operation, as in docs/configuration.md or docs/people.md",
                    ),
                },
            )?;
        let keys = list(scope.keys, &format!("{field}/keys"), |id| {
            match id.parse::<KeyId>() {
                Ok(_) => Ok(()),
                Err(_) => Err("a key's id: 44 hex digits"),
            }
        })?;
        let kinds = list(scope.nostr_kinds, &format!("{field}/nostr_kinds"), |_| {
            Ok(())
        })?;
        Ok(Self {
            keys,
            operations,
            nostr_kinds: kinds,
        })
    }

    /// The scope as the API shows it; `None` if nothing is narrowed.
    pub(super) fn view(&self) -> Option<Scope> {
        (*self != Self::default()).then(|| Scope {
            operations: self.operations.clone().map(Vec::from_iter),
            keys: self.keys.clone().map(Vec::from_iter),
            nostr_kinds: self.nostr_kinds.clone().map(Vec::from_iter),
        })
    }

    /// Whether the scope still allows this operation.
    pub(super) fn leaves(&self, operation: OperationName) -> bool {
        let operations = self.operations.as_ref();
        operations.is_none_or(|left| left.contains(operation.as_str()))
    }

    /// Narrows a policy to this scope.
    pub(super) fn apply(&self, policy: &mut Policy) {
        if let Some(operations) = &self.operations {
            policy
                .operations
                .retain(|operation| operations.contains(operation.as_str()));
        }
        if let Some(kinds) = &self.nostr_kinds {
            // A digest may be that of an event of any kind.
            policy.payloads.remove(&PayloadKind::Digest);
            policy.nostr_kinds = Some(match policy.nostr_kinds.take() {
                Some(allowed) => allowed.intersection(kinds).copied().collect(),
                None => kinds.clone(),
            });
        }
        if let Some(keys) = &self.keys {
            policy.keys = match std::mem::take(&mut policy.keys) {
                KeyScope::OwnAmong(before) => {
                    KeyScope::OwnAmong(before.intersection(keys).cloned().collect())
                }
                _ => KeyScope::OwnAmong(keys.clone()),
            };
        }
    }
}

fn list<T: Ord>(
    entries: Option<Vec<T>>,
    field: &str,
    check: impl Fn(&T) -> Result<(), &'static str>,
) -> Result<Option<BTreeSet<T>>, Problem> {
    let Some(entries) = entries else {
        return Ok(None);
    };
    if entries.len() > ENTRIES_MAX {
        let came = format!("{} entries", entries.len());
        return Err(Problem::field(field, came, "0 to 64"));
    }
    for (index, entry) in entries.iter().enumerate() {
        check(entry).map_err(|accepted| {
            Problem::field(format!("{field}/{index}"), "an unknown value", accepted)
        })?;
    }
    Ok(Some(entries.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            operations: [OperationName::Sign, OperationName::ShowKey].into(),
            keys: KeyScope::Own,
            derived: BTreeSet::new(),
            payloads: [PayloadKind::NostrEvent].into(),
            nostr_kinds: Some([1, 7].into()),
            requests_per_minute: 60,
        }
    }

    fn narrowed(scope: Scope) -> Policy {
        let mut policy = policy();
        Narrowing::parse(Some(scope), "/scope")
            .unwrap()
            .apply(&mut policy);
        policy
    }

    #[test]
    fn a_scope_only_ever_narrows() {
        let wide = narrowed(Scope {
            operations: Some(vec!["sign".into(), "rotate_root".into()]),
            keys: None,
            nostr_kinds: Some(vec![1, 30023]),
        });
        assert_eq!(wide.operations, [OperationName::Sign].into());
        assert_eq!(wide.nostr_kinds, Some([1].into()));
        assert_eq!(wide.keys, KeyScope::Own);

        let id = "0".repeat(44);
        let one = narrowed(Scope {
            keys: Some(vec![id.clone()]),
            ..Scope::default()
        });
        assert!(one.allows_key("user.a", &id, "user.a"));
        assert!(!one.allows_key("user.a", &id, "user.b"));
        assert!(!one.allows_key("user.a", &"1".repeat(44), "user.a"));
        assert_eq!(narrowed(Scope::default()), policy());
    }

    #[test]
    fn a_scope_with_kinds_of_events_leaves_no_digest_to_sign() {
        let both = [PayloadKind::Digest, PayloadKind::NostrEvent];
        for (nostr_kinds, left) in [(Some(vec![1]), &both[1..]), (None, &both[..])] {
            let mut policy = Policy {
                payloads: both.into(),
                nostr_kinds: None,
                ..policy()
            };
            let scope = Scope {
                nostr_kinds,
                ..Scope::default()
            };
            let narrowing = Narrowing::parse(Some(scope), "/scope").unwrap();
            narrowing.apply(&mut policy);
            assert_eq!(policy.payloads, left.iter().copied().collect());
        }
    }

    #[test]
    fn an_unknown_operation_or_key_is_refused_with_its_place() {
        let operation = Scope {
            operations: Some(vec!["sign".into(), "sing".into()]),
            ..Scope::default()
        };
        let refused = Narrowing::parse(Some(operation), "/scope").unwrap_err();
        assert_eq!(refused.errors[0].field, "/scope/operations/1");
        let key = Scope {
            keys: Some(vec!["x".into()]),
            ..Scope::default()
        };
        assert!(Narrowing::parse(Some(key), "/scope").is_err());
        let kinds = Scope {
            nostr_kinds: Some((0..65).collect()),
            ..Scope::default()
        };
        assert!(Narrowing::parse(Some(kinds), "/scope").is_err());
    }
}
