//! The section `root` of the measured configuration: what does not depend on where the root secret comes from.

use permafrost_common::attestation::Pcr;
use serde::Deserialize;

use crate::config_error::{ConfigError, in_range, value};
use crate::sealing::Epoch;

/// Which root secrets the enclave serves with.
#[derive(Clone, Debug)]
pub struct RootConfig {
    /// Epochs before this one are refused.
    pub oldest_epoch: Epoch,
    /// PCR0 of the earlier releases whose root secrets are accepted.
    pub predecessors: Vec<Pcr>,
    /// Whether a root secret made by any enclave under the trust anchor is accepted.
    pub any_predecessor: bool,
    /// Whether the enclave may make a first root secret if the store has none.
    pub create_root_secret: bool,
    /// The fingerprint of the derivation root, 64 lower-case hex digits, if the configuration names it: the enclave serves with no other.
    pub derivation_root: Option<String>,
    /// How long, in seconds, an epoch must have been the newest before a pass of resealing counts towards retiring the others:
    /// until then another enclave, or a request in progress, may still seal in an older one.
    pub epoch_settle_s: u64,
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RootSection {
    oldest_epoch: Epoch,
    predecessors: Vec<String>,
    any_predecessor: bool,
    create_root_secret: bool,
    derivation_root: Option<String>,
    epoch_settle_s: u64,
}

impl Default for RootSection {
    fn default() -> Self {
        Self {
            oldest_epoch: 1,
            predecessors: Vec::new(),
            any_predecessor: false,
            create_root_secret: true,
            derivation_root: None,
            epoch_settle_s: 60,
        }
    }
}

impl RootConfig {
    /// The same for the root secret of the store's credentials. Losing that one loses nothing but these, so that it may always be made
    /// anew, has no derivation root that anything depends on, and no epoch that is retired.
    #[must_use]
    pub fn of_store_credentials(&self) -> Self {
        Self {
            oldest_epoch: 1,
            create_root_secret: true,
            derivation_root: None,
            ..self.clone()
        }
    }

    pub(crate) fn of(section: RootSection) -> Result<Self, ConfigError> {
        let oldest = u64::from(section.oldest_epoch);
        in_range("root.oldest_epoch", oldest, 1..=1 << 31)?;
        in_range("root.epoch_settle_s", section.epoch_settle_s, 0..=86_400)?;
        if let Some(fingerprint) = &section.derivation_root {
            let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if fingerprint.len() != 64 || !fingerprint.bytes().all(is_digit) {
                let accepted = "64 lower-case hex digits, as GET /v1/root shows them";
                return Err(refused("root.derivation_root", fingerprint, accepted));
            }
        }
        Ok(Self {
            oldest_epoch: section.oldest_epoch,
            predecessors: parse_predecessors(&section.predecessors)?,
            any_predecessor: section.any_predecessor,
            create_root_secret: section.create_root_secret,
            derivation_root: section.derivation_root,
            epoch_settle_s: section.epoch_settle_s,
        })
    }
}

fn parse_predecessors(texts: &[String]) -> Result<Vec<Pcr>, ConfigError> {
    const ACCEPTED: &str = "PCR0 of a release, 96 hex digits, not all zero";
    texts
        .iter()
        .map(|text| {
            hex::decode(text)
                .ok()
                .and_then(|bytes| Pcr::try_from(bytes).ok())
                .filter(|pcr| pcr.iter().any(|byte| *byte != 0))
                .ok_or_else(|| refused("root.predecessors", text, ACCEPTED))
        })
        .collect()
}

fn refused(key: &str, found: &str, accepted: &'static str) -> ConfigError {
    let found: String = found.chars().take(200).collect();
    value(key, &found, accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RootConfig, ConfigError> {
        RootConfig::of(toml::from_str(text).unwrap())
    }

    #[test]
    fn nothing_gives_the_defaults_of_the_documentation() {
        let config = parse("").unwrap();
        assert_eq!((config.oldest_epoch, config.epoch_settle_s), (1, 60));
        assert!(config.create_root_secret && !config.any_predecessor);
        assert!(config.predecessors.is_empty() && config.derivation_root.is_none());
    }

    #[test]
    fn values_that_are_not_accepted_are_named() {
        let zeros = format!("predecessors = [\"{}\"]", "00".repeat(48));
        for (text, named) in [
            ("oldest_epoch = 0", "root.oldest_epoch"),
            ("oldest_epoch = 2147483649", "root.oldest_epoch"),
            ("epoch_settle_s = 86401", "root.epoch_settle_s"),
            ("predecessors = [\"00\"]", "root.predecessors"),
            (&zeros, "root.predecessors"),
            ("derivation_root = \"AB\"", "root.derivation_root"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(
                error.contains(named) && error.contains("accepted"),
                "{error}"
            );
        }
    }
}
