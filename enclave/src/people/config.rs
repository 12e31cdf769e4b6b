//! The section `[people]` of the measured configuration.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::auth::{KeyScope, OperationName, Policy};
use crate::config::{ConfigError, value};
use crate::keys::PayloadKind;
use crate::webauthn::RelyingParty;

/// Who may register here, and what every user may do.
#[derive(Clone, Debug)]
pub struct PeopleConfig {
    /// For whom passkeys are.
    pub relying_party: RelyingParty,
    /// What every user may do with their own keys.
    pub policy: Policy,
    /// How long a session lasts, in seconds.
    pub session_s: u64,
    /// How long a recovery waits before it may be completed, in seconds.
    pub recovery_delay_s: u64,
    /// The digest of the page that the deployer publishes, for whoever compares: 64 hex digits.
    pub page_sha256: Option<String>,
    /// How many registrations, links and recoveries may be begun in a minute, by all together.
    pub arrivals_per_minute: u32,
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeopleSection {
    rp_id: String,
    origins: Vec<String>,
    #[serde(default = "operations")]
    operations: BTreeSet<OperationName>,
    #[serde(default = "payloads")]
    payloads: BTreeSet<PayloadKind>,
    nostr_kinds: Option<BTreeSet<u16>>,
    page_sha256: Option<String>,
    #[serde(default = "requests_per_minute")]
    requests_per_minute: u32,
    #[serde(default = "session_s")]
    session_s: u64,
    #[serde(default = "recovery_delay_s")]
    recovery_delay_s: u64,
    #[serde(default = "arrivals_per_minute")]
    arrivals_per_minute: u32,
}

impl PeopleConfig {
    pub(crate) fn of(section: PeopleSection) -> Result<Self, ConfigError> {
        let relying_party =
            RelyingParty::new(&section.rp_id, &section.origins).map_err(|error| {
                value(
                    "people.rp_id and people.origins",
                    &error.to_string(),
                    "an RP ID, and origins at it",
                )
            })?;
        for operation in &section.operations {
            if operation.is_of_people() || operation.is_of_the_root() {
                return Err(value(
                    "people.operations",
                    operation.as_str(),
                    "operations on keys; a user's own account needs none",
                ));
            }
        }
        in_range(
            "requests_per_minute",
            section.requests_per_minute.into(),
            1,
            60_000,
            "1 to 60000",
        )?;
        in_range(
            "arrivals_per_minute",
            section.arrivals_per_minute.into(),
            1,
            60_000_000,
            "1 to 60000000",
        )?;
        in_range("session_s", section.session_s, 60, 900, "60 to 900")?;
        in_range(
            "recovery_delay_s",
            section.recovery_delay_s,
            3_600,
            30 * 86_400,
            "3600 to 2592000",
        )?;
        if section.nostr_kinds.is_some() && !section.payloads.contains(&PayloadKind::NostrEvent) {
            return Err(value(
                "people.nostr_kinds",
                "given, but payloads does not have nostr_event",
                "nostr_kinds only beside nostr_event",
            ));
        }
        if let Some(digest) = &section.page_sha256
            && !is_sha256(digest)
        {
            return Err(value(
                "people.page_sha256",
                &format!("{} bytes", digest.len()),
                "64 lower-case hex digits, as the page's build prints them",
            ));
        }
        let mut operations = section.operations;
        operations.extend(OperationName::OF_PEOPLE);
        Ok(Self {
            relying_party,
            policy: Policy {
                operations,
                keys: KeyScope::Own,
                payloads: section.payloads,
                nostr_kinds: section.nostr_kinds,
                requests_per_minute: section.requests_per_minute,
            },
            page_sha256: section.page_sha256,
            session_s: section.session_s,
            recovery_delay_s: section.recovery_delay_s,
            arrivals_per_minute: section.arrivals_per_minute,
        })
    }
}

fn in_range(
    key: &str,
    found: u64,
    least: u64,
    most: u64,
    accepted: &'static str,
) -> Result<(), ConfigError> {
    match (least..=most).contains(&found) {
        true => Ok(()),
        false => Err(value(
            &format!("people.{key}"),
            &found.to_string(),
            accepted,
        )),
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn operations() -> BTreeSet<OperationName> {
    [
        OperationName::ListKeys,
        OperationName::ShowKey,
        OperationName::Sign,
        OperationName::RotateKey,
    ]
    .into()
}

fn payloads() -> BTreeSet<PayloadKind> {
    [PayloadKind::NostrEvent].into()
}

fn requests_per_minute() -> u32 {
    120
}

fn session_s() -> u64 {
    900
}

fn recovery_delay_s() -> u64 {
    72 * 3_600
}

fn arrivals_per_minute() -> u32 {
    600
}
