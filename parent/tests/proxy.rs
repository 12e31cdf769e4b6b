//! The proxy as a process: what goes through it, what it refuses, how it stops.

#[path = "support/mod.rs"]
mod support;

#[path = "proxy/forwarding.rs"]
mod forwarding;
#[path = "proxy/limits.rs"]
mod limits;
#[path = "proxy/operations.rs"]
mod operations;
#[path = "proxy/outage.rs"]
mod outage;
#[path = "proxy/stopping.rs"]
mod stopping;
