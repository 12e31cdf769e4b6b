//! The encryption context of the root secret's data keys (AWS KMS Developer Guide, "Encryption context").

use std::collections::BTreeMap;

/// The purpose of every data key that the enclave requests.
pub const PURPOSE: &str = "root-secret";

/// The encryption context of one epoch's data key: `deployment`, `epoch` in decimal, and `purpose`.
///
/// KMS authenticates it with the ciphertext and writes it to CloudTrail, and key policies can require it
/// (`kms:EncryptionContext:deployment`).
pub fn encryption_context(deployment: &str, epoch: u32) -> BTreeMap<String, String> {
    [
        ("deployment", deployment.to_owned()),
        ("epoch", epoch.to_string()),
        ("purpose", PURPOSE.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
