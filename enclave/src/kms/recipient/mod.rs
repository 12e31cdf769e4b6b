//! The enclave as the recipient of KMS's responses: the key that it names in attestation documents, and what KMS encrypts
//! to that key.
//!
//! A `CiphertextForRecipient` proves nothing: anyone who has seen the public key can make one. That KMS made it follows only
//! from the TLS connection that it came over.

mod algorithms;
mod ber;
mod cms;
mod error;
mod key;
mod pending;

#[cfg(test)]
mod tests;

pub use cms::{CIPHERTEXT_FOR_RECIPIENT_MAX, EnvelopedData};
pub use error::CmsError;
pub use key::{PLAINTEXT_MAX, RecipientError, RecipientKey, RecipientKeyError};
pub use pending::PendingRecipientKey;
