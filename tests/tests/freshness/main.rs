//! The fork: a parent that copies its store and starts a second enclave of the same image on the copy, for each right that can be taken away.
//!
//! A [`Right`](rights::Right) knows how someone gets it, how it is taken away and what it lets one do. What an enclave on an old copy does
//! with it depends on the store: `at_the_parent` shows the limit of a store that the parent keeps, and `receipts` what reveals it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod at_the_parent;
mod command_line;
mod least_version;
mod receipts;
mod rights;
