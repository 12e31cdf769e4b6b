//! The proxy as a process: what goes through it, what it refuses, how it stops.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails should stop, in its helpers too"
)]

#[path = "../support/mod.rs"]
mod support;

mod forwarding;
mod limits;
mod operations;
mod outage;
mod stopping;
