//! Several enclaves behind one `permafrost serve`, on one store.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod draining;
mod lies;
mod load;
mod outage;
mod people;
mod routing;
mod steps;
mod upgrade;
