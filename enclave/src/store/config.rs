//! The section `store` of the measured configuration: a table that the enclave reaches itself.

use std::time::Duration;

use rustls::RootCertStore;
use serde::Deserialize;

use super::dynamodb::{self, TableArn, Times};
use crate::aws::roles_anywhere::Resources;
use crate::aws::{AMAZON_ROOTS, Endpoint, Service, parse_endpoint, parse_roots};
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
    /// Where the table's credentials come from, if not from an administrator.
    pub roles_anywhere: Option<RolesAnywhereConfig>,
}

/// What IAM Roles Anywhere gives credentials for, and where it is. Its certificate must lead to the same roots as DynamoDB's.
#[derive(Clone, Debug)]
pub struct RolesAnywhereConfig {
    /// The trust anchor, the profile and the role.
    pub resources: Resources,
    /// The host name that the service's certificate must be for.
    pub host: String,
    /// The TCP port.
    pub port: u16,
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
    trust_anchor_arn: Option<String>,
    profile_arn: Option<String>,
    role_arn: Option<String>,
    roles_anywhere_endpoint: Option<String>,
}

impl TableConfig {
    pub(crate) fn of(section: StoreSection) -> Result<Self, ConfigError> {
        let table: TableArn = section.dynamodb.parse().map_err(|_| {
            let accepted = "arn:PARTITION:dynamodb:REGION:ACCOUNT:table/NAME";
            refused("dynamodb", &section.dynamodb, accepted)
        })?;
        let variant = Endpoint {
            fips: section.fips,
            dual_stack: section.dual_stack,
        };
        let (host, port) = place("endpoint", section.endpoint.as_deref(), variant, || {
            table.endpoint_host(variant)
        })?;
        let roles_anywhere = RolesAnywhereConfig::of(&section, variant)?;
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
            roles_anywhere,
        })
    }

    /// DynamoDB in the table's region.
    pub fn service(&self) -> Service {
        dynamodb::service(&self.table, self.host.clone(), self.port)
    }
}

impl RolesAnywhereConfig {
    fn of(section: &StoreSection, variant: Endpoint) -> Result<Option<Self>, ConfigError> {
        const TOGETHER: &str =
            "trust_anchor_arn, profile_arn and role_arn together, or none of the three";
        let arns = [
            ("trust_anchor_arn", &section.trust_anchor_arn),
            ("profile_arn", &section.profile_arn),
            ("role_arn", &section.role_arn),
        ];
        let endpoint = section.roles_anywhere_endpoint.as_deref();
        let [(_, Some(anchor)), (_, Some(profile)), (_, Some(role))] = arns else {
            if arns.iter().all(|(_, arn)| arn.is_none()) && endpoint.is_none() {
                return Ok(None);
            }
            let missing = arns.iter().find(|(_, arn)| arn.is_none());
            let field = missing.map_or("roles_anywhere_endpoint", |(field, _)| field);
            return Err(refused(field, "absent", TOGETHER));
        };
        let resources = Resources::new(anchor, profile, role)
            .map_err(|error| refused(error.field, &error.found, error.accepted))?;
        let (host, port) = place("roles_anywhere_endpoint", endpoint, variant, || {
            resources.endpoint_host(variant)
        })?;
        Ok(Some(Self {
            resources,
            host,
            port,
        }))
    }

    /// IAM Roles Anywhere in the region of the trust anchor.
    pub fn service(&self) -> Service {
        self.resources.service(self.host.clone(), self.port)
    }
}

/// The host and the port of a setting, or else the region's own.
fn place(
    field: &str,
    endpoint: Option<&str>,
    variant: Endpoint,
    own: impl Fn() -> Option<String>,
) -> Result<(String, u16), ConfigError> {
    const ACCEPTED: &str = "HOST:PORT with a lower-case DNS name, without fips and dual_stack";
    match endpoint {
        Some(endpoint) => parse_endpoint(endpoint)
            .filter(|_| variant == Endpoint::default())
            .ok_or_else(|| refused(field, endpoint, ACCEPTED)),
        None => {
            let missing = || refused(field, "absent in this partition", ACCEPTED);
            Ok((own().ok_or_else(missing)?, 443))
        }
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

    const ROLES_ANYWHERE: &str = r#"
trust_anchor_arn = "arn:aws:rolesanywhere:eu-central-1:111122223333:trust-anchor/41c0bae6-6783-40d4-ab20-65dc5d922e45"
profile_arn = "arn:aws:rolesanywhere:eu-central-1:111122223333:profile/63e2dc08-89a5-42f6-8d42-87fe7fb44067"
role_arn = "arn:aws:iam::111122223333:role/permafrost-store"
"#;

    #[test]
    fn roles_anywhere_is_in_the_trust_anchors_region_unless_the_configuration_says_where() {
        assert!(parse(GOOD).unwrap().roles_anywhere.is_none());
        let place = |more: &str| {
            let text = format!("{GOOD}\n{ROLES_ANYWHERE}{more}");
            let found = parse(&text).unwrap().roles_anywhere.unwrap();
            (found.host, found.port)
        };
        let own = "rolesanywhere.eu-central-1.amazonaws.com".to_owned();
        assert_eq!(place(""), (own, 443));
        let variant = "rolesanywhere-fips.eu-central-1.api.aws".to_owned();
        assert_eq!(place("fips = true\ndual_stack = true"), (variant, 443));
        let named = place("roles_anywhere_endpoint = \"rolesanywhere.example:8443\"");
        assert_eq!(named, ("rolesanywhere.example".to_owned(), 8443));
    }

    #[test]
    fn roles_anywhere_without_one_of_its_arns_or_with_another_accounts_is_refused_by_name() {
        let lines: Vec<&str> = ROLES_ANYWHERE
            .lines()
            .filter(|line| !line.is_empty())
            .collect();
        for (without, field) in [(0, "trust_anchor_arn"), (1, "profile_arn"), (2, "role_arn")] {
            let mut lines = lines.clone();
            lines.remove(without);
            let error = parse(&format!("{GOOD}\n{}", lines.join("\n"))).unwrap_err();
            let error = error.to_string();
            let named = format!("store.{field}");
            assert!(
                error.contains(&named) && error.contains("together"),
                "{error}"
            );
        }
        let place = "roles_anywhere_endpoint = \"rolesanywhere.example:443\"";
        let alone = parse(&format!("{GOOD}\n{place}")).unwrap_err().to_string();
        assert!(alone.contains("store.trust_anchor_arn"), "{alone}");
        let other = ROLES_ANYWHERE.replace("iam::111122223333", "iam::444455556666");
        let error = parse(&format!("{GOOD}\n{other}")).unwrap_err().to_string();
        assert!(error.contains("store.role_arn"), "{error}");
    }

    #[test]
    fn a_section_without_a_table_is_refused() {
        let read: Result<StoreSection, _> = toml::from_str("lease_ms = 0");
        assert!(read.err().unwrap().to_string().contains("dynamodb"));
    }
}
