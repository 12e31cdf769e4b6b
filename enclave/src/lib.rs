//! The measured program: makes, keeps and uses FROST key shares inside a Nitro enclave.
