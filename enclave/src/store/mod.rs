//! The raw client of the parent's record store: HTTP over a transport, nothing sealed, nothing believed.
//!
//! The protocol is [`permafrost_common::store`]'s. The parent is the attacker, so an answer that does not fit
//! the question is a [`Fault`] that says what came, and answers are bounded in bytes and time. What a record
//! *is* (which place, which version, whose) is not judged here: that takes the sealing key.
//!
//! A write whose answer was lost has an unknown outcome, and only reading tells:
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
pub use response::{Fetched, PutOutcome};

#[cfg(test)]
mod tests;
