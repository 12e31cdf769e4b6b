//! The egress proxy: what it relays, what it refuses, and the credentials that it serves.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing test should stop, in its helpers too"
)]

mod credentials;
mod egress_proxy;
mod instance_metadata;
mod limits;
mod observed;
mod refusals;
mod relaying;
mod serve;
