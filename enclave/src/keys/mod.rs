//! Keys: those of which the enclave holds every FROST share, and those of which it holds some.
//!
//! This module only computes: it has no clock, no randomness of its own, no store and no network.
//!
//! - [`Participants`]: the participants of a key, checked.
//! - [`HeldShares`]: the enclave's shares of a key with split custody, which come out of a ceremony.
//! - [`KeyRecord`]: everything the enclave keeps about one key. [`KeyRecord::deal`] makes one,
//!   [`KeyRecord::rotate`] refreshes its shares, [`KeyRecord::replacement`] and [`KeyRecord::replaced_by`] link a
//!   new key to it, [`KeyRecord::disabled`] and [`KeyRecord::deleted`] end it, [`KeyRecord::encode`] and [`KeyRecord::decode`] turn it into the plaintext of a sealed record.
//! - [`DerivedKey`]: a key that is computed whenever it is needed.
//! - [`Payload`]: what a key signs, checked; made from the body of `POST /v1/keys/{id}/sign`. [`KeyRecord::sign`] signs it.
//! - [`KeyRecord::view`]: what the API shows of a key.
//!
//! The ciphersuite is FROST(secp256k1, SHA-256) with the Taproot variant, so that every signature is a plain
//! BIP-340 signature. Each is verified by [`bip340`], which shares no code with the signer, before it leaves.

pub mod bip340;
mod derived;
mod encoding;
mod error;
mod held_shares;
mod hex_field;
mod id;
mod material;
pub mod nostr;
mod packages;
mod payload;
mod record;
mod replacement;
mod sign;
pub mod taproot;
mod tombstone;
mod view;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod wiped;

pub use derived::DerivedKey;
pub use encoding::RecordError;
pub use error::KeyError;
pub use held_shares::{HeldShares, WrappedShare};
pub use id::KeyId;
pub use packages::MaterialError;
pub use payload::{Payload, PayloadKind};
pub use permafrost_frost::{InvalidField, PARTICIPANTS_MAX, ParticipantName, Participants};
pub use record::{KeyRecord, NewKey};
pub use taproot::Network;

/// The `record_version` of what is said of a record that no store has given: whoever has it from there says which version it is.
pub(crate) const UNSTORED: u64 = 0;
