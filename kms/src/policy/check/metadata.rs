//! What a key is, as KMS describes it.

use serde::Deserialize;

/// What `DescribeKey` says of a key, as far as it matters here.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct KeyMetadata {
    /// The key's ARN.
    pub arn: Option<String>,
    /// Where the key material comes from: `AWS_KMS`, `EXTERNAL`, `AWS_CLOUDHSM` or `EXTERNAL_KEY_STORE`.
    pub origin: String,
    /// `SYMMETRIC_DEFAULT`, `RSA_2048`, ...
    pub key_spec: Option<String>,
    /// `ENCRYPT_DECRYPT`, `SIGN_VERIFY`, ...
    pub key_usage: Option<String>,
    /// Whether it has, or may have, replicas in other Regions.
    pub multi_region: Option<bool>,
    /// The custom key store that holds the key material.
    pub custom_key_store_id: Option<String>,
    /// `Enabled`, `Disabled`, `PendingDeletion`, ...
    pub key_state: Option<String>,
}

/// Why a text is not what `DescribeKey` answers.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the key's metadata cannot be read: {0}; accepted: what `aws kms describe-key` prints, with Origin"
)]
pub struct MetadataError(String);

impl KeyMetadata {
    /// Reads what `aws kms describe-key` prints: `{"KeyMetadata": {"Origin": ...}}`, or the inner object alone.
    ///
    /// # Errors
    /// What is not JSON, or has no `Origin`.
    pub fn from_json(text: &str) -> Result<Self, MetadataError> {
        let refuse = |error: serde_json::Error| MetadataError(error.to_string());
        let mut json: serde_json::Value = serde_json::from_str(text).map_err(refuse)?;
        let inner = json.get_mut("KeyMetadata").map(serde_json::Value::take);
        serde_json::from_value(inner.unwrap_or(json)).map_err(refuse)
    }
}
