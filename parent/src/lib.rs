//! The parent program.
//!
//! - [`store`]: the record store that the enclave keeps its sealed records in.

pub mod store;
