//! What a registration must say.

use ciborium::Value;
use serde_json::json;

use super::super::{Algorithm, Group, RelyingParty, WebauthnError, register};
use super::authenticator::*;

fn es256() -> Credential {
    Credential::new(Algorithm::Es256)
}

#[test]
fn a_passkey_of_each_algorithm_is_registered_with_and_without_self_attestation() {
    for algorithm in Algorithm::ALL {
        let credential = Credential::new(algorithm);
        for attestation in [Attestation::None, Attestation::Own] {
            let mut registration = credential.registration();
            registration.attestation = attestation;
            registration.data.sign_count = 7;
            let passkey = registration.register().unwrap();
            assert_eq!(passkey.credential_id, credential.id);
            assert_eq!(passkey.public_key, credential.public_key());
            assert_eq!(passkey.public_key.algorithm(), algorithm);
            assert_eq!(passkey.aaguid, [0xaa; 16]);
            assert_eq!(passkey.sign_count, 7);
            assert_eq!(passkey.transports, ["hybrid", "internal"]);
            assert!(!passkey.backup_eligible && !passkey.backed_up);
        }
    }
}

#[test]
fn a_synced_passkey_says_so() {
    let credential = es256();
    for (flags, backed_up) in [(BE, false), (BE | BS, true)] {
        let mut registration = credential.registration();
        registration.data.flags |= flags;
        let passkey = registration.register().unwrap();
        assert!(passkey.backup_eligible);
        assert_eq!(passkey.backed_up, backed_up);
    }
}

#[test]
fn an_assertion_is_not_a_registration() {
    let credential = es256();
    let mut registration = credential.registration();
    registration.client_data["type"] = json!("webauthn.get");
    let error = registration.register().unwrap_err();
    assert_eq!(error.rule(), "ceremony");
    assert_eq!(error.group(), Group::Ceremony);
    assert_eq!(
        error.to_string(),
        r#"the client data's type is "webauthn.get", accepted: "webauthn.create""#
    );
}

#[test]
fn a_response_to_another_challenge_is_refused() {
    let credential = es256();
    let response = credential.registration().response();
    let mut other = CHALLENGE;
    other[31] ^= 1;
    let error = register(&relying_party(), &other, &response, NOW).unwrap_err();
    assert_eq!(error, WebauthnError::Challenge);
    assert_eq!(error.group(), Group::Challenge);
    for text in ["", "x", "x8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8c="] {
        let mut registration = credential.registration();
        registration.client_data["challenge"] = json!(text);
        assert_eq!(registration.rule(), "challenge", "{text}");
    }
}

#[test]
fn a_page_of_another_origin_is_refused() {
    let credential = es256();
    for origin in [
        "https://wallet.example.org.evil.example",
        "https://evil.wallet.example.org",
        "https://example.org",
        "http://wallet.example.org",
        "https://wallet.example.org/",
        "https://wallet.example.org:443",
        "https://WALLET.example.org",
        "android:apk-key-hash:AAAA",
        "",
        "null",
    ] {
        let mut registration = credential.registration();
        registration.client_data["origin"] = json!(origin);
        let error = registration.register().unwrap_err();
        assert_eq!(error.rule(), "origin", "{origin}");
        assert_eq!(error.group(), Group::Origin);
    }
}

#[test]
fn each_of_several_origins_is_accepted() {
    let credential = es256();
    let other = "https://wallet.example.org:8443";
    let party = RelyingParty::new(RP_ID, &[ORIGIN.to_owned(), other.to_owned()]).unwrap();
    for origin in [ORIGIN, other] {
        let mut registration = credential.registration();
        registration.client_data["origin"] = json!(origin);
        register(&party, &CHALLENGE, &registration.response(), NOW).unwrap();
    }
}

#[test]
fn an_embedded_page_is_refused() {
    let credential = es256();
    let mut registration = credential.registration();
    registration.client_data["crossOrigin"] = json!(true);
    assert_eq!(registration.register(), Err(WebauthnError::CrossOrigin));
    registration.client_data["topOrigin"] = json!("https://evil.example");
    assert_eq!(registration.rule(), "cross-origin");
    registration.client_data["crossOrigin"] = json!(false);
    let error = registration.register().unwrap_err();
    assert_eq!(error.rule(), "top-origin");
    assert_eq!(error.group(), Group::Origin);
}

#[test]
fn client_data_without_cross_origin_is_accepted() {
    let credential = es256();
    let mut registration = credential.registration();
    let members = registration.client_data.as_object_mut().unwrap();
    members.remove("crossOrigin").unwrap();
    registration.register().unwrap();
}

#[test]
fn a_credential_for_another_relying_party_is_refused() {
    let credential = es256();
    for rp_id in ["example.org", "evil.example", ""] {
        let mut registration = credential.registration();
        registration.data.rp_id = rp_id;
        let error = registration.register().unwrap_err();
        assert_eq!(error.rule(), "rp-id");
        assert_eq!(error.group(), Group::RelyingParty);
    }
}

#[test]
fn a_user_who_is_not_present_or_not_verified_is_refused() {
    let credential = es256();
    for (missing, rule) in [
        (UP, "user-presence"),
        (UV, "user-verification"),
        (UP | UV, "user-presence"),
    ] {
        let mut registration = credential.registration();
        registration.data.flags &= !missing;
        let error = registration.register().unwrap_err();
        assert_eq!(error.rule(), rule);
        assert_eq!(error.group(), Group::UserVerification);
    }
}

#[test]
fn a_credential_that_is_backed_up_but_cannot_be_is_refused() {
    let credential = es256();
    let mut registration = credential.registration();
    registration.data.flags |= BS;
    assert_eq!(registration.register(), Err(WebauthnError::BackupState));
}

#[test]
fn a_registration_without_a_credential_is_refused() {
    let credential = es256();
    let mut registration = credential.registration();
    registration.data.flags &= !AT;
    registration.data.attested = None;
    assert_eq!(
        registration.register(),
        Err(WebauthnError::CredentialMissing)
    );
}

#[test]
fn another_credential_than_the_named_one_is_refused() {
    let credential = es256();
    let mut registration = credential.registration();
    registration.raw_id[0] ^= 1;
    let error = registration.register().unwrap_err();
    assert_eq!(error, WebauthnError::CredentialMismatch);
    assert_eq!(error.group(), Group::Credential);
}

#[test]
fn credential_ids_have_16_to_1023_bytes() {
    for length in [16, 17, 1022, 1023] {
        let mut credential = es256();
        credential.id = vec![3; length];
        credential.registration().register().unwrap();
    }
    for length in [0, 1, 15, 1024, 4000] {
        let credential = es256();
        let mut registration = credential.registration();
        registration.data.attested.as_mut().unwrap().0 = vec![3; length];
        assert_eq!(registration.rule(), "length", "{length}");
    }
}

#[test]
fn flags_and_content_of_the_authenticator_data_agree() {
    let credential = es256();
    let extensions = encode(&Value::Map(vec![("credProtect".into(), 3.into())]));
    let mut announced = credential.registration();
    announced.data.flags |= ED;
    assert_eq!(announced.rule(), "cbor", "extensions announced, none there");
    announced.data.rest = extensions.clone();
    announced.register().unwrap();
    announced.data.rest.push(0);
    assert_eq!(announced.rule(), "trailing-bytes");

    let mut silent = credential.registration();
    silent.data.rest = extensions;
    assert_eq!(silent.rule(), "trailing-bytes");
    silent.data.rest = vec![];
    silent.data.flags &= !AT;
    assert_eq!(silent.rule(), "trailing-bytes", "a credential unannounced");
    silent.data.flags |= AT;
    silent.data.attested = None;
    assert_eq!(silent.rule(), "truncated", "a credential announced only");
}

#[test]
fn extension_outputs_are_a_canonical_map_with_texts_as_keys() {
    let credential = es256();
    let one = |key: Value| Value::Map(vec![(key, 1.into())]);
    let unsorted = Value::Map(vec![("bb".into(), 1.into()), ("a".into(), 1.into())]);
    for (value, rule) in [
        (one(1.into()), "shape"),
        (Value::Array(vec![]), "shape"),
        (Value::Null, "shape"),
        (unsorted, "not-canonical"),
        (one(Value::Tag(1, Box::new(1.into()))), "not-canonical"),
    ] {
        let mut registration = credential.registration();
        registration.data.flags |= ED;
        registration.data.rest = encode(&value);
        assert_eq!(registration.rule(), rule, "{value:?}");
    }
    let mut registration = credential.registration();
    registration.data.flags |= ED;
    registration.data.rest = vec![0xbf, 0xff];
    assert_eq!(registration.rule(), "not-canonical", "an indefinite length");
}

#[test]
fn only_no_attestation_and_self_attestation_are_accepted() {
    let credential = es256();
    for format in [
        "fido-u2f",
        "tpm",
        "apple",
        "android-key",
        "android-safetynet",
        "compound",
        "None",
        "",
    ] {
        let mut registration = credential.registration();
        registration.attestation = Attestation::Other(format, vec![]);
        let error = registration.register().unwrap_err();
        assert_eq!(error.rule(), "attestation-format", "{format}");
        assert_eq!(error.group(), Group::Attestation);
    }
}

#[test]
fn a_statement_of_no_attestation_is_empty() {
    let credential = es256();
    let mut registration = credential.registration();
    registration.attestation = Attestation::Other("none", vec![("sig".into(), bytes(&[1]))]);
    assert_eq!(registration.rule(), "attestation-members");
}

/// Eight names, each as long as one can be when it is escaped.
#[test]
fn an_error_is_short_for_any_statement() {
    let credential = es256();
    let mut registration = credential.registration();
    let names = (0..8).map(|number| format!("{number}{}", "\u{10ffff}".repeat(200)));
    let statement = names.map(|name| (name.into(), 1.into())).collect();
    registration.attestation = Attestation::Other("none", statement);
    let error = registration.register().unwrap_err();
    assert_eq!(error.rule(), "attestation-members");
    assert!(error.to_string().len() <= 1024, "{error}");
}

#[test]
fn a_packed_statement_has_the_keys_own_algorithm_and_signature_and_nothing_else() {
    let credential = es256();
    let mut registration = credential.registration();
    let signature = credential.sign(&registration.signed());
    let alg = || (Value::from("alg"), Value::from(-7));
    let sig = |signature: &[u8]| (Value::from("sig"), bytes(signature));
    let certificates = (
        Value::from("x5c"),
        Value::Array(vec![bytes(&[0x30, 0x03, 0x02, 0x01, 0x00])]),
    );
    let mut changed = signature.clone();
    *changed.last_mut().unwrap() ^= 1;
    for (statement, rule) in [
        (vec![], "attestation-members"),
        (vec![alg()], "attestation-members"),
        (vec![sig(&signature)], "attestation-members"),
        (
            vec![alg(), sig(&signature), ("ver".into(), 1.into())],
            "attestation-members",
        ),
        (
            vec![("alg".into(), "ES256".into()), sig(&signature)],
            "attestation-members",
        ),
        (
            vec![alg(), sig(&signature), certificates],
            "attestation-certificates",
        ),
        (
            vec![("alg".into(), (-257).into()), sig(&signature)],
            "attestation-algorithm",
        ),
        (vec![alg(), sig(&changed)], "attestation-signature"),
        (vec![alg(), sig(&[])], "attestation-signature"),
        (vec![alg(), sig(&signature), alg()], "not-canonical"),
        (vec![sig(&signature), alg()], "not-canonical"),
    ] {
        registration.attestation = Attestation::Other("packed", statement);
        assert_eq!(registration.rule(), rule);
    }
    registration.attestation = Attestation::Other("packed", vec![alg(), sig(&signature)]);
    registration.register().unwrap();
}

#[test]
fn a_self_attestation_by_another_key_or_of_another_registration_is_refused() {
    let (credential, other) = (es256(), es256());
    let mut registration = credential.registration();
    for (signer, message) in [
        (&other, registration.signed()),
        (&credential, registration.client_data()),
        (&credential, registration.data.encode()),
    ] {
        registration.attestation = Attestation::Other(
            "packed",
            vec![
                ("alg".into(), (-7).into()),
                ("sig".into(), bytes(&signer.sign(&message))),
            ],
        );
        assert_eq!(registration.rule(), "attestation-signature");
    }
}

#[test]
fn a_registration_response_is_not_a_login() {
    let credential = es256();
    let mut assertion = credential.assertion();
    assertion.client_data["type"] = json!("webauthn.create");
    assert_eq!(assertion.rule(), "ceremony");
    let mut assertion = credential.assertion();
    assertion.data = credential.registration().data;
    let error = assertion.authenticate().unwrap_err();
    assert_eq!(error, WebauthnError::CredentialPresent);
}
