//! The tree of keys: BIP-32, with names beside hardened indexes.

use aws_lc_rs::hmac::{self, HMAC_SHA512, Tag};
use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::group::GroupEncoding;
use k256::elliptic_curve::ops::MulByGenerator;
use k256::{ProjectivePoint, Scalar};
use permafrost_common::key_path::{Address, HARDENED, Path};
use zeroize::Zeroizing;

use crate::sealing::DerivationRoot;

/// The key of the HMAC that makes the master node.
const MASTER: &[u8] = b"Permafrost derivation 1";

/// Marks a child that has a name. The first byte of a hardened index is 0x80 or more, that of an encoded point 2 or 3.
const NAMED: u8 = 1;

/// A node: a private key and a chain code. Wiped when dropped.
#[derive(Clone)]
pub struct Node {
    key: Zeroizing<Scalar>,
    chain_code: Zeroizing<[u8; 32]>,
}

/// A node does not exist, which happens once in 2^127 (BIP-32).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("there is no key at this path")]
pub struct DerivationError;

impl Node {
    /// The node `m` of a deployment.
    pub fn master(root: &DerivationRoot, deployment: &str) -> Result<Self, DerivationError> {
        let length = u8::try_from(deployment.len()).map_err(|_| DerivationError)?;
        let data = Zeroizing::new([root.expose(), &[length], deployment.as_bytes()].concat());
        Self::of_tag(&Scalar::ZERO, &hmac(MASTER, &data))
    }

    /// The node whose key is that of the path; `coin` is the coin type of the network (SLIP-44).
    pub fn at(&self, path: &Path, coin: u32) -> Result<Self, DerivationError> {
        let user = self
            .hardened(path.branch().account())?
            .named(path.branch().purpose())?
            .named(path.name())?;
        match path.address() {
            None => Ok(user),
            Some(Address { chain, index }) => user.account(coin)?.public(chain)?.public(index),
        }
    }

    /// The account of a user's wallet: `86'/COIN'/0'` below the user (BIP-86).
    pub fn account(&self, coin: u32) -> Result<Self, DerivationError> {
        self.hardened(86)?.hardened(coin)?.hardened(0)
    }

    /// The child of a hardened index, given without 2^31.
    fn hardened(&self, index: u32) -> Result<Self, DerivationError> {
        self.private_child(&(index | HARDENED).to_be_bytes())
    }

    /// The child of a name of at most 255 bytes, which is hardened.
    fn named(&self, name: &str) -> Result<Self, DerivationError> {
        let length = u8::try_from(name.len()).map_err(|_| DerivationError)?;
        self.private_child(&[&[NAMED, length], name.as_bytes()].concat())
    }

    /// The child that the extended public key derives as well.
    fn public(&self, index: u32) -> Result<Self, DerivationError> {
        let data = [self.public_key().as_slice(), &index.to_be_bytes()].concat();
        Self::of_tag(&self.key, &hmac(self.chain_code.as_slice(), &data))
    }

    fn private_child(&self, element: &[u8]) -> Result<Self, DerivationError> {
        let key = Zeroizing::new(<[u8; 32]>::from(self.key.to_bytes()));
        let data = Zeroizing::new([&[0], key.as_slice(), element].concat());
        Self::of_tag(&self.key, &hmac(self.chain_code.as_slice(), &data))
    }

    fn of_tag(parent: &Scalar, tag: &Tag) -> Result<Self, DerivationError> {
        let (left, right) = tag.as_ref().split_at_checked(32).ok_or(DerivationError)?;
        let left: [u8; 32] = left.try_into().map_err(|_| DerivationError)?;
        let left = Zeroizing::new(left);
        let added: Option<Scalar> = Scalar::from_repr((*left).into()).into();
        let key = Zeroizing::new(added.ok_or(DerivationError)? + parent);
        if key.is_zero().into() {
            return Err(DerivationError);
        }
        Ok(Self {
            key,
            chain_code: Zeroizing::new(right.try_into().map_err(|_| DerivationError)?),
        })
    }

    /// The private key.
    pub(super) fn key(&self) -> &Scalar {
        &self.key
    }

    /// The chain code, 32 bytes.
    pub(crate) fn chain_code(&self) -> &[u8] {
        self.chain_code.as_slice()
    }

    /// The public key, compressed, 33 bytes.
    pub fn public_key(&self) -> [u8; 33] {
        ProjectivePoint::mul_by_generator(&*self.key)
            .to_bytes()
            .into()
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Node(redacted)")
    }
}

/// HMAC-SHA512.
pub(super) fn hmac(key: &[u8], data: &[u8]) -> Tag {
    hmac::sign(&hmac::Key::new(HMAC_SHA512, key), data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node as BIP-32 makes its master, so that the rest of BIP-32 compares.
    fn of_seed(seed: &str) -> Node {
        let tag = hmac(b"Bitcoin seed", &hex::decode(seed).unwrap());
        Node::of_tag(&Scalar::ZERO, &tag).unwrap()
    }

    fn is(node: &Node, chain_code: &str, key: &str) -> bool {
        hex::encode(node.chain_code()) == chain_code && hex::encode(node.key().to_bytes()) == key
    }

    /// Test vector 1 of BIP-32.
    #[test]
    fn hardened_and_public_children_are_those_of_bip_32() {
        let m = of_seed("000102030405060708090a0b0c0d0e0f");
        assert!(is(
            &m,
            "873dff81c02f525623fd1fe5167eac3a55a049de3d314bb42ee227ffed37d508",
            "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35"
        ));
        let account = m.hardened(0).unwrap();
        assert!(is(
            &account,
            "47fdacbd0f1097043b78c63c20c34ef4ed9a111d980047ad16282c7ae6236141",
            "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea"
        ));
        assert!(is(
            &account.public(1).unwrap(),
            "2a7857631386ba23dacac34180dd1983734e444fdbf774041578e9b6adb37c19",
            "3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368"
        ));
    }

    #[test]
    fn nodes_of_other_roots_deployments_names_and_indexes_differ() {
        let root = |byte| DerivationRoot::new(Zeroizing::new([byte; 32]));
        let m = Node::master(&root(1), "test").unwrap();
        let keys: std::collections::BTreeSet<_> = [
            m.clone(),
            Node::master(&root(2), "test").unwrap(),
            Node::master(&root(1), "test2").unwrap(),
            m.hardened(0).unwrap(),
            m.hardened(1).unwrap(),
            m.named("0").unwrap(),
            m.named("").unwrap(),
            m.public(0).unwrap(),
            m.named("a").unwrap().named("b").unwrap(),
            m.named("ab").unwrap(),
        ]
        .iter()
        .map(|node| hex::encode(node.key().to_bytes()))
        .collect();
        assert_eq!(keys.len(), 10);
    }
}
