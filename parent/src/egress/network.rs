//! Networks: an address and the length of its prefix (RFC 4632 section 3.1).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::Deserialize;

/// A private network in which addresses from DNS are accepted. It must be one that a VPC can have: 10.0.0.0/8,
/// 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 198.18.0.0/15, fc00::/7, or a network within these.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct Network(Block);

/// Any network, constant or parsed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Block {
    /// The address from the highest bit on; an IPv4 address fills the first 32 bits.
    bits: u128,
    prefix: u32,
    v6: bool,
}

/// The networks that VPCs can have: RFC 1918, RFC 6598, RFC 2544 and RFC 4193 (Amazon VPC user guide, "VPC CIDR blocks").
pub(super) const LISTABLE: &[Block] = &[
    Block::v4(Ipv4Addr::new(10, 0, 0, 0), 8),
    Block::v4(Ipv4Addr::new(172, 16, 0, 0), 12),
    Block::v4(Ipv4Addr::new(192, 168, 0, 0), 16),
    Block::v4(Ipv4Addr::new(100, 64, 0, 0), 10),
    Block::v4(Ipv4Addr::new(198, 18, 0, 0), 15),
    Block::v6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
];

/// Why a text is not a [`Network`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// Not an address, a slash and a decimal length.
    #[error("the network is {0:?}; accepted: ADDRESS/LENGTH, such as 10.0.0.0/8")]
    Form(String),
    /// The address has bits beyond its prefix.
    #[error("{0} has bits beyond its prefix")]
    HostBits(String),
    /// Not private: addresses in it need no listing, or cannot be listed.
    #[error("{network} is not accepted; accepted: a network within {}", listable())]
    NotListable {
        /// The network.
        network: String,
    },
}

impl Network {
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(address)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || NetworkError::Form(text.to_owned());
        let (address, length) = text.split_once('/').ok_or_else(form)?;
        let address: IpAddr = address.parse().map_err(|_| form())?;
        let prefix: u8 = length.parse().map_err(|_| form())?;
        let block = match address {
            IpAddr::V4(address) if prefix <= 32 => Block::v4(address, prefix.into()),
            IpAddr::V6(address) if prefix <= 128 => Block::v6(address, prefix.into()),
            _ => return Err(form()),
        };
        if block.bits & !mask(block.prefix) != 0 {
            return Err(NetworkError::HostBits(text.to_owned()));
        }
        if !LISTABLE.iter().any(|listable| listable.encloses(block)) {
            return Err(NetworkError::NotListable {
                network: text.to_owned(),
            });
        }
        Ok(Self(block))
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl Block {
    pub(super) const fn v4(address: Ipv4Addr, prefix: u32) -> Self {
        Self {
            bits: (address.to_bits() as u128) << 96,
            prefix,
            v6: false,
        }
    }

    pub(super) const fn v6(address: Ipv6Addr, prefix: u32) -> Self {
        Self {
            bits: address.to_bits(),
            prefix,
            v6: true,
        }
    }

    pub(super) fn contains(self, address: IpAddr) -> bool {
        self.encloses(match address {
            IpAddr::V4(address) => Self::v4(address, 32),
            IpAddr::V6(address) => Self::v6(address, 128),
        })
    }

    fn encloses(self, inner: Self) -> bool {
        self.v6 == inner.v6
            && self.prefix <= inner.prefix
            && inner.bits & mask(self.prefix) == self.bits
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Ipv6Addr::from_bits(self.bits);
        if self.v6 {
            return write!(f, "{address}/{}", self.prefix);
        }
        let [a, b, c, d, ..] = address.octets();
        write!(f, "{}/{}", Ipv4Addr::new(a, b, c, d), self.prefix)
    }
}

fn mask(prefix: u32) -> u128 {
    u128::MAX
        .checked_shl(128_u32.saturating_sub(prefix))
        .unwrap_or(0)
}

fn listable() -> String {
    let all: Vec<String> = LISTABLE.iter().map(Block::to_string).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_its_addresses_and_no_others() {
        let network: Network = "10.1.16.0/20".parse().unwrap();
        for (address, inside) in [
            ("10.1.16.0", true),
            ("10.1.31.255", true),
            ("10.1.32.0", false),
            ("10.1.15.255", false),
            ("a01:1000::", false),
        ] {
            assert_eq!(
                network.contains(address.parse().unwrap()),
                inside,
                "{address}"
            );
        }
        let network: Network = "fd12:3456::/32".parse().unwrap();
        assert!(network.contains("fd12:3456::1".parse().unwrap()));
        assert!(!network.contains("fd12:3457::1".parse().unwrap()));
    }

    #[test]
    fn a_network_is_printed_as_it_was_written() {
        for text in ["10.1.16.0/20", "192.168.7.7/32", "fd12:3456::/32"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_network_is_refused() {
        for text in [
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0/8",
            "fd00::/129",
            "kms.example/8",
            "",
        ] {
            let refused = text.parse::<Network>();
            assert!(matches!(refused, Err(NetworkError::Form(_))), "{text}");
        }
        assert!(matches!(
            "10.0.0.1/8".parse::<Network>(),
            Err(NetworkError::HostBits(_))
        ));
    }

    #[test]
    fn only_networks_that_a_vpc_can_have_can_be_listed() {
        for text in [
            "0.0.0.0/0",
            "::/0",
            "169.254.0.0/16",
            "169.254.169.254/32",
            "127.0.0.0/8",
            "224.0.0.0/4",
            "8.0.0.0/7",
            "fe80::/10",
            "f000::/4",
            "2000::/3",
        ] {
            let error = text.parse::<Network>().unwrap_err();
            assert!(error.to_string().contains("10.0.0.0/8, "), "{error}");
        }
    }
}
