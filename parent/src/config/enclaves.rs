//! `[[enclave]]`: the enclaves, and the connections to them.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use permafrost_common::api::is_name;
use permafrost_common::transport::{Address, Cid};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::{count, milliseconds};

/// How many enclaves one parent serves at most.
const ENCLAVES_MAX: usize = 16;

/// One `[[enclave]]`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct EnclaveConfig {
    /// What the log, the metrics and `permafrost enclaves` call it.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// The address that the enclave listens on.
    pub address: Address,
    /// The time for one connection attempt.
    #[serde(
        rename = "connect_timeout_ms",
        deserialize_with = "milliseconds::<_, 1, 60_000>"
    )]
    pub connect_timeout: Duration,
    /// How many idle connections are kept.
    #[serde(deserialize_with = "count::<_, 0, 1024>")]
    pub idle_connections: usize,
    /// How long they are kept.
    #[serde(
        rename = "idle_timeout_ms",
        deserialize_with = "milliseconds::<_, 1, 3_600_000>"
    )]
    pub idle_timeout: Duration,
}

impl EnclaveConfig {
    /// The vsock CID in the address, if it has one.
    pub fn cid(&self) -> Option<u32> {
        match self.address {
            Address::Vsock {
                cid: Cid::Number(cid),
                ..
            } => Some(cid),
            _ => None,
        }
    }
}

impl Default for EnclaveConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            address: Address::Vsock {
                cid: Cid::Number(16),
                port: 5000,
            },
            connect_timeout: Duration::from_secs(2),
            idle_connections: 64,
            idle_timeout: Duration::from_secs(60),
        }
    }
}

/// The enclaves of a configuration that names none.
pub(super) fn only() -> Vec<EnclaveConfig> {
    named(vec![EnclaveConfig::default()])
}

/// Reads `[enclave]` or every `[[enclave]]`.
pub(super) fn enclaves<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<EnclaveConfig>, D::Error> {
    let enclaves = named(from.deserialize_any(OneOrMany)?);
    if enclaves.is_empty() || enclaves.len() > ENCLAVES_MAX {
        let found = enclaves.len();
        return Err(D::Error::custom(format!(
            "{found} enclaves; accepted: 1 to {ENCLAVES_MAX}"
        )));
    }
    let mut names = HashSet::new();
    let mut addresses = HashSet::new();
    for EnclaveConfig { name, address, .. } in &enclaves {
        if !names.insert(name) {
            return Err(D::Error::custom(format!(
                "two enclaves have name = {name:?}; accepted: different names"
            )));
        }
        if !addresses.insert(address.to_string()) {
            return Err(D::Error::custom(format!(
                "two enclaves have address = \"{address}\"; accepted: different addresses"
            )));
        }
    }
    Ok(enclaves)
}

/// Calls those without a name `enclave-1`, `enclave-2`, ... by their place.
fn named(mut enclaves: Vec<EnclaveConfig>) -> Vec<EnclaveConfig> {
    for (place, enclave) in (1..).zip(&mut enclaves) {
        if enclave.name.is_empty() {
            enclave.name = format!("enclave-{place}");
        }
    }
    enclaves
}

fn name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let found = String::deserialize(from)?;
    if is_name(&found) {
        return Ok(found);
    }
    Err(D::Error::custom(format!(
        "{found:?}; accepted: 1 to 64 of A-Z a-z 0-9 - _ ."
    )))
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Vec<EnclaveConfig>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[[enclave]] for each enclave, or [enclave] for only one")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        EnclaveConfig::deserialize(MapAccessDeserializer::new(map)).map(|only| vec![only])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut several: A) -> Result<Self::Value, A::Error> {
        let mut enclaves = Vec::new();
        while let Some(enclave) = several.next_element()? {
            enclaves.push(enclave);
        }
        Ok(enclaves)
    }
}
