//! Credentials for AWS: fetched from their source, and kept until shortly before they expire.

mod aws;
mod cache;
mod config;

pub(crate) use self::aws::causes_without_content;
pub(super) use self::cache::CredentialsCache;
pub use self::config::{CredentialsConfig, CredentialsSource};
