//! The measured configuration: the TOML file whose digest is in PCR2 (`docs/configuration.md`).
//!
//! It is parsed once, strictly: an unknown key, a missing key or a value out of range ends the boot with an error that names the
//! key and what would be accepted.

mod principals;

#[cfg(test)]
mod tests;

use serde::Deserialize;

use self::principals::{PrincipalSection, principals};
use crate::config_error::value;
pub use crate::config_error::{CONFIGURATION_MAX, ConfigError};
use crate::keys::Network;
use crate::kms::{KmsConfig, KmsSection};
pub use crate::limits::Limits;
use crate::people::{PeopleConfig, PeopleSection};
use crate::principal::Principal;
use crate::root::{RootConfig, RootSection};
use crate::store::{StoreSection, TableConfig};

/// What a deployment decides, and publishes.
#[derive(Clone, Debug)]
pub struct Config {
    /// The deployment's name: part of every sealed record's place. 1 to 64 of `a-z 0-9 -`.
    pub deployment: String,
    /// The network of Taproot addresses.
    pub network: Network,
    /// Whether the enclave serves in debug mode, in which the parent can read its console and PCR0-2 are zero.
    pub allow_debug_mode: bool,
    /// The KMS key that the root secret comes from, and its host.
    pub kms: KmsConfig,
    /// Which root secrets the enclave serves with.
    pub root: RootConfig,
    /// The table that has the records, if the enclave has a store of its own.
    pub table: Option<TableConfig>,
    /// What one request, and all requests together, may use.
    pub limits: Limits,
    /// The services that may send requests, and what each may do.
    pub principals: Vec<Principal>,
    /// Whether people may register, and what they may do.
    pub people: Option<PeopleConfig>,
}

impl Config {
    /// Reads a configuration file's bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        if bytes.len() > CONFIGURATION_MAX {
            return Err(ConfigError::TooLong {
                length: bytes.len(),
            });
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            ConfigError::Toml(format!("byte {} is not UTF-8", error.valid_up_to()))
        })?;
        let file: File =
            toml::from_str(text).map_err(|error| ConfigError::Toml(error.to_string()))?;
        file.limits.check()?;
        if !is_deployment(&file.deployment) {
            return Err(value(
                "deployment",
                &file.deployment,
                "1 to 64 of a-z, 0-9 and -",
            ));
        }
        Ok(Self {
            deployment: file.deployment,
            network: file.bitcoin.network,
            allow_debug_mode: file.allow_debug_mode,
            kms: KmsConfig::of(file.kms)?,
            root: RootConfig::of(file.root)?,
            table: file.store.map(TableConfig::of).transpose()?,
            limits: file.limits,
            principals: principals(file.principal)?,
            people: file.people.map(PeopleConfig::of).transpose()?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    deployment: String,
    #[serde(default)]
    allow_debug_mode: bool,
    #[serde(default)]
    bitcoin: BitcoinSection,
    kms: KmsSection,
    #[serde(default)]
    root: RootSection,
    store: Option<StoreSection>,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    principal: Vec<PrincipalSection>,
    people: Option<PeopleSection>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BitcoinSection {
    network: Network,
}

fn is_deployment(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
