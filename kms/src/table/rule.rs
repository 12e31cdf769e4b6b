//! The rules of the check, each with its name.

use std::fmt;

use serde::{Serialize, Serializer};

use super::ability::Ability;

/// A finding, or something to know (a notice).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Rule {
    /// A parent's instance role could do this.
    ParentMay(Ability),
    /// Someone else could do this.
    OtherMay(Ability),
    /// The table's policy does not deny this to principals that no policy names, such as a role that is made tomorrow.
    NotDenied(Ability),
    /// The enclave may not do what it needs.
    EnclaveCannot,
    /// The enclave may do more than it needs.
    EnclaveMayMore,
    /// The table's keys are others.
    Keys,
    /// The table cannot be used now.
    State,
    /// The table has replicas in other regions.
    Replicas,
    /// The table has a secondary index.
    Index,
    /// The table has a stream.
    Stream,
    /// Records expire.
    Expiry,
    /// The table can be deleted.
    Unprotected,
    /// The table's earlier states cannot be restored.
    Unrecoverable,
    /// The table's capacity is bought beforehand.
    Billing,
    /// The description is of another table.
    OtherTable,
    /// Something was not read, or could not be evaluated.
    NotRead,
}

impl Rule {
    /// Every rule.
    pub fn all() -> impl Iterator<Item = Self> {
        let by_ability = Ability::ALL.into_iter().flat_map(|ability| {
            let not_denied = matches!(ability, Ability::Write | Ability::Read)
                .then_some(Self::NotDenied(ability));
            [Self::ParentMay(ability), Self::OtherMay(ability)]
                .into_iter()
                .chain(not_denied)
        });
        by_ability.chain([
            Self::EnclaveCannot,
            Self::EnclaveMayMore,
            Self::Keys,
            Self::State,
            Self::Replicas,
            Self::Index,
            Self::Stream,
            Self::Expiry,
            Self::Unprotected,
            Self::Unrecoverable,
            Self::Billing,
            Self::OtherTable,
            Self::NotRead,
        ])
    }

    /// The name, in words with hyphens.
    pub fn name(self) -> String {
        match self {
            Self::ParentMay(ability) => format!("parent-may-{ability}"),
            Self::OtherMay(ability) => format!("other-may-{ability}"),
            Self::NotDenied(ability) => format!("{ability}-not-denied"),
            Self::EnclaveCannot => "enclave-cannot".to_owned(),
            Self::EnclaveMayMore => "enclave-may-more".to_owned(),
            Self::Keys => "keys".to_owned(),
            Self::State => "state".to_owned(),
            Self::Replicas => "replicas".to_owned(),
            Self::Index => "index".to_owned(),
            Self::Stream => "stream".to_owned(),
            Self::Expiry => "expiry".to_owned(),
            Self::Unprotected => "unprotected".to_owned(),
            Self::Unrecoverable => "unrecoverable".to_owned(),
            Self::Billing => "billing".to_owned(),
            Self::OtherTable => "other-table".to_owned(),
            Self::NotRead => "not-read".to_owned(),
        }
    }

    /// Whether it is only something to know.
    pub fn is_notice(self) -> bool {
        match self {
            Self::OtherMay(ability) => !matches!(ability, Ability::Write | Ability::Read),
            Self::EnclaveMayMore
            | Self::Unprotected
            | Self::Unrecoverable
            | Self::Billing
            | Self::NotRead => true,
            _ => false,
        }
    }

    /// Why it matters, in one sentence.
    pub fn why(self) -> &'static str {
        match self {
            Self::ParentMay(Ability::Read | Ability::Write) | Self::OtherMay(Ability::Write) => {
                "who can write what the enclave reads brings back what was revoked, and who can read can keep a copy for it"
            }
            Self::ParentMay(_) => {
                "the parent is whom the table is kept from: its instance role needs nothing of DynamoDB"
            }
            Self::OtherMay(ability) => match ability {
                Ability::Read => {
                    "the records are sealed, but their kinds, ids, versions and sizes are not"
                }
                Ability::Copy => {
                    "a copy has no effect on this table, which its ARN names, but holds the records of that time"
                }
                Ability::ChangePolicy => {
                    "whoever replaces the policy can let in anyone; CloudTrail shows it as PutResourcePolicy or DeleteResourcePolicy"
                }
                Ability::ChangeTable => {
                    "an index, a stream or no recovery: the table is no longer what the store needs"
                }
                Ability::Delete => "without the table every record is lost",
                _ => "whoever holds credentials of the enclave is the enclave for DynamoDB",
            },
            Self::NotDenied(_) => {
                "any policy in IAM could allow it: only a denial to everyone but the enclave holds whatever IAM says"
            }
            Self::EnclaveCannot => "the enclave would not start, or would fail at this call",
            Self::EnclaveMayMore => "the enclave needs no more than its calls",
            Self::Keys => {
                "the store needs the partition key kind and the sort key id, both of the type S"
            }
            Self::State => "the enclave cannot use the table in this state",
            Self::Replicas => {
                "of two writes in different regions DynamoDB keeps the later, whatever their conditions"
            }
            Self::Index => {
                "the store needs none; it is a copy, and it limits or slows what is written"
            }
            Self::Stream => "the store needs none; whoever reads it has a copy of each write",
            Self::Expiry => "DynamoDB would delete records that the enclave did not",
            Self::Unprotected => "a table that is deleted is lost with all keys",
            Self::Unrecoverable => "nothing brings back records after a mistake",
            Self::Billing => "more requests than were bought are refused",
            Self::OtherTable => {
                "the check is about the table that the enclave's configuration names"
            }
            Self::NotRead => "what is unknown counts as allowed",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}
