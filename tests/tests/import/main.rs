//! Keys that are imported: what a lying parent, another principal or a wrong secret is refused, and that nothing gives the secret.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails should stop, in its helpers too"
)]

mod command_line;
mod lies;
mod once;
mod secret;
mod steps;
