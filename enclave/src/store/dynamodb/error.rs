//! Why DynamoDB gave no usable response.

use crate::aws;

/// Why the last attempt of a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The call failed as that of any service may.
    #[error(transparent)]
    Aws(#[from] aws::Fault),
    /// The body is not the one that the checksum was made of.
    #[error("the DynamoDB response is damaged: x-amz-crc32 is \"{came}\", its body has {computed}")]
    Checksum {
        /// The header.
        came: String,
        /// The checksum of the body.
        computed: u32,
    },
    /// DynamoDB cancelled a transaction, of which nothing was executed.
    #[error("DynamoDB cancelled the transaction: {code} at its item {item}: {message}")]
    Cancelled {
        /// The code of the reason, e.g. `TransactionConflict`.
        code: String,
        /// Which item, from 1.
        item: usize,
        /// DynamoDB's message.
        message: String,
        /// Whether another attempt may succeed.
        is_passing: bool,
    },
    /// The response ended early.
    #[error("the DynamoDB response was cut off: {0}")]
    CutOff(hyper::Error),
    /// The response is not what the call gives, or an item is not a record.
    #[error("the DynamoDB response is refused: {0}")]
    Form(String),
    /// DynamoDB read only a part of what was asked for, again and again.
    #[error("DynamoDB left {0} records of a listing unread")]
    Unprocessed(usize),
    /// The table is not the one of the measured configuration, or not as it has to be.
    #[error("the table {0}")]
    Table(String),
}

impl Fault {
    /// Whether another attempt may succeed.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Aws(fault) => fault.is_passing(),
            Self::Cancelled { is_passing, .. } => *is_passing,
            Self::Checksum { .. } | Self::CutOff(_) => true,
            Self::Form(_) | Self::Unprocessed(_) | Self::Table(_) => false,
        }
    }

    /// Whether DynamoDB refused the call because of who signed it (DynamoDB Developer Guide, "Error handling with DynamoDB"; AWS General
    /// Reference, "Common errors").
    pub fn is_denial(&self) -> bool {
        const DENIALS: [&str; 8] = [
            "AccessDeniedException",
            "ExpiredTokenException",
            "IncompleteSignature",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "MissingAuthenticationTokenException",
            "OptInRequired",
            "UnrecognizedClientException",
        ];
        matches!(self, Self::Aws(aws::Fault::Refused { kind, .. }) if DENIALS.contains(&kind.as_str()))
    }

    /// Whether DynamoDB said that it has not executed the call.
    pub(super) fn was_refused(&self) -> bool {
        match self {
            Self::Aws(aws::Fault::Refused { status, .. }) => *status < 500,
            Self::Cancelled { .. } => true,
            _ => false,
        }
    }
}
