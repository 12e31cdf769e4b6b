//! The fork: a parent that copies its store and starts a second enclave of the same image on the copy, for each right that can be taken away.
//!
//! A [`Right`](rights::Right) knows how someone gets it, how it is taken away and what it lets one do. What an enclave on an old copy does
//! with it depends on the store: `at_the_parent` shows the limit of a store that the parent keeps, `receipts` what reveals it, and
//! `in_a_table` that there is no such fork where the enclaves reach the store themselves.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod at_the_parent;
mod command_line;
#[cfg(feature = "interop")]
mod in_a_table;
mod least_version;
mod receipts;
mod rights;
