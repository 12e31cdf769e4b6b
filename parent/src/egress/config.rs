//! `[egress]`: what the enclave may connect to, and how much.

use std::net::SocketAddr;
use std::time::Duration;

use permafrost_common::transport::{Address, Cid};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::host::HostName;
use super::network::Network;
use crate::config::{count, milliseconds, number};

/// `[egress]`. Without an entry in `allow` there is no egress proxy, and nothing listens.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct EgressConfig {
    /// The address of the egress proxy.
    pub listen: Address,
    /// Concurrent connections to hosts.
    #[serde(deserialize_with = "count::<_, 1, 4096>")]
    pub connections: usize,
    /// The time from a CONNECT request to the connection, including DNS.
    #[serde(
        rename = "connect_timeout_ms",
        deserialize_with = "milliseconds::<_, 1, 60_000>"
    )]
    pub connect_timeout: Duration,
    /// How long a connection may carry no byte.
    #[serde(
        rename = "idle_timeout_ms",
        deserialize_with = "milliseconds::<_, 100, 3_600_000>"
    )]
    pub idle_timeout: Duration,
    /// How long a connection may last.
    #[serde(
        rename = "time_limit_ms",
        deserialize_with = "milliseconds::<_, 100, 3_600_000>"
    )]
    pub time_limit: Duration,
    /// How many bytes one connection may carry in each direction.
    #[serde(deserialize_with = "number::<_, 1024, 1_073_741_824>")]
    pub direction_bytes: u64,
    /// The allowed hosts.
    #[serde(deserialize_with = "allow")]
    pub allow: Vec<AllowConfig>,
}

/// `[[egress.allow]]`: one host and port.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct AllowConfig {
    /// The host, exactly as the enclave names it.
    pub host: HostName,
    /// The port, 1 to 65535.
    #[serde(deserialize_with = "port")]
    pub port: u16,
    /// Addresses to connect to instead of asking DNS; private addresses are accepted here.
    #[serde(default)]
    pub addresses: Vec<SocketAddr>,
    /// Private networks in which addresses from DNS are accepted.
    #[serde(default)]
    pub networks: Vec<Network>,
}

/// Why entries of `[[egress.allow]]` are not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AllowError {
    /// Port 0. In a configuration file, the parser refuses it first.
    #[error("{0}: port 0; accepted: 1 to 65535")]
    Port(HostName),
    /// Two entries have the same host and port.
    #[error("{0}:{1} occurs twice; accepted: once")]
    Twice(HostName, u16),
    /// An address that nothing can connect to.
    #[error("{host}: the address {address} is not accepted: {rule}")]
    Address {
        /// The host.
        host: HostName,
        /// The address.
        address: SocketAddr,
        /// Why the address is not accepted.
        rule: &'static str,
    },
    /// `networks` applies to DNS answers, and with `addresses` there are none.
    #[error("{0}: with `addresses`, DNS is not asked, so `networks` is not accepted")]
    NetworksUnused(HostName),
}

impl AllowConfig {
    /// A host and port that DNS resolves to public addresses.
    pub fn new(host: HostName, port: u16) -> Self {
        Self {
            host,
            port,
            addresses: Vec::new(),
            networks: Vec::new(),
        }
    }
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            listen: Address::Vsock {
                cid: Cid::Any,
                port: 5002,
            },
            connections: 64,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(60),
            time_limit: Duration::from_secs(600),
            direction_bytes: 16 * 1024 * 1024,
            allow: Vec::new(),
        }
    }
}

/// Checks what the types of [`AllowConfig`] do not rule out.
pub(super) fn check(entries: &[AllowConfig]) -> Result<(), AllowError> {
    for (at, entry) in entries.iter().enumerate() {
        let host = || entry.host.clone();
        if entry.port == 0 {
            return Err(AllowError::Port(host()));
        }
        let same = |other: &AllowConfig| other.host == entry.host && other.port == entry.port;
        if entries.iter().skip(at + 1).any(same) {
            return Err(AllowError::Twice(host(), entry.port));
        }
        if !entry.addresses.is_empty() && !entry.networks.is_empty() {
            return Err(AllowError::NetworksUnused(host()));
        }
        for address in &entry.addresses {
            if let Some(rule) = useless(address) {
                return Err(AllowError::Address {
                    host: host(),
                    address: *address,
                    rule,
                });
            }
        }
    }
    Ok(())
}

fn useless(address: &SocketAddr) -> Option<&'static str> {
    if address.port() == 0 {
        return Some("its port is 0");
    }
    if address.ip().is_unspecified() {
        return Some("it is the unspecified address");
    }
    address.ip().is_multicast().then_some("it is multicast")
}

fn allow<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<AllowConfig>, D::Error> {
    let entries = Vec::deserialize(from)?;
    check(&entries).map_err(D::Error::custom)?;
    Ok(entries)
}

fn port<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    let found = number::<D, 1, 65_535>(from)?;
    u16::try_from(found).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    use super::*;

    const KMS: &str = "[[egress.allow]]\nhost = \"kms.eu-central-1.amazonaws.com\"\nport = 443\n";

    fn refusal(text: &str) -> String {
        Config::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn nothing_is_allowed_by_default() {
        assert_eq!(Config::parse("").unwrap().egress.allow, []);
    }

    #[test]
    fn an_entry_has_a_host_a_port_and_optionally_networks_or_addresses() {
        let text = format!(
            "{KMS}\
             networks = [\"10.0.0.0/8\", \"fd12:3456::/32\"]\n\
             [[egress.allow]]\nhost = \"kms.us-east-1.localhost\"\nport = 4443\n\
             addresses = [\"127.0.0.1:4443\", \"[::1]:4443\"]\n"
        );
        let allow = Config::parse(&text).unwrap().egress.allow;
        let mut kms = AllowConfig::new("kms.eu-central-1.amazonaws.com".parse().unwrap(), 443);
        kms.networks = vec![
            "10.0.0.0/8".parse().unwrap(),
            "fd12:3456::/32".parse().unwrap(),
        ];
        let mut local = AllowConfig::new("kms.us-east-1.localhost".parse().unwrap(), 4443);
        local.addresses = vec![
            "127.0.0.1:4443".parse().unwrap(),
            "[::1]:4443".parse().unwrap(),
        ];
        assert_eq!(allow, [kms, local]);
    }

    #[test]
    fn one_host_may_be_allowed_with_two_ports() {
        let text = format!("{KMS}{}", KMS.replace("443", "8443"));
        assert_eq!(Config::parse(&text).unwrap().egress.allow.len(), 2);
    }

    #[test]
    fn an_entry_that_occurs_twice_is_refused() {
        let text = refusal(&format!("{KMS}{KMS}"));
        assert!(
            text.contains("kms.eu-central-1.amazonaws.com:443 occurs twice"),
            "{text}"
        );
    }

    #[test]
    fn a_host_that_is_not_a_dns_name_is_refused_by_the_rule_it_breaks() {
        for (host, rule) in [
            ("*.amazonaws.com", "wildcards are not allowed"),
            ("*", "wildcards are not allowed"),
            ("KMS.amazonaws.com", "lower case"),
            ("kms.amazonaws.com.", "trailing dot"),
            ("10.0.0.1", "not an address"),
            ("[::1]", "not an address"),
            ("user@kms.amazonaws.com", "user information is not allowed"),
            ("", "1 to 253 bytes"),
        ] {
            let text = refusal(&format!(
                "[[egress.allow]]\nhost = \"{host}\"\nport = 443\n"
            ));
            assert!(text.contains(rule), "{text}");
        }
    }

    #[test]
    fn a_port_is_required_and_is_1_to_65535() {
        let entry = |port: &str| format!("[[egress.allow]]\nhost = \"a.example\"\n{port}");
        for port in ["port = 1", "port = 65535"] {
            assert!(Config::parse(&entry(port)).is_ok(), "{port}");
        }
        for port in ["port = 0", "port = 65536", "port = -1"] {
            let text = refusal(&entry(port));
            assert!(text.contains("1 to 65535"), "{text}");
        }
        let text = refusal(&entry(""));
        assert!(text.contains("port"), "{text}");
        let text = refusal(&entry("port = \"443\""));
        assert!(text.contains("port = \"443\""), "{text}");
    }

    #[test]
    fn addresses_and_networks_are_checked() {
        for (line, rule) in [
            ("addresses = [\"127.0.0.1\"]", "127.0.0.1"),
            ("addresses = [\"127.0.0.1:0\"]", "its port is 0"),
            ("addresses = [\"0.0.0.0:443\"]", "unspecified"),
            ("addresses = [\"[::]:443\"]", "unspecified"),
            ("addresses = [\"224.0.0.1:443\"]", "multicast"),
            ("networks = [\"0.0.0.0/0\"]", "0.0.0.0/0 is not accepted"),
            (
                "networks = [\"169.254.0.0/16\"]",
                "169.254.0.0/16 is not accepted",
            ),
            ("networks = [\"10.0.0.1/8\"]", "bits beyond its prefix"),
            (
                "networks = [\"10.0.0.0/8\"]\naddresses = [\"10.0.0.1:443\"]",
                "`networks` is not accepted",
            ),
            ("address = \"10.0.0.1:443\"", "unknown field `address`"),
        ] {
            let text = refusal(&format!("{KMS}{line}\n"));
            assert!(text.contains(rule), "{text}");
        }
    }

    #[test]
    fn port_0_is_refused_in_code_too() {
        let host: HostName = "a.example".parse().unwrap();
        assert_eq!(
            check(&[AllowConfig::new(host.clone(), 0)]),
            Err(AllowError::Port(host))
        );
    }
}
