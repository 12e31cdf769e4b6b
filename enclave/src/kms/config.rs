//! The section `kms` of the measured configuration.

use permafrost_common::attestation::Pcr;
use permafrost_common::kms::KeyArn;
use rustls::RootCertStore;
use serde::Deserialize;

use crate::aws::{AMAZON_ROOTS, Service, parse_endpoint, parse_roots};
use crate::config_error::ConfigError;
use crate::pem;
use crate::sealing::Epoch;

/// The key that the root secret comes from, and how the enclave recognises KMS.
#[derive(Clone, Debug)]
pub struct KmsConfig {
    /// The key.
    pub key: KeyArn,
    /// The host name that KMS's certificate must be for.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The root certificates that KMS's certificate must lead to.
    pub roots: RootCertStore,
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
    /// The time for one attempt of one call, in milliseconds.
    pub attempt_timeout_ms: u64,
    /// How often a call is tried before it fails.
    pub attempts: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KmsSection {
    key_arn: String,
    endpoint: Option<String>,
    roots: Option<String>,
    #[serde(default = "first_epoch")]
    oldest_epoch: Epoch,
    #[serde(default)]
    predecessors: Vec<String>,
    #[serde(default)]
    any_predecessor: bool,
    #[serde(default = "yes")]
    create_root_secret: bool,
    derivation_root: Option<String>,
    #[serde(default = "a_minute")]
    epoch_settle_s: u64,
    #[serde(default = "five_seconds")]
    attempt_timeout_ms: u64,
    #[serde(default = "four")]
    attempts: u32,
}

impl KmsConfig {
    pub(crate) fn of(section: KmsSection) -> Result<Self, ConfigError> {
        let key: KeyArn = section.key_arn.parse().map_err(|_| {
            refused(
                "key_arn",
                &section.key_arn,
                "arn:PARTITION:kms:REGION:ACCOUNT:key/ID, no alias",
            )
        })?;
        let endpoint = section
            .endpoint
            .unwrap_or_else(|| format!("{}:443", key.endpoint_host()));
        let (host, port) = parse_endpoint(&endpoint).ok_or_else(|| {
            refused(
                "endpoint",
                &endpoint,
                "HOST:PORT with a lower-case DNS name",
            )
        })?;
        let numbers = [
            (
                "oldest_epoch",
                u64::from(section.oldest_epoch),
                1,
                1 << 31,
                "1 to 2147483648",
            ),
            (
                "epoch_settle_s",
                section.epoch_settle_s,
                0,
                86_400,
                "0 to 86400",
            ),
            (
                "attempt_timeout_ms",
                section.attempt_timeout_ms,
                100,
                60_000,
                "100 to 60000",
            ),
            ("attempts", u64::from(section.attempts), 1, 10, "1 to 10"),
        ];
        if let Some(fingerprint) = &section.derivation_root {
            let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if fingerprint.len() != 64 || !fingerprint.bytes().all(is_digit) {
                return Err(refused(
                    "derivation_root",
                    fingerprint,
                    "64 lower-case hex digits, as GET /v1/root shows them",
                ));
            }
        }
        for (field, found, least, most, accepted) in numbers {
            if !(least..=most).contains(&found) {
                return Err(refused(field, &found.to_string(), accepted));
            }
        }
        Ok(Self {
            key,
            host,
            port,
            roots: parse_roots(section.roots.as_deref().unwrap_or(AMAZON_ROOTS))
                .map_err(|error| refused("roots", &error, pem::ACCEPTED))?,
            oldest_epoch: section.oldest_epoch,
            predecessors: parse_predecessors(&section.predecessors)?,
            any_predecessor: section.any_predecessor,
            create_root_secret: section.create_root_secret,
            derivation_root: section.derivation_root,
            epoch_settle_s: section.epoch_settle_s,
            attempt_timeout_ms: section.attempt_timeout_ms,
            attempts: section.attempts,
        })
    }

    /// KMS in the key's region.
    pub(super) fn service(&self) -> Service {
        Service {
            title: "KMS",
            name: "kms",
            region: self.key.region().to_owned(),
            host: self.host.clone(),
            port: self.port,
            target: "TrentService",
            content_type: "application/x-amz-json-1.1",
        }
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
                .ok_or_else(|| refused("predecessors", text, ACCEPTED))
        })
        .collect()
}

fn refused(field: &str, found: &str, accepted: &'static str) -> ConfigError {
    ConfigError::Value {
        key: format!("kms.{field}"),
        found: found.chars().take(200).collect(),
        accepted,
    }
}

fn first_epoch() -> Epoch {
    1
}

fn yes() -> bool {
    true
}

fn a_minute() -> u64 {
    60
}

fn five_seconds() -> u64 {
    5_000
}

fn four() -> u32 {
    4
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "key_arn = \"arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab\"";

    fn parse(text: &str) -> Result<KmsConfig, ConfigError> {
        KmsConfig::of(toml::from_str(text).unwrap())
    }

    #[test]
    fn the_key_alone_gives_its_regions_endpoint_and_amazons_roots() {
        let config = parse(GOOD).unwrap();
        assert_eq!(config.host, "kms.eu-central-1.amazonaws.com");
        assert_eq!(config.port, 443);
        assert_eq!(config.roots.len(), 4);
        assert!(config.create_root_secret);
    }

    #[test]
    fn values_that_are_not_accepted_are_named() {
        for (text, named) in [
            (GOOD.replace("key/", "alias/"), "kms.key_arn"),
            (
                format!("{GOOD}\nendpoint = \"10.0.0.1:443\""),
                "kms.endpoint",
            ),
            (
                format!("{GOOD}\nendpoint = \"kms.example\""),
                "kms.endpoint",
            ),
            (
                format!("{GOOD}\nendpoint = \"kms.example:0\""),
                "kms.endpoint",
            ),
            (
                format!("{GOOD}\nendpoint = \"KMS.example:443\""),
                "kms.endpoint",
            ),
            (
                format!("{GOOD}\nendpoint = \"*.example:443\""),
                "kms.endpoint",
            ),
            (format!("{GOOD}\nroots = \"\""), "kms.roots"),
            (
                format!(
                    "{GOOD}\nroots = \"\"\"{}\"\"\"",
                    AMAZON_ROOTS.replacen("MII", "AAA", 1)
                ),
                "kms.roots",
            ),
            (format!("{GOOD}\noldest_epoch = 0"), "kms.oldest_epoch"),
            (format!("{GOOD}\nattempts = 0"), "kms.attempts"),
            (
                format!("{GOOD}\nepoch_settle_s = 86401"),
                "kms.epoch_settle_s",
            ),
            (
                format!("{GOOD}\npredecessors = [\"00\"]"),
                "kms.predecessors",
            ),
            (
                format!("{GOOD}\npredecessors = [\"{}\"]", "00".repeat(48)),
                "kms.predecessors",
            ),
            (
                format!("{GOOD}\nattempt_timeout_ms = 1"),
                "kms.attempt_timeout_ms",
            ),
        ] {
            let error = parse(&text).unwrap_err().to_string();
            assert!(
                error.contains(named) && error.contains("accepted"),
                "{error}"
            );
        }
    }
}
