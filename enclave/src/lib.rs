//! The measured program: makes, keeps and uses FROST key shares inside a Nitro enclave.
//!
//! - [`nsm`]: what attests, and the trust anchor that belongs to it.
//! - [`config`]: the measured configuration.
//! - [`boot`] makes an [`enclave::Enclave`], [`serve`] carries requests to the table of operations in [`routes`].
//! - [`principal`]: who may send requests, and what each may do; [`auth`]: whether one sent this request, now and once.
//! - [`custody`]: the keys as the API offers them; [`keys`]: what a key is and how it signs.
//! - [`derivation`]: keys that are computed from the derivation root and a path.
//! - [`records`]: typed records over [`sealing`] and the parent's [`store`].
//! - [`root`]: the root secret of each epoch, from [`kms`].
//! - [`bootstrap`]: how the enclave comes to a store of its own.
//! - [`log`]: where log lines go; [`resources`]: what the process uses.
//! - [`people`]: users and their sessions; [`webauthn`]: verification of their passkeys.
//! - [`aws`]: how AWS services are called from inside the enclave.
//! - [`attestor`]: fresh attestation documents; [`clock`]: attested time.

#![forbid(unsafe_code)]

pub mod attestor;
pub mod auth;
pub mod aws;
pub mod boot;
pub mod bootstrap;
pub mod clock;
pub mod config;
mod config_error;
pub mod custody;
pub mod derivation;
pub mod enclave;
mod hash;
pub mod keys;
pub mod kms;
mod limits;
pub mod log;
pub mod nsm;
mod pem;
pub mod people;
pub mod principal;
pub mod records;
pub mod resources;
pub mod root;
pub mod routes;
pub mod sealing;
pub mod serve;
pub mod store;
pub mod waiting;
pub mod webauthn;

/// Wipes every allocation when it is freed.
///
/// The FROST library, CBOR and hyper drop or outgrow buffers that hold copies of secrets: the dealer's polynomial, serialised
/// shares, bodies. This wipes them all, at the cost of one `memset` per free.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);
