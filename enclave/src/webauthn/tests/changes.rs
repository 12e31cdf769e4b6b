//! Responses that were cut or changed in transit.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;

use super::super::{
    ATTESTATION_OBJECT_MAX, AUTHENTICATOR_DATA_MAX, Algorithm, AuthenticationResponse, CoseKey,
    NewPasskey, Passkey, RegistrationResponse, WebauthnError, authenticate, register,
};
use super::authenticator::*;

/// Changes to each byte: one bit, the two backup flags, all bits.
const CHANGES: [u8; 10] = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x18, 0xff];

#[test]
fn an_attestation_object_that_is_cut_off_is_refused() {
    for algorithm in Algorithm::ALL {
        let credential = Credential::new(algorithm);
        let object = credential.registration().attestation_object();
        for length in 1..object.len() {
            let mut json = credential.registration().json();
            json["response"]["attestationObject"] =
                json!(URL_SAFE_NO_PAD.encode(&object[..length]));
            judge_registration(&json).unwrap_err();
        }
    }
}

/// A self attestation signs the authenticator data, and everything else is of one form: no changed byte is accepted.
#[test]
fn no_changed_byte_of_a_self_attested_object_is_accepted() {
    for algorithm in Algorithm::ALL {
        let credential = Credential::new(algorithm);
        let mut registration = credential.registration();
        registration.attestation = Attestation::Own;
        let mut json = registration.json();
        // ECDSA signatures differ each time: this one is kept.
        let object = URL_SAFE_NO_PAD
            .decode(json["response"]["attestationObject"].as_str().unwrap())
            .unwrap();
        judge_registration(&json).unwrap();
        for (position, change) in changes(&object) {
            json["response"]["attestationObject"] = json!(changed(&object, position, change));
            judge_registration(&json).unwrap_err();
        }
    }
}

/// No signature covers an object without attestation, so the carrier can change what nothing else binds: the AAGUID, the counter,
/// reserved flags, the two backup flags if they stay consistent, and the public key if it stays a key. No other changed byte is
/// accepted, and in what is accepted exactly that byte differs.
#[test]
fn a_changed_byte_of_an_unattested_object_changes_what_nothing_binds_or_is_refused() {
    for algorithm in Algorithm::ALL {
        let credential = Credential::new(algorithm);
        let registration = credential.registration();
        let object = registration.attestation_object();
        let data_at = object.len() - registration.data.encode().len();
        let key_at = data_at + 37 + 16 + 2 + credential.id.len();
        let honest = registration.register().unwrap();
        for (position, change) in changes(&object) {
            let mut json = registration.json();
            json["response"]["attestationObject"] = json!(changed(&object, position, change));
            let Ok(passkey) = judge_registration(&json) else {
                continue;
            };
            let mut expected = NewPasskey {
                public_key: passkey.public_key.clone(),
                ..honest.clone()
            };
            match position.checked_sub(data_at) {
                // Only bits that are reserved, or BE: without BE, BS is refused.
                Some(32) => {
                    assert_eq!(change & !(0x22 | BE | BS), 0, "{algorithm}");
                    expected.backup_eligible = change & BE != 0;
                    expected.backed_up = change & BS != 0;
                }
                Some(at @ 33..37) => {
                    expected.sign_count = u32::from(change) << (8 * (36 - at));
                }
                Some(at @ 37..53) => expected.aaguid[at - 37] ^= change,
                Some(_) if position >= key_at => {
                    let mut bytes = honest.public_key.as_bytes().to_vec();
                    bytes[position - key_at] ^= change;
                    assert_eq!(passkey.public_key.as_bytes(), bytes);
                    assert_eq!(passkey.public_key.algorithm(), algorithm);
                }
                _ => panic!("{algorithm}: byte {position} by {change:#x} was accepted"),
            }
            assert_eq!(passkey, expected, "{algorithm}: {position} by {change:#x}");
        }
    }
}

#[test]
fn a_public_key_that_is_cut_off_or_followed_by_a_byte_is_refused() {
    for algorithm in Algorithm::ALL {
        let bytes = Credential::new(algorithm).public_key().as_bytes().to_vec();
        for length in 0..bytes.len() {
            CoseKey::from_bytes(&bytes[..length]).unwrap_err();
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(
            CoseKey::from_bytes(&longer).unwrap_err().rule(),
            "trailing-bytes"
        );
    }
}

#[test]
fn no_changed_byte_of_an_assertion_is_accepted() {
    for algorithm in Algorithm::ALL {
        let credential = Credential::new(algorithm);
        let honest = credential.assertion().json();
        judge_assertion(&credential, &honest).unwrap();
        for member in ["clientDataJSON", "authenticatorData", "signature"] {
            let bytes = URL_SAFE_NO_PAD
                .decode(honest["response"][member].as_str().unwrap())
                .unwrap();
            for (position, change) in changes(&bytes) {
                let mut json = honest.clone();
                json["response"][member] = json!(changed(&bytes, position, change));
                judge_assertion(&credential, &json).unwrap_err();
            }
            for length in 0..bytes.len() {
                let mut json = honest.clone();
                json["response"][member] = json!(URL_SAFE_NO_PAD.encode(&bytes[..length]));
                judge_assertion(&credential, &json).unwrap_err();
            }
        }
    }
}

#[test]
fn claimed_lengths_and_nesting_cost_nothing() {
    let credential = Credential::new(Algorithm::Es256);
    let mut json = credential.registration().json();
    let mut refused = |object: &[u8]| {
        json["response"]["attestationObject"] = json!(URL_SAFE_NO_PAD.encode(object));
        judge_registration(&json).unwrap_err().rule()
    };
    // A byte string, a text, an array and a map of 2^60 entries, and nothing in them.
    for head in [0x5b, 0x7b, 0x9b, 0xbb] {
        assert_eq!(refused(&[&[head, 0x10][..], &[0; 7]].concat()), "cbor");
    }
    for head in [0x81, 0xa1, 0xc1, 0xd8] {
        assert_eq!(refused(&[head; ATTESTATION_OBJECT_MAX]), "cbor", "{head:x}");
    }
}

#[test]
fn authenticator_data_over_its_limit_is_refused() {
    let credential = Credential::new(Algorithm::Es256);
    let mut registration = credential.registration();
    registration.data.rest = vec![0; AUTHENTICATOR_DATA_MAX];
    assert_eq!(registration.rule(), "length");
}

#[test]
fn an_attestation_object_has_its_three_keys_in_any_order_and_no_others() {
    use ciborium::Value;
    let credential = Credential::new(Algorithm::Es256);
    let registration = credential.registration();
    let fmt = || (Value::from("fmt"), Value::from("none"));
    let statement = || (Value::from("attStmt"), Value::Map(vec![]));
    let data = || (Value::from("authData"), bytes(&registration.data.encode()));
    let judge = |entries| {
        let mut json = registration.json();
        let object = encode(&Value::Map(entries));
        json["response"]["attestationObject"] = json!(URL_SAFE_NO_PAD.encode(object));
        judge_registration(&json)
    };
    let honest = judge(vec![fmt(), statement(), data()]).unwrap();
    assert_eq!(judge(vec![data(), fmt(), statement()]), Ok(honest));
    for entries in [
        vec![],
        vec![fmt(), statement()],
        vec![fmt(), data()],
        vec![statement(), data()],
        vec![fmt(), fmt(), statement(), data()],
        vec![fmt(), statement(), data(), data()],
        vec![fmt(), statement(), data(), ("epAtt".into(), true.into())],
        vec![fmt(), statement(), data(), (1.into(), "none".into())],
        vec![("fmt".into(), bytes(b"none")), statement(), data()],
        vec![fmt(), ("attStmt".into(), Value::Array(vec![])), data()],
        vec![fmt(), statement(), ("authData".into(), "text".into())],
    ] {
        assert_eq!(judge(entries).unwrap_err().rule(), "shape");
    }
}

proptest! {
    #[test]
    fn any_other_bytes_are_refused_with_a_reason(
        object in prop::collection::vec(any::<u8>(), 1..600),
        client_data in prop::collection::vec(any::<u8>(), 1..300),
    ) {
        let credential = Credential::new(Algorithm::EdDsa);
        let mut json = credential.registration().json();
        json["response"]["attestationObject"] = json!(URL_SAFE_NO_PAD.encode(object));
        prop_assert!(!judge_registration(&json).unwrap_err().to_string().is_empty());
        let mut json = credential.assertion().json();
        json["response"]["clientDataJSON"] = json!(URL_SAFE_NO_PAD.encode(client_data));
        prop_assert_eq!(judge_assertion(&credential, &json).unwrap_err().rule(), "client-data");
    }

    /// What a key accepts is one encoding of one key.
    #[test]
    fn a_changed_public_key_is_another_key_or_none(position in 0..77_usize, change in 1..=255_u8) {
        let key = Credential::new(Algorithm::Es256).public_key();
        let mut bytes = key.as_bytes().to_vec();
        prop_assert_eq!(bytes.len(), 77);
        bytes[position] ^= change;
        if let Ok(other) = CoseKey::from_bytes(&bytes) {
            prop_assert_eq!(other.as_bytes(), bytes.as_slice());
            prop_assert_ne!(other.digest(), key.digest());
        }
    }
}

fn changes(bytes: &[u8]) -> impl Iterator<Item = (usize, u8)> + use<> {
    (0..bytes.len()).flat_map(|position| CHANGES.map(|change| (position, change)))
}

fn changed(bytes: &[u8], position: usize, change: u8) -> String {
    let mut changed = bytes.to_vec();
    changed[position] ^= change;
    URL_SAFE_NO_PAD.encode(changed)
}

fn judge_registration(json: &serde_json::Value) -> Result<NewPasskey, WebauthnError> {
    let response = RegistrationResponse::from_json(json.to_string().as_bytes())?;
    register(&relying_party(), &CHALLENGE, &response, NOW)
}

fn judge_assertion(
    credential: &Credential,
    json: &serde_json::Value,
) -> Result<super::super::Authenticated, WebauthnError> {
    let response = AuthenticationResponse::from_json(json.to_string().as_bytes())?;
    let passkey = Passkey {
        credential_id: &credential.id,
        user_handle: USER,
        public_key: &credential.public_key(),
        sign_count: 0,
        backup_eligible: false,
    };
    authenticate(&relying_party(), &CHALLENGE, &response, &passkey)
}
