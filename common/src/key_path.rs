//! The path of a derived key, and the key id that says it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What the ids of derived keys begin with: the version of the derivation.
const PREFIX: &str = "d1.";

/// The first hardened index (BIP-32).
pub const HARDENED: u32 = 1 << 31;

/// The path of a derived key: `m/ACCOUNT'/PURPOSE/NAME`, and perhaps of one of its addresses.
///
/// Two paths are the same exactly if they are so byte by byte: names are neither normalised nor decoded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Path {
    branch: Branch,
    name: String,
    address: Option<Address>,
}

/// The beginning of a path, which policies name: `m/ACCOUNT'/PURPOSE`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Branch {
    /// 0 to 2^31 - 1.
    account: u32,
    /// 1 to 32 of `a-z 0-9 -`.
    purpose: String,
}

/// An address of a derived key's wallet (BIP-86).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Address {
    /// 0 for addresses to receive at, 1 for change.
    pub chain: u32,
    /// Which of them: 0 to 2^31 - 1.
    pub index: u32,
}

/// A part of a path is not in its range.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{part}: {came}; accepted: {accepted}")]
pub struct PathError {
    /// `account`, `purpose`, `name`, `chain` or `index`.
    pub part: &'static str,
    /// What came.
    pub came: String,
    /// What is accepted.
    pub accepted: &'static str,
}

impl Branch {
    /// # Errors
    /// The part that is not in its range.
    pub fn new(account: u32, purpose: &str) -> Result<Self, PathError> {
        if account >= HARDENED {
            return Err(refused("account", account, "0 to 2147483647"));
        }
        let is_purpose = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=32).contains(&purpose.len()) || !purpose.bytes().all(is_purpose) {
            return Err(refused(
                "purpose",
                format!("{purpose:?}"),
                "1 to 32 of a-z 0-9 -",
            ));
        }
        let purpose = purpose.to_owned();
        Ok(Self { account, purpose })
    }

    /// The branch of a text such as `m/0'/users`; there is one text for each.
    pub fn parse(text: &str) -> Option<Self> {
        let (account, purpose) = text.strip_prefix("m/")?.split_once("'/")?;
        let branch = Self::new(account.parse().ok()?, purpose).ok()?;
        (branch.to_string() == text).then_some(branch)
    }

    /// The hardened index below the master node.
    pub fn account(&self) -> u32 {
        self.account
    }

    /// The name below the account.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }
}

impl Path {
    /// # Errors
    /// The part that is not in its range: a name has 1 to 255 bytes of UTF-8, an address a `chain` of 0 or 1 and an `index` below 2^31.
    pub fn new(branch: Branch, name: &str, address: Option<Address>) -> Result<Self, PathError> {
        if !(1..=255).contains(&name.len()) {
            let came = format!("{} bytes", name.len());
            return Err(refused("name", came, "1 to 255 bytes of UTF-8"));
        }
        if let Some(Address { chain, index }) = address {
            if chain > 1 {
                return Err(refused("chain", chain, "0 to receive, 1 for change"));
            }
            if index >= HARDENED {
                return Err(refused("index", index, "0 to 2147483647"));
            }
        }
        let name = name.to_owned();
        Ok(Self {
            branch,
            name,
            address,
        })
    }

    /// The path that a key id says; `None` if it is not the id of a derived key. A path has one id, and an id one path.
    pub fn of_key_id(id: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(id.strip_prefix(PREFIX)?).ok()?;
        let (account, rest) = bytes.split_first_chunk()?;
        let (purpose, rest) = text(rest)?;
        let (name, rest) = text(rest)?;
        let address = match rest {
            [] => None,
            [chain, index @ ..] => Some(Address {
                chain: u32::from(*chain),
                index: u32::from_be_bytes(index.try_into().ok()?),
            }),
        };
        let branch = Branch::new(u32::from_be_bytes(*account), purpose).ok()?;
        let path = Self::new(branch, name, address).ok()?;
        (path.key_id() == id).then_some(path)
    }

    /// The id of the path's key: `d1.` and the path's bytes in base64url without padding.
    pub fn key_id(&self) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.to_bytes()))
    }

    /// Account (4 bytes, big-endian), then purpose and name, each after its length (1 byte); for an address chain (1 byte) and index (4
    /// bytes, big-endian).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.branch.account.to_be_bytes().to_vec();
        for text in [&self.branch.purpose, &self.name] {
            bytes.extend(u8::try_from(text.len()));
            bytes.extend(text.as_bytes());
        }
        if let Some(Address { chain, index }) = self.address {
            bytes.extend(u8::try_from(chain));
            bytes.extend(index.to_be_bytes());
        }
        bytes
    }

    /// The part that policies name.
    pub fn branch(&self) -> &Branch {
        &self.branch
    }

    /// The user, or what else the key is for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address, if the key is that of one.
    pub fn address(&self) -> Option<Address> {
        self.address
    }

    /// The same path without the address.
    pub fn without_address(&self) -> Self {
        Self {
            address: None,
            ..self.clone()
        }
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m/{}'/{}", self.account, self.purpose)
    }
}

/// For people: bytes of the name other than `A-Z a-z 0-9 - . _ ~` are percent-encoded, so that no two paths look alike.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.branch)?;
        for byte in self.name.bytes() {
            match byte {
                b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => {
                    write!(f, "{}", char::from(b))?;
                }
                b => write!(f, "%{b:02X}")?,
            }
        }
        match self.address {
            Some(Address { chain, index }) => write!(f, "/86'/{chain}/{index}"),
            None => Ok(()),
        }
    }
}

/// A text after its length, and what follows.
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

fn refused(part: &'static str, came: impl ToString, accepted: &'static str) -> PathError {
    PathError {
        part,
        came: came.to_string(),
        accepted,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn users() -> Branch {
        Branch::parse("m/0'/users").unwrap()
    }

    fn path(name: &str) -> Path {
        Path::new(users(), name, None).unwrap()
    }

    #[test]
    fn names_that_look_alike_are_other_paths_with_other_ids_and_texts() {
        let names = [
            "a/b",
            "a%2Fb",
            "a%2fb",
            "a%252Fb",
            "a",
            "A",
            "a ",
            "\u{e9}",
            "e\u{301}",
            "\u{430}",
            "a\0",
            "0'",
            "86'",
            "..",
            "\u{212b}",
            "\u{c5}",
            "\u{200b}a",
        ];
        let ids: std::collections::BTreeSet<_> =
            names.iter().map(|name| path(name).key_id()).collect();
        let texts: std::collections::BTreeSet<_> =
            names.iter().map(|name| path(name).to_string()).collect();
        assert_eq!((ids.len(), texts.len()), (names.len(), names.len()));
        assert_eq!(path("a/b").to_string(), "m/0'/users/a%2Fb");
        assert_eq!(path("a%2Fb").to_string(), "m/0'/users/a%252Fb");
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_name() {
        let long = "n".repeat(256);
        let address = |chain, index| Some(Address { chain, index });
        for (part, refused) in [
            ("account", Branch::new(1 << 31, "users").err()),
            ("purpose", Branch::new(0, "").err()),
            ("purpose", Branch::new(0, "Users").err()),
            ("purpose", Branch::new(0, "a/b").err()),
            ("purpose", Branch::new(0, &"p".repeat(33)).err()),
            ("name", Path::new(users(), "", None).err()),
            ("name", Path::new(users(), &long, None).err()),
            ("chain", Path::new(users(), "a", address(2, 0)).err()),
            ("index", Path::new(users(), "a", address(0, 1 << 31)).err()),
        ] {
            assert_eq!(refused.map(|error| error.part), Some(part));
        }
    }

    #[test]
    fn a_branch_has_one_text() {
        assert_eq!(users().to_string(), "m/0'/users");
        for text in [
            "",
            "m",
            "0'/users",
            "m/0/users",
            "m/00'/users",
            "m/+0'/users",
            "m/0'/users/",
            "m/0'/",
            "m/2147483648'/users",
            "m/0h/users",
        ] {
            assert_eq!(Branch::parse(text), None, "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_ids() {
        let id = path("alice").key_id();
        for text in [
            String::new(),
            "d1.".to_owned(),
            id.replace("d1", "d2"),
            format!("{id}A"),
            format!("{id}="),
            id.to_uppercase(),
            "0".repeat(44),
        ] {
            assert_eq!(Path::of_key_id(&text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_path_has_one_id_and_an_id_one_path(
            account in 0..HARDENED, purpose in "[a-z0-9-]{1,32}", name in "\\PC{1,60}", address in proptest::option::of((0..2u32, 0..HARDENED)),
        ) {
            let branch = Branch::new(account, &purpose).unwrap();
            let address = address.map(|(chain, index)| Address { chain, index });
            let path = Path::new(branch, &name, address).unwrap();
            prop_assert_eq!(Path::of_key_id(&path.key_id()), Some(path));
        }

        #[test]
        fn any_bytes_are_the_path_of_at_most_one_id(bytes: Vec<u8>) {
            let id = format!("d1.{}", URL_SAFE_NO_PAD.encode(&bytes));
            if let Some(path) = Path::of_key_id(&id) {
                prop_assert_eq!(path.to_bytes(), bytes);
            }
        }
    }
}
