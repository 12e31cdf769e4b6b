//! The proxy as a process: what it forwards, what it refuses, and how it stops.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing test should stop, in its helpers too"
)]

#[path = "../support/mod.rs"]
mod support;

mod form;
mod forwarding;
mod half_close;
mod limits;
mod operations;
mod outage;
mod stopping;
