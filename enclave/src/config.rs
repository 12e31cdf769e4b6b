//! The measured configuration: the TOML file whose digest is in PCR2 (`docs/configuration.md`).
//!
//! It is read once, strictly: an unknown key, a missing one or a value out of range ends the boot with an error
//! that names the key and what would be accepted.

use std::collections::BTreeSet;

use permafrost_common::api::is_name;
use permafrost_common::http_signature::PublicKey;
use serde::Deserialize;

use crate::auth::{KeyScope, OperationName, Policy, Principal};
use crate::keys::{Network, PayloadKind};
use crate::kms::{KmsConfig, KmsSection};
use crate::people::{PeopleConfig, PeopleSection};

/// The longest configuration file, in bytes.
pub const CONFIGURATION_MAX: usize = 1024 * 1024;

/// What a deployment decides, and publishes.
#[derive(Clone, Debug)]
pub struct Config {
    /// The deployment's name: part of every sealed record's place. 1 to 64 of `a-z 0-9 -`.
    pub deployment: String,
    /// The network that Taproot addresses are written for.
    pub network: Network,
    /// Whether the enclave serves in debug mode, where the parent reads its console and PCR0-2 are zero.
    pub allow_debug_mode: bool,
    /// Which KMS key the root secret comes from.
    pub kms: KmsConfig,
    /// What one request, and all of them together, may use.
    pub limits: Limits,
    /// Who may do what.
    pub principals: Vec<Principal>,
    /// Whether people may register, and what they may do.
    pub people: Option<PeopleConfig>,
}

/// What one request, and all of them together, may use.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The longest body, in bytes.
    pub body_bytes: usize,
    /// The longest request line and header fields together, in bytes.
    pub header_bytes: usize,
    /// Requests worked on at once.
    pub concurrent_requests: usize,
    /// Connections held at once.
    pub connections: usize,
    /// The time from a request's head to its answer, in milliseconds.
    pub request_timeout_ms: u64,
    /// How long after `created` a request is accepted, in seconds.
    pub request_max_age_s: u64,
    /// How far `created` may be ahead of the enclave's clock, in seconds.
    pub clock_skew_s: u64,
    /// Memory for opened records, in bytes.
    pub cache_bytes: usize,
    /// The time for one call of the record store, in milliseconds.
    pub store_timeout_ms: u64,
    /// How often the log says what is in use, in milliseconds.
    pub resources_interval_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            header_bytes: 8 * 1024,
            concurrent_requests: 256,
            connections: 512,
            request_timeout_ms: 10_000,
            request_max_age_s: 60,
            clock_skew_s: 5,
            cache_bytes: 16 * 1024 * 1024,
            store_timeout_ms: 3_000,
            resources_interval_ms: 60_000,
        }
    }
}

/// Why a configuration is refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// Longer than [`CONFIGURATION_MAX`].
    #[error("the configuration is {length} bytes long; accepted: at most {CONFIGURATION_MAX}")]
    TooLong {
        /// How many bytes came.
        length: usize,
    },
    /// Not TOML, an unknown key, a missing one, or a value of another type.
    #[error("the configuration is not accepted: {0}")]
    Toml(String),
    /// A value out of range.
    #[error("{key}: {found}; accepted: {accepted}")]
    Value {
        /// Which key.
        key: String,
        /// What came.
        found: String,
        /// What would be accepted.
        accepted: &'static str,
    },
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrincipalSection {
    name: String,
    public_key: PublicKey,
    operations: BTreeSet<OperationName>,
    #[serde(default)]
    keys: KeyScope,
    #[serde(default)]
    payloads: BTreeSet<PayloadKind>,
    nostr_kinds: Option<BTreeSet<u16>>,
    requests_per_minute: u32,
}

impl Limits {
    fn check(&self) -> Result<(), ConfigError> {
        let in_range = |key: &str, found: u64, least: u64, most: u64, accepted: &'static str| {
            if (least..=most).contains(&found) {
                return Ok(());
            }
            Err(value(
                &format!("limits.{key}"),
                &found.to_string(),
                accepted,
            ))
        };
        let Self {
            body_bytes,
            header_bytes,
            concurrent_requests,
            connections,
            request_timeout_ms,
            request_max_age_s,
            clock_skew_s,
            cache_bytes,
            store_timeout_ms,
            resources_interval_ms,
        } = *self;
        in_range(
            "body_bytes",
            body_bytes as u64,
            1024,
            1 << 20,
            "1024 to 1048576",
        )?;
        in_range(
            "header_bytes",
            header_bytes as u64,
            2048,
            1 << 15,
            "2048 to 32768",
        )?;
        in_range(
            "concurrent_requests",
            concurrent_requests as u64,
            1,
            65_536,
            "1 to 65536",
        )?;
        in_range("connections", connections as u64, 1, 65_536, "1 to 65536")?;
        in_range(
            "request_timeout_ms",
            request_timeout_ms,
            100,
            300_000,
            "100 to 300000",
        )?;
        in_range(
            "request_max_age_s",
            request_max_age_s,
            1,
            3_600,
            "1 to 3600",
        )?;
        in_range("clock_skew_s", clock_skew_s, 0, 60, "0 to 60")?;
        in_range(
            "cache_bytes",
            cache_bytes as u64,
            0,
            1 << 40,
            "0 to 1099511627776",
        )?;
        in_range(
            "store_timeout_ms",
            store_timeout_ms,
            100,
            60_000,
            "100 to 60000",
        )?;
        in_range(
            "resources_interval_ms",
            resources_interval_ms,
            1,
            86_400_000,
            "1 to 86400000",
        )
    }
}

fn principals(sections: Vec<PrincipalSection>) -> Result<Vec<Principal>, ConfigError> {
    let mut names = BTreeSet::new();
    let mut keys = BTreeSet::new();
    let mut principals = Vec::with_capacity(sections.len());
    for section in sections {
        let key = |field: &str| format!("principal {:?}: {field}", section.name);
        if !is_name(&section.name) {
            return Err(value(
                "principal.name",
                &section.name,
                "1 to 64 of A-Z, a-z, 0-9, -, _ and .",
            ));
        }
        if names_a_person(&section.name) {
            return Err(value(
                "principal.name",
                &section.name,
                "a name that does not begin with user. or session., which people have",
            ));
        }
        if let Some(operation) = section.operations.iter().find(|name| name.is_of_people()) {
            return Err(value(
                &key("operations"),
                operation.as_str(),
                "operations that are not about a person's account",
            ));
        }
        if !names.insert(section.name.clone()) {
            return Err(value(&key("name"), "used twice", "a name of its own"));
        }
        if !keys.insert(section.public_key.to_string()) {
            return Err(value(&key("public_key"), "used twice", "a key of its own"));
        }
        if !(1..=60_000_000).contains(&section.requests_per_minute) {
            return Err(value(
                &key("requests_per_minute"),
                &section.requests_per_minute.to_string(),
                "1 to 60000000",
            ));
        }
        if section.nostr_kinds.is_some() && !section.payloads.contains(&PayloadKind::NostrEvent) {
            return Err(value(
                &key("nostr_kinds"),
                "given, but payloads does not have nostr_event",
                "nostr_kinds only beside nostr_event",
            ));
        }
        principals.push(Principal {
            name: section.name,
            public_key: section.public_key,
            policy: Policy {
                operations: section.operations,
                keys: section.keys,
                payloads: section.payloads,
                nostr_kinds: section.nostr_kinds,
                requests_per_minute: section.requests_per_minute,
            },
        });
    }
    Ok(principals)
}

fn names_a_person(name: &str) -> bool {
    ["user.", "session."]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn is_deployment(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

pub(crate) fn value(key: &str, found: &str, accepted: &'static str) -> ConfigError {
    ConfigError::Value {
        key: key.to_owned(),
        found: found.to_owned(),
        accepted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
deployment = "test"
[kms]
key_arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
[[principal]]
name = "svc"
public_key = "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
operations = ["create_key", "sign"]
payloads = ["nostr_event"]
nostr_kinds = [1]
requests_per_minute = 60
"#;

    fn refusal(text: &str) -> String {
        Config::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_configuration_is_read_with_its_defaults() {
        let config = Config::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(config.deployment, "test");
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.principals[0].policy.keys, KeyScope::Own);
    }

    #[test]
    fn the_example_of_the_configuration_page_is_accepted() {
        let page = include_str!("../../docs/configuration.md");
        let start = page.find("```toml\n").unwrap() + "```toml\n".len();
        let example = &page[start..start + page[start..].find("```").unwrap()];
        let config = Config::parse(example.as_bytes()).unwrap();
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.principals[0].policy.nostr_kinds, Some([1, 7].into()));
        assert_eq!(config.people.unwrap().recovery_delay_s, 72 * 3_600);
    }

    #[test]
    fn unknown_keys_are_refused_at_every_level() {
        for (text, key) in [
            (
                GOOD.replace("deployment", "surprise = 1\ndeployment"),
                "surprise",
            ),
            (format!("{GOOD}\n[limits]\nsurprise = 1"), "surprise"),
            (format!("{GOOD}\nsurprise = 1"), "surprise"),
            (
                format!("{GOOD}\n[bitcoin]\nnetwork = \"bitcoin\"\nsurprise = 1"),
                "surprise",
            ),
            (GOOD.replace("create_key", "surprise"), "surprise"),
        ] {
            let error = refusal(&text);
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn values_out_of_range_are_refused_with_what_is_accepted() {
        for (text, named) in [
            (GOOD.replace("\"test\"", "\"Test\""), "deployment: Test"),
            (GOOD.replace("\"svc\"", "\"a b\""), "principal.name: a b"),
            (GOOD.replace("= 60", "= 0"), "requests_per_minute: 0"),
            (
                format!("{GOOD}\n[limits]\nbody_bytes = 1"),
                "limits.body_bytes: 1",
            ),
            (
                GOOD.replace("\"nostr_event\"", "\"message\""),
                "nostr_kinds",
            ),
            (
                format!("{GOOD}{}", &GOOD[GOOD.find("[[").unwrap()..]),
                "used twice",
            ),
        ] {
            let error = refusal(&text);
            assert!(
                error.contains(named) && error.contains("accepted"),
                "{error}"
            );
        }
    }

    #[test]
    fn people_are_given_nothing_that_is_not_theirs() {
        let people = "[people]\nrp_id = \"localhost\"\norigins = [\"http://localhost\"]\n";
        let config = Config::parse(format!("{GOOD}\n{people}").as_bytes()).unwrap();
        let policy = config.people.unwrap().policy;
        assert!(!policy.operations.contains(&OperationName::CreateKey));
        assert!(policy.operations.contains(&OperationName::RevokePasskey));
        for (text, named) in [
            (
                format!("{GOOD}\n{people}operations = [\"rotate_root\"]"),
                "people.operations: rotate_root",
            ),
            (
                format!("{GOOD}\n{people}page_sha256 = \"00\""),
                "people.page_sha256",
            ),
            (
                format!("{GOOD}\n{people}session_s = 901"),
                "people.session_s: 901",
            ),
            (
                format!("{GOOD}\n{}", people.replace("localhost", "example.org")),
                "people.rp_id",
            ),
            (
                GOOD.replace("create_key", "revoke_passkey"),
                "revoke_passkey",
            ),
            (GOOD.replace("\"svc\"", "\"user.svc\""), "user.svc"),
        ] {
            let error = refusal(&text);
            assert!(
                error.contains(named) && error.contains("accepted"),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_not_text_or_too_long_is_refused() {
        assert!(Config::parse(&[0xff]).is_err());
        assert!(matches!(
            Config::parse(&vec![b'#'; CONFIGURATION_MAX + 1]),
            Err(ConfigError::TooLong { .. })
        ));
    }
}
