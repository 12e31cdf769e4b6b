//! The epochs of the root secret on real processes: rotated, resealed and retired, by requests and from the command line,
//! with a store that goes back and with another enclave beside.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

#[path = "epochs/command_line.rs"]
mod command_line;
#[path = "epochs/resealing.rs"]
mod resealing;
#[path = "epochs/rollback.rs"]
mod rollback;
#[path = "epochs/rotation.rs"]
mod rotation;
#[path = "epochs/steps.rs"]
mod steps;
#[path = "epochs/two_enclaves.rs"]
mod two_enclaves;
