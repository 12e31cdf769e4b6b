//! Credentials for AWS: where they come from, kept until shortly before they end.

mod aws;
mod cache;
mod config;

pub(super) use self::cache::CredentialsCache;
pub use self::config::{CredentialsConfig, CredentialsSource};
