//! Which addresses a DNS answer may contain.
//!
//! A DNS server must not make the parent connect to itself, to its own network or to the instance metadata service: the
//! parent accepts only globally reachable unicast addresses (IANA's special-purpose address registries, RFC 6890), and
//! private addresses in networks that the allow-list names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::network::{Block, Network};

/// Why the parent must not connect to this address; `None` if it may. `listed` are the private networks that the address
/// may be in.
///
/// Of an IPv6 address that embeds an IPv4 address, the IPv4 address is judged, whether mapped (RFC 4291 section 2.5.5.2) or
/// behind NAT64 (RFC 6052), as in DNS64 answers in an IPv6-only subnet.
pub(super) fn refusal(address: IpAddr, listed: &[Network]) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => judge_v4(address, listed),
        IpAddr::V6(address) => match behind_nat64(address) {
            Some(inner) => judge_v4(inner, listed),
            None => judge_v6(address, listed),
        },
    }
}

fn judge_v4(address: Ipv4Addr, listed: &[Network]) -> Option<&'static str> {
    let address = IpAddr::V4(address);
    if listed.iter().any(|network| network.contains(address)) {
        return None;
    }
    find(V4, address)
}

fn judge_v6(address: Ipv6Addr, listed: &[Network]) -> Option<&'static str> {
    let address = IpAddr::V6(address);
    if AWS_LOCAL.contains(address) {
        return Some("for services of the instance itself, such as its metadata");
    }
    if listed.iter().any(|network| network.contains(address)) {
        return None;
    }
    find(V6, address).or_else(|| {
        let global = GLOBAL_UNICAST.contains(address);
        (!global).then_some("not global unicast")
    })
}

fn find(table: &[(Block, &'static str)], address: IpAddr) -> Option<&'static str> {
    table
        .iter()
        .find(|(block, _)| block.contains(address))
        .map(|(_, what)| *what)
}

fn behind_nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = address.octets();
    NAT64
        .contains(IpAddr::V6(address))
        .then(|| Ipv4Addr::new(a, b, c, d))
}

/// The well-known prefix (RFC 6052 section 2.1).
const NAT64: Block = v6(0x64, 0xff9b, 96);

/// RFC 4291 section 2.4, and the part of it that IANA has allocated.
const GLOBAL_UNICAST: Block = v6(0x2000, 0, 3);

/// The unique local addresses of EC2's own services (Amazon EC2 user guide), which cannot be listed.
const AWS_LOCAL: Block = v6(0xfd00, 0x0ec2, 32);

const V4: &[(Block, &str)] = &[
    (v4([0, 0, 0, 0], 8), "this host on this network"),
    (v4([10, 0, 0, 0], 8), "private"),
    (
        v4([100, 64, 0, 0], 10),
        "shared by a carrier's customers (CGNAT)",
    ),
    (v4([127, 0, 0, 0], 8), "loopback"),
    (
        v4([169, 254, 0, 0], 16),
        "link-local, as the instance metadata service is",
    ),
    (v4([172, 16, 0, 0], 12), "private"),
    (v4([192, 0, 0, 0], 24), "IETF protocol assignments"),
    (v4([192, 0, 2, 0], 24), "documentation"),
    (v4([192, 88, 99, 0], 24), "6to4 relay"),
    (v4([192, 168, 0, 0], 16), "private"),
    (v4([198, 18, 0, 0], 15), "benchmarking"),
    (v4([198, 51, 100, 0], 24), "documentation"),
    (v4([203, 0, 113, 0], 24), "documentation"),
    (v4([224, 0, 0, 0], 4), "multicast"),
    (v4([240, 0, 0, 0], 4), "reserved"),
];

const V6: &[(Block, &str)] = &[
    (Block::v6(Ipv6Addr::UNSPECIFIED, 128), "unspecified"),
    (Block::v6(Ipv6Addr::LOCALHOST, 128), "loopback"),
    (v6(0x2001, 0, 23), "IETF protocol assignments"),
    (v6(0x2001, 0x0db8, 32), "documentation"),
    (v6(0x2002, 0, 16), "6to4"),
    (v6(0x3fff, 0, 20), "documentation"),
    (v6(0xfc00, 0, 7), "unique local, that is, private"),
    (v6(0xfe80, 0, 10), "link-local"),
    (v6(0xff00, 0, 8), "multicast"),
];

const fn v4([a, b, c, d]: [u8; 4], prefix: u32) -> Block {
    Block::v4(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(first: u16, second: u16, prefix: u32) -> Block {
    Block::v6(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0), prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(address: &str, listed: &[&str]) -> Option<&'static str> {
        let listed: Vec<Network> = listed.iter().map(|text| text.parse().unwrap()).collect();
        refusal(address.parse().unwrap(), &listed)
    }

    #[test]
    fn global_unicast_addresses_are_accepted() {
        for address in [
            "52.94.16.1",
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2600:1f14::1",
            "2001:200::1",
            "2a05:d000::1",
            "::ffff:52.94.16.1",
            "64:ff9b::52.94.16.1",
        ] {
            assert_eq!(judged(address, &[]), None, "{address}");
        }
    }

    #[test]
    fn an_address_that_is_not_globally_reachable_is_refused() {
        for (address, what) in [
            ("0.0.0.0", "this host"),
            ("0.1.2.3", "this host"),
            ("10.0.0.1", "private"),
            ("10.255.255.255", "private"),
            ("100.64.0.1", "CGNAT"),
            ("100.127.255.255", "CGNAT"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.255", "loopback"),
            ("169.254.169.254", "metadata"),
            ("169.254.170.2", "metadata"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.170", "IETF"),
            ("192.0.2.1", "documentation"),
            ("192.88.99.1", "6to4"),
            ("192.168.0.1", "private"),
            ("198.18.0.1", "benchmarking"),
            ("198.19.255.255", "benchmarking"),
            ("198.51.100.1", "documentation"),
            ("203.0.113.1", "documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "reserved"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::7f00:1", "not global"),
            ("::a9fe:a9fe", "not global"),
            ("64:ff9b:1::1", "not global"),
            ("100::1", "not global"),
            ("2001::1", "IETF"),
            ("2001:2::1", "IETF"),
            ("2001:20::1", "IETF"),
            ("2001:db8::1", "documentation"),
            ("2002:7f00:1::", "6to4"),
            ("2002:a9fe:a9fe::1", "6to4"),
            ("2002:3460:1001::1", "6to4"),
            ("3fff::1", "documentation"),
            ("4000::1", "not global"),
            ("5f00::1", "not global"),
            ("fc00::1", "unique local"),
            ("fd12::1", "unique local"),
            ("fd00:ec2::254", "metadata"),
            ("fe80::1", "link-local"),
            ("fec0::1", "not global"),
            ("ff02::1", "multicast"),
        ] {
            let judged = judged(address, &[]);
            assert!(
                judged.is_some_and(|why| why.contains(what)),
                "{address}: {judged:?}"
            );
        }
    }

    #[test]
    fn an_embedded_ipv4_address_is_judged_as_ipv4() {
        for inner in ["10.0.0.1", "127.0.0.1", "169.254.169.254", "0.0.0.0"] {
            let plain = judged(inner, &[]);
            assert!(plain.is_some());
            for outer in ["::ffff:", "64:ff9b::"] {
                assert_eq!(
                    judged(&format!("{outer}{inner}"), &[]),
                    plain,
                    "{outer}{inner}"
                );
            }
        }
    }

    #[test]
    fn a_private_address_is_accepted_if_its_network_is_listed() {
        let listed = ["10.20.0.0/16", "fd12::/32"];
        for address in [
            "10.20.0.1",
            "::ffff:10.20.0.1",
            "64:ff9b::10.20.0.1",
            "fd12::1",
        ] {
            assert_eq!(judged(address, &listed), None, "{address}");
        }
        for address in ["10.21.0.1", "192.168.0.1", "127.0.0.1", "fd13::1"] {
            assert!(judged(address, &listed).is_some(), "{address}");
        }
    }

    #[test]
    fn the_instance_metadata_service_is_refused_whatever_is_listed() {
        let everything = [
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "fc00::/7",
        ];
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "fd00:ec2::254",
        ] {
            let judged = judged(address, &everything);
            assert!(
                judged.is_some_and(|why| why.contains("metadata")),
                "{address}: {judged:?}"
            );
        }
    }
}
