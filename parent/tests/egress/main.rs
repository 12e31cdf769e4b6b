//! The enclave's way out: what goes through it, what it refuses, and the credentials beside it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails should stop, in its helpers too"
)]

mod credentials;
mod instance_metadata;
mod limits;
mod observed;
mod refusals;
mod relaying;
mod serve;
mod way;
