//! A client that shares no code with the enclave's protocol: the bare `frost-secp256k1-tr` crate, `k256`, SHA-256, CBOR and JSON, by what
//! docs/split.md says.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use ciborium::Value as Cbor;
use frost_secp256k1_tr::{
    Identifier, SigningPackage,
    keys::{SigningShare, VerifiableSecretSharingCommitment, dkg},
    round1, round2,
};
use k256::{
    ProjectivePoint, Scalar, U256,
    elliptic_curve::{PrimeField, group::GroupEncoding, ops::Reduce},
    schnorr,
};
use permafrost_tests::{HonestStack, MESSAGE, Measured};
use rand_core::OsRng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::steps::post;

#[tokio::test]
async fn a_client_on_the_bare_frost_crate_makes_a_key_with_the_enclave_and_signs() {
    let stack = HonestStack::start(Measured::new("test"));
    let service = stack.principal("alice").await;
    let host = schnorr::SigningKey::random(&mut OsRng);
    let (own, other) = (derived("alice"), derived("server"));

    // The parameters.
    let body = json!({"threshold": 2, "participants": [
        {"name": "alice", "public_key": hex::encode(host.verifying_key().to_bytes())},
        {"name": "server"},
    ]});
    let begun: Value = post(&service, "/v1/ceremonies", &body).await.unwrap();
    let parameters = &begun["parameters"];
    let context = digest(
        "parameters",
        vec![
            bytes(&parameters["id"]),
            text("generate"),
            text("test"),
            bytes(&parameters["key_id"]),
            1.into(),
            2.into(),
            Cbor::Array(vec![
                Cbor::Array(vec![
                    text("alice"),
                    Cbor::Bytes(host.verifying_key().to_bytes().to_vec()),
                ]),
                Cbor::Array(vec![text("server"), Cbor::Null]),
            ]),
            bytes(&parameters["boot"]),
            Cbor::Null,
            Cbor::Array(Vec::new()),
            parameters["expires_at"].as_u64().unwrap().into(),
        ],
    );

    // Round 1.
    let (secret, package) = dkg::part1(own, 2, 2, OsRng).unwrap();
    let points = package.commitment().serialize().unwrap();
    let proof = package.proof_of_knowledge().serialize().unwrap();
    let encryption = *k256::NonZeroScalar::random(&mut OsRng);
    let encryption_key = (ProjectivePoint::GENERATOR * encryption)
        .to_bytes()
        .to_vec();
    let unproved = digest(
        "commitments",
        vec![
            Cbor::Bytes(context.to_vec()),
            text("alice"),
            Cbor::Array(
                points
                    .iter()
                    .map(|point| Cbor::Bytes(point.clone()))
                    .collect(),
            ),
            Cbor::Bytes(proof.clone()),
            Cbor::Bytes(encryption_key.clone()),
        ],
    );
    let constant = constant_term(&secret);
    let possession = sign(&constant, &unproved);
    let signed = digest(
        "signed",
        vec![
            Cbor::Bytes(unproved.to_vec()),
            Cbor::Bytes(possession.to_vec()),
        ],
    );
    let signature = sign(&host, &signed);
    let commitments = json!({
        "type": "commitments",
        "participant": "alice",
        "commitments": points.iter().map(hex::encode).collect::<Vec<_>>(),
        "proof_of_knowledge": hex::encode(&proof),
        "encryption_key": hex::encode(&encryption_key),
        "possession": hex::encode(possession),
        "signature": hex::encode(signature),
    });
    let path = format!("/v1/ceremonies/{}", parameters["id"].as_str().unwrap());
    let both: Value = post(&service, &path, &json!({"messages": [commitments]}))
        .await
        .unwrap();
    let theirs = message(&both, "commitments");
    let their_points: Vec<Vec<u8>> = array(&theirs["commitments"]);
    let their_unproved = digest(
        "commitments",
        vec![
            Cbor::Bytes(context.to_vec()),
            text("server"),
            Cbor::Array(
                their_points
                    .iter()
                    .map(|point| Cbor::Bytes(point.clone()))
                    .collect(),
            ),
            bytes(&theirs["proof_of_knowledge"]),
            bytes(&theirs["encryption_key"]),
        ],
    );
    let their_signed = digest(
        "signed",
        vec![
            Cbor::Bytes(their_unproved.to_vec()),
            bytes(&theirs["possession"]),
        ],
    );
    let all_commitments = digest(
        "all-commitments",
        vec![
            Cbor::Array(vec![
                Cbor::Bytes(signed.to_vec()),
                Cbor::Bytes(signature.to_vec()),
            ]),
            Cbor::Array(vec![Cbor::Bytes(their_signed.to_vec()), Cbor::Null]),
        ],
    );

    // Round 2.
    let their_package = dkg::round1::Package::new(
        VerifiableSecretSharingCommitment::deserialize(&their_points).unwrap(),
        frost_secp256k1_tr::Signature::deserialize(&decoded(&theirs["proof_of_knowledge"]))
            .unwrap(),
    );
    let received = BTreeMap::from([(other, their_package)]);
    let (second, for_others) = dkg::part2(secret, &received).unwrap();
    let their_key = k256::PublicKey::from_sec1_bytes(&decoded(&theirs["encryption_key"])).unwrap();
    let shared = their_key.to_projective() * encryption;
    let pad = |from: &str, to: &str| {
        let hash = digest(
            "pad",
            vec![
                Cbor::Bytes(all_commitments.to_vec()),
                text(from),
                text(to),
                Cbor::Bytes(shared.to_bytes().to_vec()),
            ],
        );
        <Scalar as Reduce<U256>>::reduce_bytes(&hash.into())
    };
    let hidden = for_others[&other].signing_share().to_scalar() + pad("alice", "server");
    let shares_digest = |from: &str, to: &str, share: Vec<u8>| {
        let share = Cbor::Array(vec![text(to), Cbor::Bytes(share)]);
        digest(
            "shares",
            vec![
                Cbor::Bytes(all_commitments.to_vec()),
                text(from),
                Cbor::Array(vec![share]),
            ],
        )
    };
    let own_shares = shares_digest("alice", "server", hidden.to_bytes().to_vec());
    let own_shares_signature = sign(&host, &own_shares);
    let shares = json!({
        "type": "shares",
        "participant": "alice",
        "shares": {"server": hex::encode(hidden.to_bytes())},
        "signature": hex::encode(own_shares_signature),
    });
    let their_share = decoded(&message(&both, "shares")["shares"]["alice"]);
    let their_shares = shares_digest("server", "alice", their_share.clone());
    let theirs = <[u8; 32]>::try_from(their_share).unwrap();
    let theirs: Scalar = Option::from(Scalar::from_repr(theirs.into())).unwrap();
    let share = SigningShare::new(theirs - pad("server", "alice"));
    let packages = BTreeMap::from([(other, dkg::round2::Package::new(share))]);
    let (key_package, public) = dkg::part3(&second, &received, &packages).unwrap();

    // The result.
    let transcript = digest(
        "transcript",
        vec![
            Cbor::Bytes(all_commitments.to_vec()),
            Cbor::Array(vec![
                Cbor::Bytes(own_shares.to_vec()),
                Cbor::Bytes(own_shares_signature.to_vec()),
            ]),
            Cbor::Array(vec![Cbor::Bytes(their_shares.to_vec()), Cbor::Null]),
        ],
    );
    let group = public.verifying_key().serialize().unwrap()[1..].to_vec();
    let verifying =
        [own, other].map(|id| Cbor::Bytes(public.verifying_shares()[&id].serialize().unwrap()));
    let outcome = digest(
        "outcome",
        vec![
            Cbor::Bytes(context.to_vec()),
            Cbor::Bytes(group.clone()),
            Cbor::Array(verifying.to_vec()),
            Cbor::Bytes(transcript.to_vec()),
        ],
    );
    let confirmation = json!({
        "type": "confirmation",
        "participant": "alice",
        "signature": hex::encode(sign(&host, &outcome)),
    });
    let done: Value = post(
        &service,
        &path,
        &json!({"messages": [shares, confirmation]}),
    )
    .await
    .unwrap();
    assert_eq!(
        done["certificate"]["outcome"]["group_public_key"],
        hex::encode(&group)
    );
    assert_eq!(
        done["certificate"]["outcome"]["transcript"],
        hex::encode(transcript)
    );

    let boot_key = service.enclave().boot().binding().boot_key;
    let signed = [b"permafrost ceremony certificate\n".as_slice(), &outcome].concat();
    UnparsedPublicKey::new(&ED25519, boot_key)
        .verify(
            &signed,
            &decoded(&done["certificate"]["enclave"]["signature"]),
        )
        .unwrap();

    // A signature.
    let (nonces, committed) = round1::commit(key_package.signing_share(), &mut OsRng);
    let path = format!("/v1/keys/{}/cosign", parameters["key_id"].as_str().unwrap());
    let body = json!({
        "payload": {"type": "message", "message": hex::encode(MESSAGE)},
        "commitments": [{
            "participant": "alice",
            "hiding": hex::encode(committed.hiding().serialize().unwrap()),
            "binding": hex::encode(committed.binding().serialize().unwrap()),
        }],
    });
    let cosigned: Value = post(&service, &path, &body).await.unwrap();
    let part = &cosigned["parts"][0];
    let nonce = |name: &str| round1::NonceCommitment::deserialize(&decoded(&part[name])).unwrap();
    let theirs = round1::SigningCommitments::new(nonce("hiding"), nonce("binding"));
    let package = SigningPackage::new(BTreeMap::from([(own, committed), (other, theirs)]), MESSAGE);
    let own_share = round2::sign(&package, &nonces, &key_package).unwrap();
    let their_share = round2::SignatureShare::deserialize(&decoded(&part["share"])).unwrap();
    let shares = BTreeMap::from([(own, own_share), (other, their_share)]);
    let signature = frost_secp256k1_tr::aggregate(&package, &shares, &public).unwrap();
    let signature: [u8; 64] = signature.serialize().unwrap().try_into().unwrap();
    let key = secp256k1::XOnlyPublicKey::from_byte_array(group.try_into().unwrap()).unwrap();
    let signature = secp256k1::schnorr::Signature::from_byte_array(signature);
    secp256k1::schnorr::verify(&signature, MESSAGE, &key).unwrap();
}

/// A message of the enclave's participant.
fn message<'a>(ceremony: &'a Value, kind: &str) -> &'a Value {
    let messages = ceremony["messages"].as_array().unwrap();
    let is_it = |one: &&Value| one["type"] == kind && one["participant"] == "server";
    messages.iter().find(is_it).unwrap()
}

fn digest(tag: &str, parts: Vec<Cbor>) -> [u8; 32] {
    let mut cbor = Vec::new();
    ciborium::into_writer(&Cbor::Array(parts), &mut cbor).unwrap();
    let tag: [u8; 32] = Sha256::digest(format!("permafrost/ceremony/{tag}")).into();
    let whole = [&tag[..], &tag, &cbor].concat();
    Sha256::digest(whole).into()
}

fn derived(name: &str) -> Identifier {
    Identifier::derive(name.as_bytes()).unwrap()
}

/// The constant term of the polynomial: the crate's package, serialised, has the coefficients.
fn constant_term(secret: &dkg::round1::SecretPackage) -> schnorr::SigningKey {
    let json = serde_json::to_value(secret).unwrap();
    let scalar = decoded(&json["coefficients"][0]);
    let key = schnorr::SigningKey::from_bytes(&scalar).unwrap();
    let public = &secret.commitment().serialize().unwrap()[0];
    assert_eq!(key.verifying_key().to_bytes()[..], public[1..]);
    key
}

fn sign(key: &schnorr::SigningKey, digest: &[u8; 32]) -> [u8; 64] {
    key.sign_raw(digest, &[0; 32]).unwrap().to_bytes()
}

fn text(text: &str) -> Cbor {
    Cbor::Text(text.to_owned())
}

fn bytes(value: &Value) -> Cbor {
    Cbor::Bytes(decoded(value))
}

fn decoded(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array(value: &Value) -> Vec<Vec<u8>> {
    value.as_array().unwrap().iter().map(decoded).collect()
}
