//! The raw client of the parent's record store: HTTP over a transport. It seals nothing and trusts nothing.
//!
//! The protocol is [`permafrost_common::store`]'s. The parent is the attacker, so a response that does not fit the request is a
//! [`Fault`] that says what came, and responses are bounded in bytes and time. What a record *is* (which place, which version,
//! whose) is not checked here: that takes the sealing key.
//!
//! A write whose response was lost has an unknown outcome, which only reading the record reveals:
//! [`StoreClientError::UnknownOutcome`].

mod client;
mod error;
mod listing;
mod pool;
mod response;

pub use client::StoreClient;
pub use error::{Fault, StoreClientError};
pub use listing::{Entries, Entry};
pub use permafrost_common::store::Expected;
pub use response::{DeleteOutcome, Fetched, PutOutcome};

#[cfg(test)]
mod tests;
