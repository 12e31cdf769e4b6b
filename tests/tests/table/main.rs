//! Enclaves whose records are in a DynamoDB table that they reach themselves, at two servers that are not ours.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod boot;
mod command_line;
mod connection;
mod credentials;
mod lease;
mod lies;
mod steps;
