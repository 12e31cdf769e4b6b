//! Who sends requests, and what they may do.

mod operation_name;
mod policy;
mod user_id;

use permafrost_common::http_signature::PublicKey;
use permafrost_common::problem::{Problem, ProblemType};

pub use operation_name::OperationName;
pub(crate) use policy::check_kinds;
pub use policy::{KeyScope, Policy};
pub use user_id::UserId;

/// A service that the measured configuration names.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The `keyid` of its requests: 1 to 64 of `A-Z a-z 0-9 - _ .`.
    pub name: String,
    /// The key that verifies its requests.
    pub public_key: PublicKey,
    /// What it may do; everything else is denied.
    pub policy: Policy,
}

/// A principal whose request was checked.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The principal's name.
    pub name: String,
    /// What it may do.
    pub policy: Policy,
    /// The user, if the principal is a session.
    pub person: Option<Person>,
    /// What the request says of the key in its path.
    pub least_version: Option<LeastVersion>,
}

/// The oldest version of a key's record that a request is to be carried out with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeastVersion {
    /// The key.
    pub key_id: String,
    /// From 1.
    pub version: u64,
}

impl Caller {
    /// Refuses what the store gave as the record of this key if the request demands a later version.
    pub fn check_version(&self, key_id: &str, version: u64) -> Result<(), Problem> {
        match &self.least_version {
            Some(least) if least.key_id == key_id && version < least.version => {
                let detail = format!(
                    "the store gave the record of key {key_id} in version {version}; the request demands version {} or later (least_version)",
                    least.version
                );
                Err(Problem::new(ProblemType::RecordRolledBack, detail))
            }
            _ => Ok(()),
        }
    }
}

/// A user, by one of their sessions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Person {
    /// The user.
    pub user: UserId,
    /// The session, among the user's.
    pub session: [u8; 8],
}

/// What the name of every user begins with, as the owner of keys. No principal of the configuration has such a name.
pub(crate) const USER_PREFIX: &str = "user.";

fn is_of_a_user(owner: &str) -> bool {
    owner.starts_with(USER_PREFIX)
}
