//! `permafrost`: the parent instance's side of Permafrost, and the tools around it.
//!
//! | you want to | start at |
//! |---|---|
//! | run a parent instance | [`parent::Parent`], configured by [`config::Config`] |
//! | forward requests to an enclave | [`proxy`] |
//! | store its sealed records | [`store`] |
//! | let the enclave reach AWS KMS, and nothing else | [`egress`] |
//! | keep its log | [`enclave_log`] |
//! | serve the page | [`page`] |
//! | run everything on a laptop | [`stack::DevStack`] |
//! | see it work from end to end | [`demo::run`] |
//! | know what the command line takes | [`cli`] |
//!
//! Nothing here is trusted with a secret of the enclave: the parent sees ciphertext, signed requests and signed responses.

#![forbid(unsafe_code)]

mod admin;
pub mod cli;
pub mod config;
#[cfg(feature = "development")]
pub mod demo;
pub mod egress;
pub mod enclave_log;
pub mod log;
pub mod metrics;
pub mod page;
pub mod parent;
mod private_file;
pub mod profile;
pub mod proxy;
mod record_versions;
#[cfg(feature = "development")]
pub mod stack;
pub mod store;
