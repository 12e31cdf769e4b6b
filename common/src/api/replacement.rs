//! The bodies of requests and responses about keys that replace others (docs/replacement.md).

use permafrost_frost::Hex;
use permafrost_frost::sign::NonceCommitments;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Key;

/// A statement of the old key that the new one replaces it. Anyone can verify it, at any time: the old key has signed it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// 1.
    pub version: u8,
    /// The id of the old key, 22 bytes.
    #[schema(value_type = String)]
    pub old_key_id: Hex<22>,
    /// The old key, which signs: 32 bytes, x-only (BIP-340).
    #[schema(value_type = String)]
    pub old_public_key: Hex<32>,
    /// The id of the new key, 22 bytes.
    #[schema(value_type = String)]
    pub new_key_id: Hex<22>,
    /// The new key: 32 bytes, x-only (BIP-340).
    #[schema(value_type = String)]
    pub new_public_key: Hex<32>,
    /// The deployment of both, as the measured configuration names it.
    pub deployment: String,
    /// When the new key was made: seconds since 1970, by the enclave's clock.
    pub created_at: u64,
    /// The BIP-340 signature of all of this by the old key, 64 bytes.
    #[schema(value_type = String)]
    pub signature: Hex<64>,
}

/// The response to `POST /v1/keys/{id}/replace` and `POST /v1/keys/{id}/replacement`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Replaced {
    /// The new key.
    pub key: Key,
    /// The statement of the old key.
    pub replacement: Replacement,
    /// The version of the old key's sealed record that this response was made from, as in [`Key`].
    #[serde(default)]
    #[schema(required = true)]
    pub record_version: u64,
}

/// `POST /v1/keys/{id}/cosign-replacement`: the nonce commitments of those who sign the statement together with the enclave.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CosignReplacement {
    /// The key that is to replace this one: an enabled key of the same owner.
    pub new_key_id: String,
    /// As in `POST /v1/keys/{id}/cosign`.
    pub commitments: Vec<NonceCommitments>,
}

/// `POST /v1/keys/{id}/replacement`: the key is replaced by one that was made before.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkReplacement {
    /// The key that replaces this one: an enabled key of the same owner.
    pub new_key_id: String,
    /// The statement's signature by this key, 64 bytes. May be left out for a key with enclave custody: the enclave then signs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Whether this key stops signing.
    #[serde(default)]
    pub disable_old: bool,
}
