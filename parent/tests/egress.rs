//! The enclave's way out: what goes through it, what it refuses, and the credentials beside it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails should stop, in its helpers too"
)]

#[path = "egress/credentials.rs"]
mod credentials;
#[path = "egress/instance_metadata.rs"]
mod instance_metadata;
#[path = "egress/limits.rs"]
mod limits;
#[path = "egress/observed.rs"]
mod observed;
#[path = "egress/refusals.rs"]
mod refusals;
#[path = "egress/relaying.rs"]
mod relaying;
#[path = "egress/serve.rs"]
mod serve;
#[path = "egress/way.rs"]
mod way;
