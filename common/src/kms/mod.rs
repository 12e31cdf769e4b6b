//! What enclave, parent and development KMS agree on about AWS KMS.

mod arn;
mod context;

pub use arn::{ArnError, KeyArn};
pub use context::{PURPOSE, encryption_context};
