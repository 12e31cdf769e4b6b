//! Credentials for AWS: where they come from, kept until shortly before they end.

mod aws;
mod cache;
mod config;

pub(crate) use self::aws::causes_without_content;
pub(super) use self::cache::CredentialsCache;
pub use self::config::{CredentialsConfig, CredentialsSource};
