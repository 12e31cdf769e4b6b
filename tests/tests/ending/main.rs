//! The end of a key's life: deletion, and replacement with a statement.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod deletion;
mod replacement;
