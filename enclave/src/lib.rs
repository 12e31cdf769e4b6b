//! The measured program: makes, keeps and uses FROST key shares inside a Nitro enclave.
//!
//! - [`store`]: the raw client of the parent's record store.

pub mod store;
