//! The wallet of a derived key: what a watch-only wallet takes to find its addresses.

use sha2::{Digest, Sha256};

use super::tree::{DerivationError, Node};

/// The public half of a user's account (BIP-86).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wallet {
    /// The extended public key of the account, written as a master key's (BIP-32): 111 characters, `xpub...` or `tpub...`.
    pub extended_public_key: String,
}

impl Wallet {
    /// The wallet of a user's node; `coin` is the coin type of the network (SLIP-44): 0 of the main network, 1 of the others.
    pub fn of(user: &Node, coin: u32) -> Result<Self, DerivationError> {
        let account = user.account(coin)?;
        let version: [u8; 4] = match coin {
            0 => [0x04, 0x88, 0xb2, 0x1e],
            _ => [0x04, 0x35, 0x87, 0xcf],
        };
        let mut bytes = version.to_vec();
        // Depth, parent's fingerprint and child number of a master key: no one derives from above it.
        bytes.extend([0; 9]);
        bytes.extend(account.chain_code());
        bytes.extend(account.public_key());
        Ok(Self {
            extended_public_key: base58check(bytes),
        })
    }

    /// The output descriptor of a chain (BIP-386), 0 for addresses to receive at and 1 for change, with its checksum (BIP-380).
    pub fn descriptor(&self, chain: u32) -> String {
        let text = format!("tr({}/{chain}/*)", self.extended_public_key);
        let checksum = descriptor_checksum(&text);
        format!("{text}#{checksum}")
    }
}

fn base58check(mut bytes: Vec<u8>) -> String {
    const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let checksum = Sha256::digest(Sha256::digest(&bytes));
    bytes.extend(checksum.iter().take(4));
    let mut digits: Vec<u32> = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    let digit = |digit: &u32| DIGITS.get(*digit as usize).copied().map(char::from);
    digits.iter().rev().filter_map(digit).collect()
}

/// The checksum of an output descriptor (BIP-380), 8 characters.
fn descriptor_checksum(text: &str) -> String {
    const INPUT: &str = "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
    const OUTPUT: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u64; 5] = [
        0xf5_dee5_1989,
        0xa9_fdca_3312,
        0x1b_ab10_e32d,
        0x37_06b1_677a,
        0x64_4d62_6ffd,
    ];
    let step = |sum: u64, value: u64| {
        let top = sum >> 35;
        let base = (sum & 0x7_ffff_ffff) << 5 ^ value;
        (0..)
            .zip(GENERATOR)
            .filter(|(bit, _)| top >> bit & 1 == 1)
            .fold(base, |sum, (_, term)| sum ^ term)
    };
    let mut sum = 1;
    let mut groups = Vec::new();
    for position in text.chars().filter_map(|c| INPUT.find(c)) {
        let position = position as u64;
        sum = step(sum, position & 31);
        groups.push(position >> 5);
        if let [a, b, c] = groups[..] {
            sum = step(sum, a * 9 + b * 3 + c);
            groups.clear();
        }
    }
    match groups[..] {
        [a] => sum = step(sum, a),
        [a, b] => sum = step(sum, a * 3 + b),
        _ => {}
    }
    sum = (0..8).fold(sum, |sum, _| step(sum, 0)) ^ 1;
    let character = |n: u32| OUTPUT.get((sum >> (5 * (7 - n)) & 31) as usize).copied();
    (0..8).filter_map(character).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vector of BIP-380.
    #[test]
    fn a_descriptors_checksum_is_that_of_bip_380() {
        assert_eq!(descriptor_checksum("raw(deadbeef)"), "89f8spxm");
    }

    /// The master key of test vector 1 of BIP-32.
    #[test]
    fn an_extended_key_is_written_as_in_bip_32() {
        let bytes = hex::decode(
            "0488b21e000000000000000000873dff81c02f525623fd1fe5167eac3a55a049de3d314bb42ee227ffed37d5080339a36013301597daef41fbe593a02cc513d0b55527ec2df1050e2e8ff49c85c2",
        );
        assert_eq!(
            base58check(bytes.unwrap()),
            "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8"
        );
    }
}
