//! Derived keys: computed from the deployment's derivation root and a path, with nothing stored for each (`docs/derivation.md`).
//!
//! - [`Node`]: a node of the tree of keys, hardened down to the user (BIP-32 with names), public below an account (BIP-86).
//! - [`shares`]: FROST shares dealt from a node, the same at every derivation.
//! - [`Bucket`]: what is stored: the derived keys that are disabled, or have another generation than the first.
//!
//! A path ([`permafrost_common::key_path`]) is `m/0'/users/alice`, or that of one of its Bitcoin addresses; a derived key's id says it.
//! This module only computes: it has no store and no network.

mod exceptions;
mod shares;
mod tree;
mod wallet;

pub use exceptions::{BUCKETS, Bucket, Exception, Place};
pub use shares::{PARTICIPANTS, THRESHOLD, shares};
pub use tree::{DerivationError, Node};
pub use wallet::Wallet;
