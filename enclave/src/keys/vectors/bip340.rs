//! BIP-340 `test-vectors.csv`.

use rand_core::OsRng;

use super::{array, bytes, read, split};
use crate::keys::bip340::PublicKey;

struct Row {
    index: String,
    secret_key: Vec<u8>,
    public_key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
    valid: bool,
}

fn rows() -> Vec<Row> {
    let rows: Vec<Row> = read("bip340/test-vectors.csv")
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            Row {
                index: fields[0].to_owned(),
                secret_key: bytes(fields[1]),
                public_key: array(bytes(fields[2])),
                message: bytes(fields[4]),
                signature: array(bytes(fields[5])),
                valid: match fields[6] {
                    "TRUE" => true,
                    "FALSE" => false,
                    other => panic!("{other}"),
                },
            }
        })
        .collect();
    assert_eq!(rows.len(), 19);
    rows
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn the_final_verification_agrees_with_every_row() {
    for row in rows() {
        let verified = PublicKey::from_bytes(row.public_key)
            .is_ok_and(|key| key.verify(&row.message, &row.signature).is_ok());
        assert_eq!(verified, row.valid, "row {}", row.index);
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn the_secret_key_of_each_row_signs_its_message_when_split() {
    let signing: Vec<Row> = rows()
        .into_iter()
        .filter(|row| !row.secret_key.is_empty())
        .collect();
    assert_eq!(signing.len(), 8);
    for row in signing {
        let material = split(&row.secret_key);
        assert_eq!(*material.public_key.as_bytes(), row.public_key);
        let signature = material.sign(&row.message, &mut OsRng).unwrap();
        let key = secp256k1::XOnlyPublicKey::from_byte_array(row.public_key).unwrap();
        let signature = secp256k1::schnorr::Signature::from_byte_array(signature);
        assert!(
            key.verify(&row.message, &signature).is_ok(),
            "row {}",
            row.index
        );
    }
}
