//! The section `store` of the measured configuration: a table that the enclave reaches itself.

use std::time::Duration;

use rustls::RootCertStore;
use serde::Deserialize;

use super::dynamodb::{self, Endpoint, TableArn, Times};
use crate::aws::{AMAZON_ROOTS, Service, parse_endpoint, parse_roots};
use crate::config_error::{ConfigError, in_range, value};
use crate::pem;

/// The table, how the enclave recognises DynamoDB, and how long it believes what it has read.
#[derive(Clone, Debug)]
pub struct TableConfig {
    /// The table.
    pub table: TableArn,
    /// The host name that DynamoDB's certificate must be for.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The root certificates that DynamoDB's certificate must lead to.
    pub roots: RootCertStore,
    /// How long a call may take.
    pub times: Times,
    /// How long a record is believed after the table last confirmed it.
    pub lease: Duration,
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSection {
    dynamodb: String,
    endpoint: Option<String>,
    roots: Option<String>,
    #[serde(default)]
    fips: bool,
    #[serde(default)]
    dual_stack: bool,
    #[serde(default = "two_seconds")]
    attempt_timeout_ms: u64,
    #[serde(default = "ten_seconds")]
    timeout_ms: u64,
    #[serde(default)]
    lease_ms: u64,
}

impl TableConfig {
    pub(crate) fn of(section: StoreSection) -> Result<Self, ConfigError> {
        const ENDPOINT: &str = "HOST:PORT with a lower-case DNS name, without fips and dual_stack";
        let table: TableArn = section.dynamodb.parse().map_err(|_| {
            let accepted = "arn:PARTITION:dynamodb:REGION:ACCOUNT:table/NAME";
            refused("dynamodb", &section.dynamodb, accepted)
        })?;
        let variant = Endpoint {
            fips: section.fips,
            dual_stack: section.dual_stack,
        };
        let (host, port) = match &section.endpoint {
            Some(endpoint) => parse_endpoint(endpoint)
                .filter(|_| variant == Endpoint::default())
                .ok_or_else(|| refused("endpoint", endpoint, ENDPOINT))?,
            None => {
                let host = table.endpoint_host(variant);
                let missing = || refused("endpoint", "absent in this partition", ENDPOINT);
                (host.ok_or_else(missing)?, 443)
            }
        };
        let (attempt, whole) = (section.attempt_timeout_ms, section.timeout_ms);
        in_range("store.attempt_timeout_ms", attempt, 100..=60_000)?;
        in_range("store.timeout_ms", whole, attempt..=60_000)?;
        in_range("store.lease_ms", section.lease_ms, 0..=60_000)?;
        Ok(Self {
            table,
            host,
            port,
            roots: parse_roots(section.roots.as_deref().unwrap_or(AMAZON_ROOTS))
                .map_err(|error| refused("roots", &error, pem::ACCEPTED))?,
            times: Times {
                attempt: Duration::from_millis(attempt),
                whole: Duration::from_millis(whole),
            },
            lease: Duration::from_millis(section.lease_ms),
        })
    }

    /// DynamoDB in the table's region.
    pub fn service(&self) -> Service {
        dynamodb::service(&self.table, self.host.clone(), self.port)
    }
}

fn refused(field: &str, found: &str, accepted: &'static str) -> ConfigError {
    let found: String = found.chars().take(200).collect();
    value(&format!("store.{field}"), &found, accepted)
}

fn two_seconds() -> u64 {
    2_000
}

fn ten_seconds() -> u64 {
    10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "dynamodb = \"arn:aws:dynamodb:eu-central-1:111122223333:table/records\"";

    fn parse(text: &str) -> Result<TableConfig, ConfigError> {
        TableConfig::of(toml::from_str(text).unwrap())
    }

    #[test]
    fn the_table_alone_gives_its_regions_endpoint_and_the_defaults_of_the_documentation() {
        let config = parse(GOOD).unwrap();
        assert_eq!(config.host, "dynamodb.eu-central-1.amazonaws.com");
        assert_eq!((config.port, config.roots.len()), (443, 4));
        assert_eq!(config.lease, Duration::ZERO);
        assert_eq!(config.times.attempt, Duration::from_secs(2));
        assert_eq!(config.times.whole, Duration::from_secs(10));
        let variant = parse(&format!("{GOOD}\nfips = true\ndual_stack = true")).unwrap();
        assert_eq!(variant.host, "dynamodb-fips.eu-central-1.api.aws");
    }

    #[test]
    fn values_that_are_not_accepted_are_named() {
        for (text, named) in [
            (GOOD.replace("table/", "index/"), "store.dynamodb"),
            (GOOD.replace("arn:aws:", "arn:aws-iso:"), "store.endpoint"),
            (
                format!("{GOOD}\nendpoint = \"10.0.0.1:443\""),
                "store.endpoint",
            ),
            (
                format!("{GOOD}\nendpoint = \"dynamodb.example:443\"\nfips = true"),
                "store.endpoint",
            ),
            (format!("{GOOD}\nroots = \"\""), "store.roots"),
            (
                format!("{GOOD}\nattempt_timeout_ms = 99"),
                "store.attempt_timeout_ms",
            ),
            (format!("{GOOD}\ntimeout_ms = 1999"), "store.timeout_ms"),
            (format!("{GOOD}\ntimeout_ms = 60001"), "store.timeout_ms"),
            (format!("{GOOD}\nlease_ms = 60001"), "store.lease_ms"),
        ] {
            let error = parse(&text).unwrap_err().to_string();
            assert!(
                error.contains(named) && error.contains("accepted"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_section_without_a_table_is_refused() {
        let read: Result<StoreSection, _> = toml::from_str("lease_ms = 0");
        assert!(read.err().unwrap().to_string().contains("dynamodb"));
    }
}
