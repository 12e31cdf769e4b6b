//! People on real processes: passkeys, sessions, links and recovery, through `permafrost serve`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

#[path = "people/attestation.rs"]
mod attestation;
#[path = "people/guardians.rs"]
mod guardians;
#[path = "people/passkeys.rs"]
mod passkeys;
#[path = "people/recovery.rs"]
mod recovery;
#[path = "people/sessions.rs"]
mod sessions;
#[path = "people/steps.rs"]
mod steps;
