//! What KMS reports about a key besides its policy.

use serde::Deserialize;
use serde_json::Value;

/// What is known of a key besides its policy. What is not known is not checked, and the report says so.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Key {
    /// The response of `DescribeKey`.
    pub metadata: Option<KeyMetadata>,
    /// All grants, from `ListGrants`.
    pub grants: Option<Vec<Grant>>,
}

/// The part of the response of `DescribeKey` that matters here.
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

/// A grant lets a principal use the key, whatever conditions the policy's allowances have.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct Grant {
    /// The grant's id.
    pub grant_id: String,
    /// The principal that may: an ARN or a service.
    #[serde(default)]
    pub grantee_principal: String,
    /// What it may do: `Decrypt`, `GenerateDataKey`, ...
    pub operations: Vec<String>,
}

/// Why a text is not a response of KMS about a key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// It is not a response of `DescribeKey`.
    #[error("the key metadata is invalid: {0}; accepted: what `aws kms describe-key` prints")]
    Metadata(String),
    /// It is not a response of `ListGrants`.
    #[error("the list of grants is invalid: {0}; accepted: what `aws kms list-grants` prints")]
    Grants(String),
}

impl KeyMetadata {
    /// Reads what `aws kms describe-key` prints: `{"KeyMetadata": {"Origin": ...}}`, or the inner object alone.
    ///
    /// # Errors
    /// [`KeyError`] for a text that is not JSON or has no `Origin`.
    pub fn from_json(text: &str) -> Result<Self, KeyError> {
        let refuse = |error: serde_json::Error| KeyError::Metadata(error.to_string());
        let mut json: Value = serde_json::from_str(text).map_err(refuse)?;
        let inner = json.get_mut("KeyMetadata").map(Value::take);
        serde_json::from_value(inner.unwrap_or(json)).map_err(refuse)
    }
}

impl Grant {
    /// Reads what `aws kms list-grants` prints: `{"Grants": [...]}`.
    ///
    /// # Errors
    /// [`KeyError`] for a text that is not JSON or has no `Grants`, and for a truncated list.
    pub fn list_from_json(text: &str) -> Result<Vec<Self>, KeyError> {
        let list: GrantList =
            serde_json::from_str(text).map_err(|error| KeyError::Grants(error.to_string()))?;
        match list.truncated || list.next_token.is_some() {
            true => Err(KeyError::Grants("the list is truncated".to_owned())),
            false => Ok(list.grants),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GrantList {
    grants: Vec<Grant>,
    #[serde(default)]
    truncated: bool,
    next_token: Option<String>,
}
