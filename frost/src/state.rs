//! How far a ceremony has come.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a ceremony waits for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The commitments of some participants.
    Commitments,
    /// The shares of some participants.
    Shares,
    /// The confirmations of some participants.
    Confirmations,
    /// Nothing: every participant has confirmed the result.
    Complete,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commitments => "commitments",
            Self::Shares => "shares",
            Self::Confirmations => "confirmations",
            Self::Complete => "nothing",
        })
    }
}
