//! The bodies of the requests and responses about derived keys.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Key;
use crate::key_path::{Address, Branch, Path, PathError};

/// The most keys that one request derives.
pub const DERIVED_MAX: usize = 100;

/// `POST /v1/keys:derive`: which keys to derive.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeriveKeys {
    /// 1 to 100 paths.
    pub paths: Vec<KeyPath>,
}

/// The path of a derived key: `m/ACCOUNT'/PURPOSE/NAME`, and perhaps of one of its addresses.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPath {
    /// 0 to 2147483647. Default: 0.
    #[serde(default)]
    pub account: u32,
    /// 1 to 32 of `a-z 0-9 -`, such as `users`.
    pub purpose: String,
    /// 1 to 255 bytes of UTF-8. Every other sequence of bytes is another key: nothing is normalised or decoded.
    pub name: String,
    /// An address of the key's wallet (BIP-86), whose key is the one to derive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<AddressPath>,
}

/// An address below the account `86'/COIN'/0'` of a derived key.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressPath {
    /// 0 for addresses to receive at, 1 for change.
    pub chain: u32,
    /// 0 to 2147483647.
    pub index: u32,
}

/// The derived keys, in the order of the request.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct DerivedKeys {
    /// One key for each path.
    pub keys: Vec<Key>,
}

/// `GET /v1/keys/{id}/wallet`: what a watch-only wallet takes to find the addresses of a derived key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Wallet {
    /// The key's id.
    pub key_id: String,
    /// The extended public key of the account (BIP-32, BIP-86), as of a master key: `xpub...`, or `tpub...` on test networks.
    pub extended_public_key: String,
    /// The output descriptor of the addresses to receive at (BIP-380, BIP-386): `tr(xpub.../0/*)#checksum`.
    pub receive: String,
    /// The output descriptor of the addresses for change.
    pub change: String,
}

impl KeyPath {
    /// The path, checked.
    ///
    /// # Errors
    /// The part that is not in its range.
    pub fn parse(&self) -> Result<Path, PathError> {
        let branch = Branch::new(self.account, &self.purpose)?;
        let address = self
            .address
            .map(|AddressPath { chain, index }| Address { chain, index });
        Path::new(branch, &self.name, address)
    }
}
