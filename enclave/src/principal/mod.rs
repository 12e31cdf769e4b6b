//! Who sends requests, and what they may do.

mod operation_name;
mod policy;
mod user_id;

use permafrost_common::http_signature::PublicKey;

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
