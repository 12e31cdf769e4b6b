//! Keys with split custody: made and used by a client and the real enclave together, and what a lying parent or participant gets.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod aggregated;
mod apart;
mod bare;
mod ceremonies;
mod command_line;
mod ending;
mod lies;
mod life;
mod model;
mod requests;
mod steps;
mod wrapped;
