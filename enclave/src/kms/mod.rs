//! AWS KMS, called from inside the enclave: TLS ends here, the parent carries bytes.
//!
//! - [`Kms`] has the two calls that there are: `GenerateDataKey` and `Decrypt`, both with a [`recipient`].
//! - [`KmsConfig`]: which key, which host, which roots.
//! - [`Connector`]: a signed request over TLS. [`Egress`]: the parent's way out, and its credentials.
//!
//! What is believed and why: the data key comes from KMS because the certificate of the other side leads to a pinned
//! root and is for the measured host; it is of the measured key because the answer says so; it is for this enclave
//! alone because it was encrypted to a key that was made at boot. `CiphertextForRecipient` alone proves nothing: anybody
//! who has seen the attestation document can make one.

mod client;
mod config;
mod egress;
mod error;
pub mod recipient;
mod request;
mod signature;
mod tls;

pub use client::{BLOB_MAX, DataKey, Kms};
pub use config::KmsConfig;
pub(crate) use config::KmsSection;
pub use egress::{Egress, EgressError};
pub use error::{Fault, KmsError};
pub use request::Connector;
pub use tls::TlsSetupError;
