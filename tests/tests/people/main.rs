//! People on real processes: passkeys, sessions, links and recovery, through `permafrost serve`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod approvals;
mod attestation;
mod budgets;
mod guardians;
mod passkeys;
mod recovery;
mod sessions;
mod steps;
mod sweeping;
