//! The bodies of the request that makes many keys, and of its response.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Key;

/// The most keys that one request makes.
pub const BATCH_MAX: usize = 100;

/// `POST /v1/keys:batch`: new keys with the same participants and threshold, dealt inside the enclave.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKeys {
    /// How many keys: 1 to 100.
    pub count: u16,
    /// How many participants a signature takes: 2 to the number of participants.
    pub threshold: u16,
    /// The participants' names: 2 to 32, all different, each 1 to 64 of `A-Z a-z 0-9 - _ .`.
    pub participants: Vec<String>,
    /// What the label of each key will be; absent: they have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// The keys of one batch. A repeated request gives the same keys in the same order.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct CreatedKeys {
    /// As many keys as were requested.
    pub keys: Vec<Key>,
}
