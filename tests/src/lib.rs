//! What the end-to-end tests are made of: real processes, and the parent that lies.
//!
//! - [`binaries`]: where the built programs are.
//! - [`EnclaveProcess`]: the real enclave program, which can be killed and started again.
//! - [`LyingStore`]: the parent's side of the record store's protocol, honest until told to lie.
//! - [`LyingProxy`]: the parent's side of the HTTP API, likewise.
//! - [`LyingParent`]: all three together, with a client's trust in the enclave.
//! - [`HonestStack`]: the real parent program in front of the real enclave program.

#![forbid(unsafe_code)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

pub mod binaries;
mod enclave_process;
mod honest_stack;
mod lying_parent;
mod lying_proxy;
mod lying_store;
mod measured;

pub use enclave_process::EnclaveProcess;
pub use honest_stack::HonestStack;
pub use lying_parent::{
    LyingParent, MESSAGE, is_signed_by, message, new_key, refusal, two_of_three,
};
pub use lying_proxy::{LyingProxy, WholeAnswer, WholeRequest};
pub use lying_store::{LyingStore, StoreAnswer, StoreRequest};
pub use measured::Measured;
