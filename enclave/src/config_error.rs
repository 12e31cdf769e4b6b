//! Why a measured configuration is refused.

use std::ops::RangeInclusive;

/// The longest configuration file, in bytes.
pub const CONFIGURATION_MAX: usize = 1024 * 1024;

/// Why a configuration is invalid.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// Longer than [`CONFIGURATION_MAX`].
    #[error("the configuration is {length} bytes long; accepted: at most {CONFIGURATION_MAX}")]
    TooLong {
        /// How many bytes came.
        length: usize,
    },
    /// Not TOML, an unknown key, a missing one, or a value of another type.
    #[error("the configuration is invalid: {0}")]
    Toml(String),
    /// A value that is not accepted.
    #[error("{key}: {found}; accepted: {accepted}")]
    Value {
        /// Which key.
        key: String,
        /// What came.
        found: String,
        /// What would be accepted.
        accepted: &'static str,
    },
    /// A number out of range.
    #[error("{key}: {found}; accepted: {least} to {most}")]
    Range {
        /// Which key.
        key: String,
        /// What came.
        found: u64,
        /// The least that would be accepted.
        least: u64,
        /// The most.
        most: u64,
    },
}

/// The error for a value that is not accepted.
pub(crate) fn value(key: &str, found: &str, accepted: &'static str) -> ConfigError {
    ConfigError::Value {
        key: key.to_owned(),
        found: found.to_owned(),
        accepted,
    }
}

/// Whether a number is one that its key accepts.
pub(crate) fn in_range(
    key: &str,
    found: u64,
    accepted: RangeInclusive<u64>,
) -> Result<(), ConfigError> {
    if accepted.contains(&found) {
        return Ok(());
    }
    Err(ConfigError::Range {
        key: key.to_owned(),
        found,
        least: *accepted.start(),
        most: *accepted.end(),
    })
}
