//! BIP-341 `wallet-test-vectors.json`.

use rand_core::OsRng;
use serde_json::Value;

use super::{array, bytes, field, json, split};
use crate::keys::{Network, bip340::PublicKey, taproot::TweakedKey};

fn optional_root(value: &Value) -> Option<[u8; 32]> {
    value.as_str().map(|root| array(bytes(root)))
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn tweak_output_key_and_address_of_every_script_pub_key() {
    let vectors = json("bip341/wallet-test-vectors.json");
    let vectors = vectors["scriptPubKey"].as_array().unwrap();
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        let intermediary = &vector["intermediary"];
        let internal = array(field(&vector["given"]["internalPubkey"]));
        let key = TweakedKey::new(
            &PublicKey::from_bytes(internal).unwrap(),
            optional_root(&intermediary["merkleRoot"]),
        )
        .unwrap();
        assert_eq!(key.tweak().to_vec(), field(&intermediary["tweak"]));
        assert_eq!(
            key.output_key().as_bytes().to_vec(),
            field(&intermediary["tweakedPubkey"])
        );
        let output = key.output(Network::Bitcoin).unwrap();
        let expected = &vector["expected"];
        assert_eq!(output.address, expected["bip350Address"].as_str().unwrap());
        assert_eq!(
            format!("5120{}", output.output_key),
            expected["scriptPubKey"].as_str().unwrap()
        );
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn every_key_path_spend_signed_by_the_split_key_verifies_under_its_output_key() {
    let vectors = json("bip341/wallet-test-vectors.json");
    let spends = vectors["keyPathSpending"][0]["inputSpending"]
        .as_array()
        .unwrap();
    assert_eq!(spends.len(), 7);
    for spend in spends {
        let intermediary = &spend["intermediary"];
        let material = split(&field(&spend["given"]["internalPrivkey"]));
        assert_eq!(
            material.public_key.as_bytes().to_vec(),
            field(&intermediary["internalPubkey"])
        );
        let key = TweakedKey::new(
            &material.public_key,
            optional_root(&spend["given"]["merkleRoot"]),
        )
        .unwrap();
        assert_eq!(key.tweak().to_vec(), field(&intermediary["tweak"]));
        let secret =
            secp256k1::Keypair::from_secret_bytes(array(field(&intermediary["tweakedPrivkey"])))
                .unwrap();
        let output = secret.x_only_public_key().0;
        assert_eq!(*key.output_key().as_bytes(), output.to_byte_array());

        let sighash = field(&intermediary["sigHash"]);
        let signature = material.sign_tweaked(&sighash, &key, &mut OsRng).unwrap();
        let signature = secp256k1::schnorr::Signature::from_byte_array(signature);
        assert!(output.verify(&sighash, &signature).is_ok());

        let witness = field(&spend["expected"]["witness"][0]);
        let published = array(witness[..64].to_vec());
        assert!(key.output_key().verify(&sighash, &published).is_ok());
    }
}

#[test]
fn the_same_output_has_another_address_on_each_network() {
    let key = PublicKey::from_bytes(array(bytes(
        "d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d",
    )))
    .unwrap();
    let key = TweakedKey::new(&key, None).unwrap();
    for (network, prefix) in [
        (Network::Bitcoin, "bc1p"),
        (Network::Testnet, "tb1p"),
        (Network::Regtest, "bcrt1p"),
    ] {
        let address = key.output(network).unwrap().address;
        assert!(address.starts_with(prefix));
        let (_, version, program) = bech32::segwit::decode(&address).unwrap();
        assert_eq!(
            (version, program.as_slice()),
            (bech32::Fe32::P, key.output_key().as_bytes().as_slice())
        );
    }
}
