//! The policies around a DynamoDB table that holds a record store: who may write, read, copy or delete it.
//!
//! - [`TablePolicy`] writes the table's resource policy and the policy of the enclave's user.
//! - [`check`] evaluates the table's policy and the policies of the account's users and roles as AWS documents it (IAM User Guide,
//!   "Policy evaluation logic"), names everyone who could do more than they should, and reads the table's description.
//!
//! What cannot be evaluated counts against the table: an allowance with an unknown condition allows, a denial with one denies nothing,
//! and policies that could not be read allow everything.
//!
//! ```
//! use permafrost_kms::policy::{PolicyKind, WrittenPolicy};
//! use permafrost_kms::table::{Known, TablePolicy, check};
//!
//! let made = TablePolicy {
//!     table: "arn:aws:dynamodb:eu-central-1:111122223333:table/permafrost-example".parse()?,
//!     enclave: "arn:aws:iam::111122223333:user/permafrost-example".to_owned(),
//!     administrators: vec!["arn:aws:iam::111122223333:role/administrator".to_owned()],
//! };
//! let policy = WrittenPolicy::parse_as(PolicyKind::Table, &made.policy()?)?;
//! let mut known = Known::of(made.table, made.enclave);
//! known.policy = Some(policy);
//! known.parents = vec!["arn:aws:iam::111122223333:role/parent".to_owned()];
//! // Nothing is known of IAM's policies, and nothing that they could say matters.
//! assert!(check(&known).findings.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ability;
mod account;
mod certainty;
mod check;
mod description;
mod evaluate;
mod generate;
mod rule;

pub use ability::Ability;
pub use account::{Account, AccountError, Identity};
pub use check::{Finding, Known, Report, check};
pub use description::{Description, DescriptionError};
pub use generate::{ENCLAVE_ACTIONS, TablePolicy, TablePolicyError};
pub use rule::Rule;

#[cfg(test)]
mod tests;
