//! What the signers send each other.

use serde::{Deserialize, Serialize};

use crate::Hex;

/// One participant's nonce commitments for one signature (RFC 9591 section 5.1).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NonceCommitments {
    /// The participant's name.
    pub participant: String,
    /// The commitment to the hiding nonce: a compressed point of 33 bytes.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub hiding: Hex<33>,
    /// The commitment to the binding nonce: a compressed point of 33 bytes.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub binding: Hex<33>,
}

/// One participant's part of one signature: its commitments, and its signature share (RFC 9591 section 5.2).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PartialSignature {
    /// The participant's name.
    pub participant: String,
    /// The commitment to the hiding nonce: a compressed point of 33 bytes.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub hiding: Hex<33>,
    /// The commitment to the binding nonce: a compressed point of 33 bytes.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub binding: Hex<33>,
    /// The signature share: a scalar of 32 bytes.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub share: Hex<32>,
}

impl PartialSignature {
    pub(super) fn commitments(&self) -> NonceCommitments {
        NonceCommitments {
            participant: self.participant.clone(),
            hiding: self.hiding,
            binding: self.binding,
        }
    }
}
