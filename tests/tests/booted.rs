//! The image as it boots: a real kernel, real vsock, a real `/dev/nsm`, in a virtual machine like Nitro's.
//!
//! QEMU's NSM does not sign its documents, so but for one test the program is the build that accepts them unsigned.

#![cfg(feature = "booted")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

#[path = "booted/boundary.rs"]
mod boundary;
#[path = "booted/inspection.rs"]
mod inspection;
#[path = "booted/log.rs"]
mod log;
#[path = "booted/main_job.rs"]
mod main_job;
#[path = "booted/measured.rs"]
mod measured;
#[path = "booted/memory.rs"]
mod memory;
#[path = "booted/production.rs"]
mod production;
