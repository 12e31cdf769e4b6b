//! FROST(secp256k1, SHA-256) with Taproot: signing, distributed key generation and share repair.

use std::collections::BTreeMap;

use frost_core::{
    compute_binding_factor_list,
    keys::{
        CoefficientCommitment, VerifiableSecretSharingCommitment,
        dkg::{round1, round2},
        repairable::{Delta, Sigma},
    },
    round1::Nonce,
};
use frost_secp256k1_tr::{
    Identifier, Secp256K1Sha256TR, Signature, SigningPackage, VerifyingKey, aggregate,
    keys::{
        KeyPackage, PublicKeyPackage, SigningShare, VerifyingShare, dkg,
        repairable::{repair_share_part1, repair_share_part2, repair_share_part3},
    },
    round1::{NonceCommitment, SigningCommitments, SigningNonces},
    round2::{SignatureShare, sign},
};
use k256::{ProjectivePoint, Scalar, elliptic_curve::PrimeField};
use rand_core::{CryptoRng, OsRng, RngCore};
use serde_json::Value;

use super::{array, field, json};
use crate::keys::{Participants, material::KeyMaterial, packages::Packages, testing::record};

type C = Secp256K1Sha256TR;

fn identifier(value: &Value) -> Identifier {
    Identifier::try_from(u16::try_from(value.as_u64().unwrap()).unwrap()).unwrap()
}

fn scalar(value: &Value) -> Scalar {
    Scalar::from_repr(array(field(value)).into()).unwrap()
}

fn signing_share(value: &Value) -> SigningShare {
    SigningShare::deserialize(&field(value)).unwrap()
}

/// The random bytes of a vector, in the order in which the protocol draws them.
struct Replayed(Vec<u8>);

impl RngCore for Replayed {
    fn next_u32(&mut self) -> u32 {
        unreachable!("the protocol draws bytes")
    }

    fn next_u64(&mut self) -> u64 {
        unreachable!("the protocol draws bytes")
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        let rest = self.0.split_off(bytes.len());
        bytes.copy_from_slice(&self.0);
        self.0 = rest;
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Replayed {}

/// `secp256k1-tr-sign.json`: the key of the vector, its signers first.
fn signing_key(vector: &Value) -> KeyMaterial {
    let inputs = &vector["inputs"];
    let verifying_key = VerifyingKey::deserialize(&field(&inputs["verifying_key_key"])).unwrap();
    let signers = inputs["participant_list"].as_array().unwrap();
    let mut shares: Vec<&Value> = inputs["participant_shares"]
        .as_array()
        .unwrap()
        .iter()
        .collect();
    shares.sort_by_key(|share| !signers.contains(&share["identifier"]));
    let packages: Vec<KeyPackage> = shares
        .iter()
        .map(|share| {
            let signing_share = signing_share(&share["participant_share"]);
            KeyPackage::new(
                identifier(&share["identifier"]),
                signing_share,
                VerifyingShare::from(signing_share),
                verifying_key,
                2,
            )
        })
        .collect();
    let identifiers: Vec<Identifier> = packages.iter().map(|p| *p.identifier()).collect();
    let verifying_shares = packages
        .iter()
        .map(|package| (*package.identifier(), *package.verifying_share()))
        .collect();
    let participants = Participants::with_identifiers(2, &identifiers);
    let public = PublicKeyPackage::new(verifying_shares, verifying_key, Some(2));
    let packages = Packages::new(&participants, public, packages).unwrap();
    KeyMaterial::of_packages(participants, packages).unwrap()
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn the_shares_of_the_signing_vector_are_on_its_polynomial() {
    let vector = json("frost/secp256k1-tr-sign.json");
    let inputs = &vector["inputs"];
    let secret = scalar(&inputs["group_secret_key"]);
    let coefficient = scalar(&inputs["share_polynomial_coefficients"][0]);
    for share in inputs["participant_shares"].as_array().unwrap() {
        let at = Scalar::from(share["identifier"].as_u64().unwrap());
        assert_eq!(
            secret + coefficient * at,
            scalar(&share["participant_share"])
        );
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn every_intermediate_of_the_signing_vector() {
    let vector = json("frost/secp256k1-tr-sign.json");
    let material = signing_key(&vector);
    let message = field(&vector["inputs"]["message"]);
    let outputs = vector["round_one_outputs"]["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 2);

    let mut nonces = BTreeMap::new();
    let mut commitments = BTreeMap::new();
    for (output, signer) in outputs.iter().zip(&material.packages().unwrap().keys) {
        assert_eq!(identifier(&output["identifier"]), *signer.identifier());
        let drawn = |name: &str| {
            Nonce::<C>::new(signer.signing_share(), &mut Replayed(field(&output[name])))
        };
        let (hiding, binding) = (
            drawn("hiding_nonce_randomness"),
            drawn("binding_nonce_randomness"),
        );
        assert_eq!(hiding.serialize(), field(&output["hiding_nonce"]));
        assert_eq!(binding.serialize(), field(&output["binding_nonce"]));
        let commitment = SigningCommitments::new((&hiding).into(), (&binding).into());
        let published = |name: &str| NonceCommitment::deserialize(&field(&output[name])).unwrap();
        assert_eq!(*commitment.hiding(), published("hiding_nonce_commitment"));
        assert_eq!(*commitment.binding(), published("binding_nonce_commitment"));
        commitments.insert(*signer.identifier(), commitment);
        nonces.insert(
            *signer.identifier(),
            SigningNonces::from_nonces(hiding, binding),
        );
    }

    let package = SigningPackage::new(commitments, &message);
    let key = &material.group;
    let inputs: BTreeMap<_, _> = package
        .binding_factor_preimages(key, &[])
        .unwrap()
        .into_iter()
        .collect();
    let factors = compute_binding_factor_list(&package, key, &[]).unwrap();
    for output in outputs {
        let identifier = identifier(&output["identifier"]);
        assert_eq!(inputs[&identifier], field(&output["binding_factor_input"]));
        assert_eq!(
            factors.get(&identifier).unwrap().serialize(),
            field(&output["binding_factor"])
        );
    }

    let mut shares = BTreeMap::new();
    let outputs = vector["round_two_outputs"]["outputs"].as_array().unwrap();
    for (output, signer) in outputs.iter().zip(&material.packages().unwrap().keys) {
        let share = sign(&package, &nonces[signer.identifier()], signer).unwrap();
        assert_eq!(
            share,
            SignatureShare::deserialize(&field(&output["sig_share"])).unwrap()
        );
        shares.insert(*signer.identifier(), share);
    }
    let signature = aggregate(&package, &shares, &material.public().unwrap()).unwrap();
    assert_eq!(
        signature.serialize().unwrap(),
        field(&vector["final_output"]["sig"])
    );
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn the_enclaves_own_signing_gives_the_signature_of_the_vector() {
    let vector = json("frost/secp256k1-tr-sign.json");
    let randomness = vector["round_one_outputs"]["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|output| {
            ["hiding_nonce_randomness", "binding_nonce_randomness"].map(|n| field(&output[n]))
        })
        .flatten()
        .collect();
    let signature = signing_key(&vector)
        .sign(
            &field(&vector["inputs"]["message"]),
            &mut Replayed(randomness),
        )
        .unwrap();
    assert_eq!(signature.to_vec(), field(&vector["final_output"]["sig"]));
}

/// `secp256k1-tr-dkg.json`: what a participant broadcasts in round 1.
fn round1_package(participant: &Value) -> round1::Package<C> {
    let commitment = participant["vss_commitments"]
        .as_array()
        .unwrap()
        .iter()
        .map(field);
    round1::Package::new(
        VerifiableSecretSharingCommitment::deserialize(commitment).unwrap(),
        Signature::deserialize(&field(&participant["proof_of_knowledge"])).unwrap(),
    )
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn every_participant_of_the_dkg_vector_ends_with_its_key_package() {
    let vector = json("frost/secp256k1-tr-dkg.json");
    let inputs = &vector["inputs"];
    let verifying_key = VerifyingKey::deserialize(&field(&inputs["verifying_key"])).unwrap();
    let participants = ["1", "2", "3"].map(|number| (number, &inputs[number]));
    let public = PublicKeyPackage::new(
        participants
            .iter()
            .map(|(_, p)| {
                let share = VerifyingShare::deserialize(&field(&p["verifying_share"])).unwrap();
                (identifier(&p["identifier"]), share)
            })
            .collect(),
        verifying_key,
        Some(2),
    );

    for (number, participant) in &participants {
        let own = identifier(&participant["identifier"]);
        let others = || participants.iter().filter(|(other, _)| other != number);
        let coefficients = ["signing_key", "coefficient"].map(|name| scalar(&participant[name]));
        let commitment = coefficients
            .iter()
            .map(|c| CoefficientCommitment::<C>::new(ProjectivePoint::GENERATOR * c))
            .collect();
        let commitment = VerifiableSecretSharingCommitment::new(commitment);
        assert_eq!(commitment, *round1_package(participant).commitment());

        let round1_packages: BTreeMap<_, _> = others()
            .map(|(_, other)| (identifier(&other["identifier"]), round1_package(other)))
            .collect();
        let secret = round1::SecretPackage::new(own, coefficients.to_vec(), commitment, 2, 3);
        let (secret, _) = dkg::part2(secret, &round1_packages).unwrap();
        let round2_packages = others()
            .map(|(name, other)| {
                let share = signing_share(&participant["signing_shares"][name]);
                (
                    identifier(&other["identifier"]),
                    round2::Package::new(share),
                )
            })
            .collect();
        let (package, group) = dkg::part3(&secret, &round1_packages, &round2_packages).unwrap();

        let share = signing_share(&participant["signing_share"]);
        let expected = KeyPackage::new(own, share, share.into(), verifying_key, 2);
        assert_eq!(package, expected);
        assert_eq!(group, public);
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn the_sums_of_the_repair_vector() {
    let vector = json("frost/secp256k1-tr-repair.json");
    let values = &vector["scalar_generation"];
    let deltas = [1, 2, 3]
        .map(|i| Delta::deserialize(&field(&values[format!("random_scalar_{i}")])).unwrap());
    let sum = repair_share_part2(&deltas).serialize();
    assert_eq!(sum, field(&values["random_scalar_sum"]));

    let values = &vector["sigma_generation"];
    let sigmas =
        [1, 2, 3, 4].map(|i| Sigma::deserialize(&field(&values[format!("sigma_{i}")])).unwrap());
    let packages = record(3, 5).packages().clone();
    let lost = *packages.keys[1].identifier();
    let repaired = repair_share_part3(&sigmas, lost, &packages.public).unwrap();
    assert_eq!(
        repaired.signing_share().serialize(),
        field(&values["sigma_sum"])
    );
}

#[test]
fn a_lost_share_is_repaired_by_a_threshold_of_the_others() {
    let packages = record(3, 5).packages().clone();
    let lost = &packages.keys[1];
    let helpers = [0, 3, 4].map(|index| &packages.keys[index]);
    let identifiers = helpers.map(|helper| *helper.identifier());
    let deltas = helpers.map(|helper| {
        repair_share_part1::<C, _>(&identifiers, helper, &mut OsRng, *lost.identifier()).unwrap()
    });
    let sigmas =
        identifiers.map(|helper| repair_share_part2(&deltas.each_ref().map(|from| from[&helper])));
    let repaired = repair_share_part3(&sigmas, *lost.identifier(), &packages.public).unwrap();
    assert_eq!(repaired, *lost);
}
