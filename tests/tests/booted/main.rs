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

mod boundary;
mod inspection;
mod log;
mod main_job;
mod measured;
mod memory;
mod production;
