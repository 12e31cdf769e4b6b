//! What an assertion must say.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value;
use serde_json::json;

use super::super::{
    Algorithm, Authenticated, Group, Passkey, WebauthnError, authenticate, register,
};
use super::authenticator::*;

fn es256() -> Credential {
    Credential::new(Algorithm::Es256)
}

#[test]
fn an_assertion_of_each_algorithm_is_accepted_by_what_its_registration_gave() {
    for algorithm in Algorithm::ALL {
        let credential = Credential::new(algorithm);
        let response = credential.registration().response();
        let new = register(&relying_party(), &CHALLENGE, &response, NOW).unwrap();
        let passkey = Passkey {
            credential_id: &new.credential_id,
            user_handle: USER,
            public_key: &new.public_key,
            sign_count: new.sign_count,
            backup_eligible: new.backup_eligible,
        };
        let mut assertion = credential.assertion();
        assertion.data.sign_count = 3;
        let accepted = authenticate(
            &relying_party(),
            &CHALLENGE,
            &assertion.response(),
            &passkey,
        );
        let expected = Authenticated {
            sign_count: 3,
            backed_up: false,
        };
        assert_eq!(accepted, Ok(expected), "{algorithm}");
    }
}

#[test]
fn an_assertion_says_whether_its_passkey_is_backed_up_now() {
    let credential = es256();
    let key = credential.public_key();
    let passkey = Passkey {
        credential_id: &credential.id,
        user_handle: USER,
        public_key: &key,
        sign_count: 0,
        backup_eligible: true,
    };
    for (flags, backed_up) in [(BE, false), (BE | BS, true)] {
        let mut assertion = credential.assertion();
        assertion.data.flags |= flags;
        let response = assertion.response();
        let accepted = authenticate(&relying_party(), &CHALLENGE, &response, &passkey).unwrap();
        assert_eq!(accepted.backed_up, backed_up);
    }
}

#[test]
fn a_registration_is_not_an_assertion() {
    let credential = es256();
    let mut assertion = credential.assertion();
    assertion.client_data["type"] = json!("webauthn.create");
    let error = assertion.authenticate().unwrap_err();
    assert_eq!(error.rule(), "ceremony");
    assert_eq!(error.group(), Group::Ceremony);
}

#[test]
fn a_response_to_another_challenge_is_refused() {
    let credential = es256();
    let mut assertion = credential.assertion();
    assertion.client_data["challenge"] = json!(URL_SAFE_NO_PAD.encode([0; 32]));
    assert_eq!(assertion.authenticate(), Err(WebauthnError::Challenge));
}

#[test]
fn a_page_of_another_origin_and_an_embedded_page_are_refused() {
    let credential = es256();
    let mut assertion = credential.assertion();
    assertion.client_data["origin"] = json!("https://evil.example");
    assert_eq!(assertion.rule(), "origin");
    let mut assertion = credential.assertion();
    assertion.client_data["crossOrigin"] = json!(true);
    assert_eq!(assertion.rule(), "cross-origin");
    let mut assertion = credential.assertion();
    assertion.client_data["topOrigin"] = json!(ORIGIN);
    assert_eq!(assertion.rule(), "top-origin");
}

#[test]
fn an_assertion_for_another_relying_party_is_refused() {
    let credential = es256();
    let mut assertion = credential.assertion();
    assertion.data.rp_id = "evil.example";
    assert_eq!(assertion.rule(), "rp-id");
}

#[test]
fn a_user_who_is_not_present_or_not_verified_is_refused() {
    let credential = es256();
    for (missing, rule) in [(UP, "user-presence"), (UV, "user-verification")] {
        let mut assertion = credential.assertion();
        assertion.data.flags &= !missing;
        assert_eq!(assertion.rule(), rule);
    }
}

#[test]
fn a_passkey_whose_backup_eligibility_changed_is_refused() {
    let credential = es256();
    let mut assertion = credential.assertion();
    assertion.data.flags |= BE;
    let error = assertion.authenticate().unwrap_err();
    assert_eq!(
        error,
        WebauthnError::BackupEligibility {
            found: true,
            accepted: false
        }
    );
    assertion.data.flags = UP | UV | BS;
    assert_eq!(assertion.rule(), "backup-state");
}

#[test]
fn another_users_credential_is_refused() {
    let (alice, mut bob) = (es256(), es256());
    bob.id = vec![0xb0; 32];
    let key = alice.public_key();
    let passkey = Passkey {
        credential_id: &alice.id,
        user_handle: USER,
        public_key: &key,
        sign_count: 0,
        backup_eligible: false,
    };
    let judge = |assertion: &Assertion<'_>| {
        let response = assertion.response();
        authenticate(&relying_party(), &CHALLENGE, &response, &passkey).unwrap_err()
    };
    // Bob's assertion, as it is, then under the id of Alice's credential.
    let mut assertion = bob.assertion();
    let error = judge(&assertion);
    assert_eq!(error, WebauthnError::OtherCredential);
    assert_eq!(error.group(), Group::Credential);
    assertion.raw_id = alice.id.clone();
    assert_eq!(judge(&assertion).rule(), "signature");
    // Alice's credential under Bob's handle.
    let mut assertion = alice.assertion();
    assertion.user_handle = json!(URL_SAFE_NO_PAD.encode(b"user-handle-of-bob"));
    let error = judge(&assertion);
    assert_eq!(error, WebauthnError::UserHandle);
    assert_eq!(error.group(), Group::Credential);
}

#[test]
fn an_assertion_without_a_user_handle_says_so() {
    let credential = es256();
    let mut assertion = credential.assertion();
    assert_eq!(assertion.response().user_handle(), Some(USER));
    assertion.user_handle = serde_json::Value::Null;
    assert_eq!(assertion.response().user_handle(), None);
    assertion.authenticate().unwrap();
}

#[test]
fn the_counter_must_grow_where_either_is_not_zero() {
    let credential = es256();
    for (stored, found, accepted) in [
        (0, 0, true),
        (0, 1, true),
        (1, 2, true),
        (u32::MAX - 1, u32::MAX, true),
        (1, 0, false),
        (1, 1, false),
        (2, 1, false),
        (u32::MAX, u32::MAX, false),
        (u32::MAX, 0, false),
    ] {
        let mut assertion = credential.assertion();
        assertion.data.sign_count = found;
        match assertion.authenticate_after(stored) {
            Ok(authenticated) => {
                assert!(accepted, "{stored} to {found}");
                assert_eq!(authenticated.sign_count, found);
            }
            Err(error) => {
                assert!(!accepted, "{stored} to {found}");
                assert_eq!(error, WebauthnError::CounterWentBack { found, stored });
                assert_eq!(error.group(), Group::Counter);
            }
        }
    }
}

#[test]
fn a_counter_without_a_valid_signature_is_not_judged() {
    let credential = es256();
    let mut assertion = credential.assertion();
    assertion.signature = Some(credential.sign(&assertion.signed()));
    assertion.data.sign_count = 9;
    assert_eq!(
        assertion.authenticate_after(10).unwrap_err().rule(),
        "signature"
    );
}

#[test]
fn a_signature_of_another_algorithm_is_refused() {
    for own in Algorithm::ALL {
        let credential = Credential::new(own);
        for other in Algorithm::ALL {
            let mut assertion = credential.assertion();
            assertion.signature = Some(Credential::new(other).sign(&assertion.signed()));
            // The tests have one RSA key.
            if own == other && own == Algorithm::Rs256 {
                assertion.authenticate().unwrap();
                continue;
            }
            let error = assertion.authenticate().unwrap_err();
            assert_eq!(error, WebauthnError::Signature { algorithm: own });
            assert_eq!(error.group(), Group::Signature);
        }
    }
}

#[test]
fn a_signature_over_anything_else_is_refused() {
    for algorithm in Algorithm::ALL {
        let credential = Credential::new(algorithm);
        let honest = credential.assertion();
        let client_data = honest.client_data();
        for message in [
            vec![],
            honest.data.encode(),
            client_data.clone(),
            [honest.data.encode(), client_data].concat(),
        ] {
            let mut assertion = credential.assertion();
            assertion.signature = Some(credential.sign(&message));
            assert_eq!(assertion.rule(), "signature");
        }
    }
}

#[test]
fn an_ecdsa_signature_is_der_and_nothing_else() {
    let credential = es256();
    let mut assertion = credential.assertion();
    let der = credential.sign(&assertion.signed());
    let (r_len, s_at) = (usize::from(der[3]), 4 + usize::from(der[3]));
    let [r, s] = [&der[4..4 + r_len], &der[s_at + 2..]].map(|number| {
        let mut fixed = [0; 32];
        let digits = number.strip_prefix(&[0]).unwrap_or(number);
        fixed[32 - digits.len()..].copy_from_slice(digits);
        fixed
    });
    for wrong in [
        [r, s].concat(),
        [der.as_slice(), &[0]].concat(),
        der[..der.len() - 1].to_vec(),
        vec![0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00],
        vec![0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
    ] {
        assertion.signature = Some(wrong);
        assert_eq!(assertion.rule(), "signature");
    }
    assertion.signature = Some(der);
    assertion.authenticate().unwrap();
}

#[test]
fn extension_outputs_are_accepted_where_they_are_announced() {
    let credential = es256();
    let mut assertion = credential.assertion();
    assertion.data.rest = encode(&Value::Map(vec![("uvm".into(), Value::Array(vec![]))]));
    assert_eq!(assertion.rule(), "trailing-bytes");
    assertion.data.flags |= ED;
    assertion.authenticate().unwrap();
}

#[test]
fn reserved_flags_mean_nothing() {
    let credential = es256();
    let mut assertion = credential.assertion();
    assertion.data.flags |= 0x22;
    assertion.authenticate().unwrap();
}
