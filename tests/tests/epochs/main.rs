//! The epochs of the root secret on real processes: rotated, resealed and retired, by requests and from the command line,
//! with a store that rolls back and with a second enclave.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod command_line;
mod resealing;
mod rollback;
mod rotation;
mod steps;
mod two_enclaves;
