//! Published test vectors, read from the fixtures folder that `build.rs` found.

mod bip340;
mod bip341;
mod frost;

use frost_secp256k1_tr::{
    SigningKey,
    keys::{self, IdentifierList, KeyPackage},
};
use rand_core::OsRng;
use serde_json::Value;

use super::{
    testing::participants,
    {material::KeyMaterial, packages::Packages},
};

fn read(path: &str) -> String {
    let path = std::path::Path::new(env!("PERMAFROST_FIXTURES_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap()
}

/// The bytes of a hex text of either case.
fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// The bytes of a JSON string of hex.
fn field(value: &Value) -> Vec<u8> {
    bytes(value.as_str().unwrap())
}

fn array<const N: usize>(bytes: Vec<u8>) -> [u8; N] {
    bytes.try_into().unwrap()
}

/// A secret key of a vector, split among 2 of 3 participants.
fn split(secret_key: &[u8]) -> KeyMaterial {
    let participants = participants(2, 3);
    let identifiers = participants.identifiers();
    let (mut shares, public) = keys::split(
        &SigningKey::deserialize(secret_key).unwrap(),
        3,
        2,
        IdentifierList::Custom(&identifiers),
        &mut OsRng,
    )
    .unwrap();
    let packages = identifiers
        .iter()
        .map(|identifier| KeyPackage::try_from(shares.remove(identifier).unwrap()).unwrap())
        .collect();
    let packages = Packages::new(&participants, public, packages).unwrap();
    KeyMaterial::of_packages(participants, packages).unwrap()
}
