//! AWS KMS, called from inside the enclave: TLS ends here, the parent carries bytes.
//!
//! - [`Kms`] makes the two calls that the enclave needs: `GenerateDataKey` and `Decrypt`, both with a [`recipient`].
//! - [`KmsConfig`]: which key, which host, which root certificates.
//! - [`Connector`]: a signed request over TLS, by [`crate::aws`].
//!
//! Why the enclave trusts a data key: it comes from KMS, because the certificate of the other side leads to a pinned root
//! certificate and is for the measured host; it is of the measured key, because KMS's response says so; it is for this enclave
//! alone, because it was encrypted to a key that was made at boot. A `CiphertextForRecipient` alone proves nothing: anyone who
//! has seen the attestation document can make one.

mod client;
mod config;
mod connector;
mod error;
pub mod recipient;

pub use client::{BLOB_MAX, DataKey, Kms};
pub use config::KmsConfig;
pub(crate) use config::KmsSection;
pub use connector::Connector;
pub use error::{Fault, KmsError};
