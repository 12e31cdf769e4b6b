//! The raw clients of the record store. They seal nothing and trust nothing.
//!
//! - [`Store`]: either of the following, with the same calls.
//! - [`StoreClient`]: the parent's store, HTTP over a transport; the protocol is [`permafrost_common::store`]'s.
//! - [`DynamoDb`](dynamodb::DynamoDb): a DynamoDB table, which the enclave reaches itself.
//!
//! The parent is the attacker, so a response that does not fit the request is a
//! [`Fault`] that says what came, and responses are bounded in bytes and time. What a record *is* (which place, which version,
//! whose) is not checked here: that takes the sealing key.
//!
//! A write whose response was lost has an unknown outcome, which only reading the record reveals:
//! [`StoreClientError::UnknownOutcome`].

mod accepted;
mod client;
mod config;
mod dispatch;
pub mod dynamodb;
mod error;
mod kept;
mod listing;
mod pool;
mod response;

pub use accepted::Range;
pub use client::StoreClient;
pub(crate) use config::StoreSection;
pub use config::{RolesAnywhereConfig, TableConfig};
pub use dispatch::{Lease, Store};
pub use error::{Fault, StoreClientError};
pub use listing::{Entries, Entry};
pub use permafrost_common::store::Expected;
pub use response::{DeleteOutcome, Fetched, PutOutcome};

#[cfg(test)]
mod tests;
