//! A key as a Taproot output (BIP-341, BIP-350).

use bech32::{hrp, segwit};
use k256::{
    ProjectivePoint, Scalar,
    elliptic_curve::{
        PrimeField, group::prime::PrimeCurveAffine, ops::MulByGenerator, point::AffineCoordinates,
    },
};
use permafrost_common::api::TaprootOutput;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{KeyError, bip340::PublicKey};

/// The network of an address.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// The main network: `bc1p...`.
    #[default]
    Bitcoin,
    /// A test network: `tb1p...`.
    Testnet,
    /// Signet: `tb1p...`.
    Signet,
    /// A private network for development: `bcrt1p...`.
    Regtest,
}

impl Network {
    /// The coin type in a BIP-86 path (SLIP-44).
    pub(crate) fn coin_type(self) -> u32 {
        match self {
            Self::Bitcoin => 0,
            Self::Testnet | Self::Signet | Self::Regtest => 1,
        }
    }
}

/// An internal key with its BIP-341 tweak.
#[derive(Clone, Debug)]
pub struct TweakedKey {
    pub(super) merkle_root: Option<[u8; 32]>,
    /// hash_TapTweak as a scalar.
    pub(super) tweak: Scalar,
    /// The output point before its y coordinate is made even.
    pub(super) point: ProjectivePoint,
    output_key: PublicKey,
}

impl TweakedKey {
    /// Tweaks an internal key with the Merkle root of the output's script tree, if it has one.
    ///
    /// # Errors
    ///
    /// [`KeyError::Tweak`] if BIP-341 fails: the hash is not below the curve's order, or the output would be the point at infinity. No
    /// known input causes either.
    pub fn new(internal: &PublicKey, merkle_root: Option<[u8; 32]>) -> Result<Self, KeyError> {
        let hash = tagged_hash(
            "TapTweak",
            &[
                internal.as_bytes(),
                merkle_root.as_ref().map_or(&[], <[u8; 32]>::as_slice),
            ],
        );
        let tweak: Scalar = Option::from(Scalar::from_repr(hash.into())).ok_or(KeyError::Tweak)?;
        let point = internal.to_point() + ProjectivePoint::mul_by_generator(&tweak);
        let affine = point.to_affine();
        if affine.is_identity().into() {
            return Err(KeyError::Tweak);
        }
        let output_key = PublicKey::from_bytes(affine.x().into()).map_err(|_| KeyError::Tweak)?;
        Ok(Self {
            merkle_root,
            tweak,
            point,
            output_key,
        })
    }

    /// The tweak hash_TapTweak(internal key, Merkle root), 32 bytes.
    pub fn tweak(&self) -> [u8; 32] {
        self.tweak.to_bytes().into()
    }

    /// The output key.
    pub fn output_key(&self) -> &PublicKey {
        &self.output_key
    }

    /// The output as the API shows it.
    ///
    /// # Errors
    ///
    /// [`KeyError::Bech32`], which 32 bytes never cause.
    pub fn output(&self, network: Network) -> Result<TaprootOutput, KeyError> {
        Ok(TaprootOutput {
            output_key: hex::encode(self.output_key.as_bytes()),
            address: address(&self.output_key, network)?,
        })
    }
}

/// The bech32m address of an output key (BIP-350): witness version 1 and its 32 bytes.
fn address(output_key: &PublicKey, network: Network) -> Result<String, KeyError> {
    let hrp = match network {
        Network::Bitcoin => hrp::BC,
        Network::Testnet | Network::Signet => hrp::TB,
        Network::Regtest => hrp::BCRT,
    };
    segwit::encode_v1(hrp, output_key.as_bytes()).map_err(|_| KeyError::Bech32)
}

/// hash_tag of BIP-340: SHA-256 of SHA-256(tag) twice and the parts.
fn tagged_hash(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let tag = Sha256::digest(tag);
    let hash = Sha256::new().chain_update(tag).chain_update(tag);
    parts
        .iter()
        .fold(hash, |hash, part| hash.chain_update(part))
        .finalize()
        .into()
}
