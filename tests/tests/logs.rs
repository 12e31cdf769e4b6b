//! The enclave's log: it arrives at the parent as the enclave's words, holds up nothing and holds no secret.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

#[path = "logs/arrival.rs"]
mod arrival;
#[path = "secrets/known.rs"]
mod known;
#[path = "logs/lines.rs"]
mod lines;
#[path = "secrets/search.rs"]
mod search;
#[path = "logs/secrets.rs"]
mod secrets;
#[path = "logs/stalls.rs"]
mod stalls;
#[path = "logs/strangers.rs"]
mod strangers;
