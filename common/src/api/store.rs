//! The record store of a deployment.

use permafrost_frost::Hex;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /v1/store/credentials`: the access key of the enclave's own store, sealed to this boot (docs/formats.md).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealedCredentials {
    /// The id of the access key: 16 to 128 letters, digits and `_`.
    pub access_key_id: String,
    /// The encapsulated key of HPKE (RFC 9180): 32 bytes.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub enc: Hex<32>,
    /// The ciphertext of the credentials' JSON with its tag: 16 bytes more than the JSON.
    #[schema(pattern = "^([0-9a-f]{2})+$")]
    pub ciphertext: String,
}

/// Which store has the records: the response to `GET /v1/store` and to `POST /v1/store/credentials`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct StoreState {
    /// Which kind of store.
    pub store: StoreKind,
    /// How long, in milliseconds, a record is believed after the store last confirmed it; 0: the store is asked each time.
    pub lease_ms: u64,
    /// The ARN of the table. Not of the parent's store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_arn: Option<String>,
    /// The access key that signs requests to the table. Absent as long as the enclave has none that the table accepts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The version of the record in which the access key is kept, or of the authority's, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_version: Option<u64>,
    /// When the access key expires, in seconds since 1970. Only of temporary credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_expire_at: Option<u64>,
    /// What gives the enclave its temporary credentials. Absent where an administrator gives an access key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<StoreAuthority>,
}

/// The certificate authority inside the enclave, for which IAM Roles Anywhere gives temporary credentials.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct StoreAuthority {
    /// The authority's certificate in PEM: what the trust anchor is made of.
    pub certificate: String,
    /// When the certificate ends, in seconds since 1970. It is renewed a year before.
    pub valid_until: u64,
    /// The trust anchor of the measured configuration.
    pub trust_anchor_arn: String,
    /// The profile of the measured configuration.
    pub profile_arn: String,
    /// The role of the measured configuration.
    pub role_arn: String,
}

/// A kind of record store.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// The parent's.
    Parent,
    /// A DynamoDB table, which the enclave reaches itself.
    DynamoDb,
}
