//! The configuration of `permafrost serve`: TOML. [`TEMPLATE`] documents every key; an unknown key is refused.

mod enclaves;
mod store;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use permafrost_common::transport::Address;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::egress::{CredentialsConfig, EgressConfig};
use crate::enclave_log::EnclaveLogConfig;
use crate::page::PageConfig;

pub use enclaves::EnclaveConfig;
pub use store::{DatabaseConfig, StoreConfig};

/// The default configuration with a comment for every key, as `permafrost serve --print-config` prints it.
///
/// ```
/// let config = permafrost::config::Config::parse(permafrost::config::TEMPLATE)?;
/// assert_eq!(config.listen.port(), 8080);
/// # Ok::<(), permafrost::config::ConfigError>(())
/// ```
pub const TEMPLATE: &str = include_str!("template.toml");

/// The longest configuration file, in bytes.
const CONFIG_MAX: u64 = 1024 * 1024;

/// The configuration of `permafrost serve`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address that clients connect to.
    pub listen: SocketAddr,
    /// The enclaves and the connections to them.
    #[serde(rename = "enclave", deserialize_with = "enclaves::enclaves")]
    pub enclaves: Vec<EnclaveConfig>,
    /// How often the enclaves are asked for their health.
    pub health: HealthConfig,
    /// Where enclaves are drained and removed.
    pub admin: AdminConfig,
    /// The record store.
    pub store: StoreConfig,
    /// The enclave log.
    pub enclave_log: EnclaveLogConfig,
    /// The egress proxy: what the enclave may connect to.
    pub egress: EgressConfig,
    /// The credentials that the enclave signs AWS requests with.
    pub credentials: CredentialsConfig,
    /// The page for users.
    pub page: PageConfig,
    /// The limits that the proxy sets clients.
    pub limits: LimitsConfig,
    /// How the program stops.
    pub stop: StopConfig,
    /// The parent's log.
    pub log: LogConfig,
}

/// `[health]`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct HealthConfig {
    /// How often each of several enclaves is asked for its health.
    #[serde(
        rename = "interval_ms",
        deserialize_with = "milliseconds::<_, 50, 60_000>"
    )]
    pub interval: Duration,
}

/// `[admin]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct AdminConfig {
    /// The Unix socket of `permafrost enclaves`; `none`: nothing listens.
    #[serde(deserialize_with = "unix_or_none")]
    pub listen: Option<Address>,
}

/// `[limits]`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// The size of all header fields of one request, in bytes.
    #[serde(deserialize_with = "count::<_, 1024, 262_144>")]
    pub header_bytes: usize,
    /// The size of the body of one request, in bytes.
    #[serde(deserialize_with = "number::<_, 1024, 1_073_741_824>")]
    pub body_bytes: u64,
    /// Concurrent client connections.
    #[serde(deserialize_with = "count::<_, 1, 65_536>")]
    pub connections: usize,
    /// Concurrent requests.
    #[serde(deserialize_with = "count::<_, 1, 65_536>")]
    pub requests: usize,
    /// The time from one request to the header of the next.
    #[serde(
        rename = "idle_timeout_ms",
        deserialize_with = "milliseconds::<_, 100, 3_600_000>"
    )]
    pub idle_timeout: Duration,
    /// The time from a request's header to the header of its response.
    #[serde(
        rename = "response_timeout_ms",
        deserialize_with = "milliseconds::<_, 100, 3_600_000>"
    )]
    pub response_timeout: Duration,
    /// The time from a request's header to the end of its response.
    #[serde(
        rename = "request_timeout_ms",
        deserialize_with = "milliseconds::<_, 100, 3_600_000>"
    )]
    pub request_timeout: Duration,
}

/// `[stop]`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct StopConfig {
    /// How long requests may take to finish.
    #[serde(
        rename = "grace_ms",
        deserialize_with = "milliseconds::<_, 0, 600_000>"
    )]
    pub grace: Duration,
}

/// `[log]`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// The lowest level that is logged.
    #[serde(deserialize_with = "level")]
    pub level: tracing::Level,
}

/// Why a configuration is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file is longer than a configuration can be.
    #[error("{}: {length} bytes; accepted: at most {CONFIG_MAX}", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length, in bytes.
        length: u64,
    },
    /// Not TOML, a key that does not exist, or a value that is not accepted; the text shows the line.
    #[error("{0}")]
    Content(String),
}

impl Config {
    /// Reads a configuration file of at most 1 MiB.
    ///
    /// # Errors
    /// [`ConfigError`] if the file cannot be read or [`Config::parse`] refuses it; the text names the key and what is accepted.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let failed = |source| ConfigError::Read {
            path: path.to_owned(),
            source,
        };
        let length = std::fs::metadata(path).map_err(failed)?.len();
        if length > CONFIG_MAX {
            return Err(ConfigError::Length {
                path: path.to_owned(),
                length,
            });
        }
        Self::parse(&std::fs::read_to_string(path).map_err(failed)?)
    }

    /// Parses a configuration. Keys that are left out default to the values of [`TEMPLATE`].
    ///
    /// # Errors
    /// [`ConfigError::Content`] names the line, the key and what is accepted.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self =
            toml::from_str(text).map_err(|error| ConfigError::Content(shown(text, &error)))?;
        let (cid, enclaves) = (config.store.enclave_cid, config.enclaves.len());
        if cid != 0 && enclaves > 1 {
            return Err(ConfigError::Content(format!(
                "store.enclave_cid = {cid} with {enclaves} enclaves; accepted: 0, which takes the CIDs of their addresses"
            )));
        }
        Ok(config)
    }
}

/// The error with the line, but without its text if it may have a password.
fn shown(text: &str, error: &toml::de::Error) -> String {
    let shown = error.to_string();
    if !shown.contains("://") || !shown.contains('@') {
        return shown.trim_end().to_owned();
    }
    let before = text.get(..error.span().map_or(0, |span| span.start));
    let line = before.unwrap_or_default().matches('\n').count() + 1;
    format!("line {line}: {}", error.message())
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            enclaves: enclaves::only(),
            health: HealthConfig::default(),
            admin: AdminConfig::default(),
            store: StoreConfig::default(),
            enclave_log: EnclaveLogConfig::default(),
            egress: EgressConfig::default(),
            credentials: CredentialsConfig::default(),
            page: PageConfig::default(),
            limits: LimitsConfig::default(),
            stop: StopConfig::default(),
            log: LogConfig::default(),
        }
    }
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            header_bytes: 32 * 1024,
            body_bytes: 1024 * 1024,
            connections: 1024,
            requests: 256,
            idle_timeout: Duration::from_secs(60),
            response_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(60),
        }
    }
}

impl Default for StopConfig {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(30),
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: tracing::Level::INFO,
        }
    }
}

pub(crate) fn number<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(
    from: D,
) -> Result<u64, D::Error> {
    let found = i64::deserialize(from)?;
    u64::try_from(found)
        .ok()
        .filter(|found| (MIN..=MAX).contains(found))
        .ok_or_else(|| D::Error::custom(format!("{found}; accepted: {MIN} to {MAX}")))
}

pub(crate) fn count<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(
    from: D,
) -> Result<usize, D::Error> {
    let found = number::<D, MIN, MAX>(from)?;
    usize::try_from(found).map_err(D::Error::custom)
}

pub(crate) fn milliseconds<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(
    from: D,
) -> Result<Duration, D::Error> {
    number::<D, MIN, MAX>(from).map(Duration::from_millis)
}

pub(crate) fn address_or_none<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Address>, D::Error> {
    match String::deserialize(from)?.as_str() {
        "none" => Ok(None),
        address => address.parse().map(Some).map_err(D::Error::custom),
    }
}

fn unix_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Address>, D::Error> {
    match address_or_none(from)? {
        // An enclave could connect to any other.
        Some(other) if !matches!(other, Address::Unix(_)) => Err(D::Error::custom(format!(
            "{other}; accepted: unix:PATH, or none"
        ))),
        accepted => Ok(accepted),
    }
}

fn level<'de, D: Deserializer<'de>>(from: D) -> Result<tracing::Level, D::Error> {
    match String::deserialize(from)?.as_str() {
        "error" => Ok(tracing::Level::ERROR),
        "warn" => Ok(tracing::Level::WARN),
        "info" => Ok(tracing::Level::INFO),
        "debug" => Ok(tracing::Level::DEBUG),
        found => Err(D::Error::unknown_variant(
            found,
            &["error", "warn", "info", "debug"],
        )),
    }
}

#[cfg(test)]
mod tests;
