//! `[enclave_log]`: where the parent receives the enclave log.

use permafrost_common::transport::{Address, Cid};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::config::{address_or_none, number};

/// `[enclave_log]`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct EnclaveLogConfig {
    /// The address that the enclave sends its log lines to; `none`: the parent receives no enclave log.
    #[serde(deserialize_with = "address_or_none")]
    pub listen: Option<Address>,
    /// How many lines are accepted each second.
    #[serde(deserialize_with = "lines")]
    pub lines_per_second: u32,
}

impl Default for EnclaveLogConfig {
    fn default() -> Self {
        Self {
            listen: Some(Address::Vsock {
                cid: Cid::Any,
                port: 5003,
            }),
            lines_per_second: 100,
        }
    }
}

fn lines<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let found = number::<D, 1, 100_000>(from)?;
    u32::try_from(found).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn none_means_that_nothing_listens() {
        let listen = |text| Config::parse(text).map(|config| config.enclave_log.listen);
        assert_eq!(listen("[enclave_log]\nlisten = \"none\"").unwrap(), None);
        assert!(listen("").unwrap().is_some());
        assert!(listen("[enclave_log]\nlisten = \"nothing\"").is_err());
    }
}
