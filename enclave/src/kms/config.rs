//! The section `kms` of the measured configuration.

use permafrost_common::kms::KeyArn;
use rustls::RootCertStore;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::aws::{AMAZON_ROOTS, Protocol, Service, parse_endpoint, parse_roots};
use crate::config_error::ConfigError;
use crate::pem;

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
    #[serde(default = "five_seconds")]
    attempt_timeout_ms: u64,
    #[serde(default = "four")]
    attempts: u32,
    #[serde(default, deserialize_with = "moved", rename = "oldest_epoch")]
    _oldest_epoch: (),
    #[serde(default, deserialize_with = "moved", rename = "predecessors")]
    _predecessors: (),
    #[serde(default, deserialize_with = "moved", rename = "any_predecessor")]
    _any_predecessor: (),
    #[serde(default, deserialize_with = "moved", rename = "create_root_secret")]
    _create_root_secret: (),
    #[serde(default, deserialize_with = "moved", rename = "derivation_root")]
    _derivation_root: (),
    #[serde(default, deserialize_with = "moved", rename = "epoch_settle_s")]
    _epoch_settle_s: (),
}

/// What was in this section before there could be other sources of the root secret.
fn moved<'de, D: Deserializer<'de>>(_: D) -> Result<(), D::Error> {
    Err(D::Error::custom(
        "this setting is in the section [root], under the same name",
    ))
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
                "attempt_timeout_ms",
                section.attempt_timeout_ms,
                100,
                60_000,
                "100 to 60000",
            ),
            ("attempts", u64::from(section.attempts), 1, 10, "1 to 10"),
        ];
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
            protocol: Protocol::Json {
                target: "TrentService",
                content_type: "application/x-amz-json-1.1",
            },
        }
    }
}

fn refused(field: &str, found: &str, accepted: &'static str) -> ConfigError {
    ConfigError::Value {
        key: format!("kms.{field}"),
        found: found.chars().take(200).collect(),
        accepted,
    }
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
            (format!("{GOOD}\nattempts = 0"), "kms.attempts"),
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

    #[test]
    fn the_settings_of_the_root_are_not_here_and_the_error_says_where() {
        for line in [
            "oldest_epoch = 1",
            "predecessors = []",
            "any_predecessor = false",
            "create_root_secret = true",
            "derivation_root = \"\"",
            "epoch_settle_s = 60",
        ] {
            let read: Result<KmsSection, _> = toml::from_str(&format!("{GOOD}\n{line}"));
            let error = read.err().unwrap().to_string();
            let name = line.split(' ').next().unwrap();
            assert!(
                error.contains("section [root]") && error.contains(name),
                "{error}"
            );
        }
    }
}
