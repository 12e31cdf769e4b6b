//! The enclave log: it arrives at the parent marked as the enclave's, delays nothing and contains no secret.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod arrival;
#[path = "../secrets/known.rs"]
mod known;
mod lines;
#[path = "../secrets/search.rs"]
mod search;
mod secrets;
mod stalls;
mod strangers;
