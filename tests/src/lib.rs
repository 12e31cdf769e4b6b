//! What the end-to-end tests consist of: real processes, and a parent that lies.
//!
//! - [`binaries`]: where the built programs are.
//! - [`python`]: independent clients and servers from PyPI, and the scripts that use them.
//! - [`EnclaveProcess`]: the real enclave program, which can be killed and started again.
//! - [`LyingStore`]: the parent's side of the record store's protocol, honest until told to lie.
//! - [`LyingProxy`]: the parent's side of the HTTP API, likewise.
//! - [`LyingEgress`]: the parent's egress proxy, likewise.
//! - [`DevelopmentKms`]: the KMS from which every enclave here gets its root secret, under the key policy of a release.
//! - [`LyingKms`]: a TLS server of the parent's that impersonates KMS, with any certificate that the parent can get.
//! - [`RolesAnywhere`]: a stand-in for AWS's service of that name, which checks what it gets by code that is not ours.
//! - [`LyingParent`]: all of these together, with a client that trusts only the enclave.
//! - [`SharedParent`]: the same for tests that leave the enclave serving, which share it if it is a virtual machine.
//! - [`ParentProcess`]: the real parent program, which can be killed and started again.
//! - [`dynamodb`]: servers of DynamoDB's protocol, behind TLS.
//! - [`TableDeployment`]: enclaves with a table as their store, each with a parent that lies.
//! - [`HonestStack`]: the real parent program in front of the real enclave program.
//! - [`PostgresServer`]: PostgreSQL itself, with a folder of its own.
//! - [`history`]: whether what clients were told can have happened.
//! - [`Person`]: a user with a [`Browser`] and an [`Authenticator`] (and its [`Vendor`]), without a real browser.
//! - [`Random`]: choices that the same seed repeats.
//! - [`VirtualMachine`]: the enclave image as it boots. With the feature `booted`, every [`EnclaveProcess`] is one.

#![forbid(unsafe_code)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod authenticator;
mod authority;
mod background;
pub mod binaries;
mod booted;
mod browser;
mod development_kms;
pub mod dynamodb;
mod enclave_process;
pub mod history;
mod honest_stack;
mod killed;
mod lying_egress;
mod lying_kms;
mod lying_parent;
mod lying_proxy;
mod lying_store;
mod measured;
mod parent_process;
mod person;
mod postgres_server;
pub mod python;
mod random;
mod resealing;
mod roles_anywhere;
mod shared_parent;
mod table_deployment;
mod vendor;
pub mod virtual_machine;

pub use authenticator::Authenticator;
pub use authority::Authority;
pub use browser::{Browser, Wanted, with_nonce};
pub use development_kms::{DevelopmentKms, measurements, measurements_of, predecessors};
pub use enclave_process::{EnclaveProcess, ParentSide};
pub use honest_stack::HonestStack;
pub use killed::killed_at_random;
pub use lying_egress::{Cut, LyingEgress};
pub use lying_kms::{KmsRequest, KmsResponse, LyingKms, Presented};
pub use lying_parent::{
    Fork, LyingParent, MESSAGE, is_signed_by, message, new_key, refusal, two_of_three,
};
pub use lying_proxy::{LyingProxy, WholeRequest, WholeResponse, problem_of};
pub use lying_store::{LyingStore, StoreRequest, StoreResponse};
pub use measured::{ALL_KEYS, Measured};
pub use parent_process::ParentProcess;
pub use person::Person;
pub use postgres_server::PostgresServer;
pub use random::{Random, seed};
pub use resealing::pass;
pub use roles_anywhere::RolesAnywhere;
pub use shared_parent::SharedParent;
pub use table_deployment::{TableDeployment, TableEnclave, credentials};
pub use vendor::Vendor;
pub use virtual_machine::VirtualMachine;

/// How many records of derived keys' exceptions a pass of resealing examines, beside all others.
pub const EXCEPTIONS: u32 = permafrost_enclave::derivation::BUCKETS as u32;
