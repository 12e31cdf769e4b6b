use serde_json::{Value, json};

use super::super::{Algorithm, tests::authenticator::Credential};
use super::*;

fn registration(change: impl FnOnce(&mut Value)) -> Result<RegistrationResponse, WebauthnError> {
    let mut json = Credential::new(Algorithm::EdDsa).registration().json();
    change(&mut json);
    RegistrationResponse::from_json(json.to_string().as_bytes())
}

fn assertion(change: impl FnOnce(&mut Value)) -> Result<AuthenticationResponse, WebauthnError> {
    let mut json = Credential::new(Algorithm::EdDsa).assertion().json();
    change(&mut json);
    AuthenticationResponse::from_json(json.to_string().as_bytes())
}

fn text(length: usize) -> Value {
    json!(URL_SAFE_NO_PAD.encode(vec![7; length]))
}

#[test]
fn members_that_are_not_used_are_ignored() {
    let honest = registration(|_| ()).unwrap();
    let with = registration(|json| {
        json["new"] = json!({"a": [1, 2]});
        json["response"]["new"] = json!(null);
        json["response"]["publicKey"] = json!(5);
        json["clientExtensionResults"] = json!(null);
    });
    // Keys are made anew for each, so only what both have is compared.
    assert_eq!(with.unwrap().transports, honest.transports);
    let without = registration(|json| {
        for name in ["clientExtensionResults", "authenticatorAttachment"] {
            json.as_object_mut().unwrap().remove(name);
        }
        json["response"]
            .as_object_mut()
            .unwrap()
            .remove("transports");
    });
    assert!(without.unwrap().transports.is_empty());
    let user_handle = assertion(|json| {
        json["response"]
            .as_object_mut()
            .unwrap()
            .remove("userHandle");
    });
    assert_eq!(user_handle.unwrap().user_handle(), None);
}

#[test]
fn members_that_are_used_must_be_there_once_and_be_texts() {
    for name in ["id", "rawId", "type", "response"] {
        for json in [Value::Null, json!(1), json!([])] {
            assert_eq!(
                registration(|own| own[name] = json.clone())
                    .unwrap_err()
                    .rule(),
                "json"
            );
            assert_eq!(
                assertion(|own| own[name] = json.clone())
                    .unwrap_err()
                    .rule(),
                "json"
            );
        }
        let mut json = Credential::new(Algorithm::EdDsa).assertion().json();
        let again = format!(",\"{name}\":{}}}", json[name]);
        let mut twice = json.to_string();
        twice.pop();
        twice.push_str(&again);
        let error = AuthenticationResponse::from_json(twice.as_bytes()).unwrap_err();
        assert_eq!(error.rule(), "json", "{error}");
        json.as_object_mut().unwrap().remove(name);
        let error = AuthenticationResponse::from_json(json.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.rule(), "json", "{error}");
    }
    for name in ["clientDataJSON", "attestationObject"] {
        let refused = registration(|json| json["response"][name] = Value::Null);
        assert_eq!(refused.unwrap_err().rule(), "json");
    }
    for name in ["clientDataJSON", "authenticatorData", "signature"] {
        let refused = assertion(|json| json["response"][name] = Value::Null);
        assert_eq!(refused.unwrap_err().rule(), "json");
    }
    for bytes in [&b""[..], b"{", b"null", b"[]", b"{}", b"\xff"] {
        assert_eq!(
            RegistrationResponse::from_json(bytes).unwrap_err().rule(),
            "json"
        );
        assert_eq!(
            AuthenticationResponse::from_json(bytes).unwrap_err().rule(),
            "json"
        );
    }
}

#[test]
fn every_part_has_its_bounds() {
    for (name, max) in [
        ("clientDataJSON", CLIENT_DATA_MAX),
        ("attestationObject", ATTESTATION_OBJECT_MAX),
    ] {
        for (length, accepted) in [(0, false), (1, true), (max, true), (max + 1, false)] {
            let read = registration(|json| json["response"][name] = text(length));
            check_bound(read.err(), name, length, accepted);
        }
    }
    for (name, max) in [
        ("clientDataJSON", CLIENT_DATA_MAX),
        ("authenticatorData", AUTHENTICATOR_DATA_MAX),
        ("signature", SIGNATURE_MAX),
        ("userHandle", *USER_HANDLE_BYTES.end()),
    ] {
        for (length, accepted) in [(0, false), (1, true), (max, true), (max + 1, false)] {
            let read = assertion(|json| json["response"][name] = text(length));
            check_bound(read.err(), name, length, accepted);
        }
    }
    for (length, accepted) in [
        (0, false),
        (15, false),
        (16, true),
        (1023, true),
        (1024, false),
    ] {
        let read = assertion(|json| {
            json["id"] = text(length);
            json["rawId"] = text(length);
        });
        check_bound(read.err(), "rawId", length, accepted);
    }
}

fn check_bound(error: Option<WebauthnError>, name: &str, length: usize, accepted: bool) {
    match error {
        None => assert!(accepted, "{name} of {length}"),
        Some(WebauthnError::Length { part, found, .. }) => {
            assert!(!accepted, "{name} of {length}");
            assert_eq!((part, found), (name, length));
        }
        Some(other) => panic!("{name} of {length}: {other}"),
    }
}

#[test]
fn bytes_have_one_text() {
    for wrong in ["AAA=", "AA==", "A", "AB", "AA+/", "AA AA", "AA\n", "ÄÄ"] {
        let error = registration(|json| json["response"]["clientDataJSON"] = json!(wrong));
        assert!(
            matches!(
                error,
                Err(WebauthnError::Base64 { .. } | WebauthnError::Length { .. })
            ),
            "{wrong}: {error:?}"
        );
    }
    let error = assertion(|json| json["response"]["signature"] = json!("AAAA+AAA")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "signature is not base64url without padding: '+' at character 4"
    );
}

#[test]
fn id_and_raw_id_are_the_same_text() {
    let refused = assertion(|json| json["id"] = text(32)).unwrap_err();
    assert_eq!(refused, WebauthnError::IdsDiffer);
    let refused = registration(|json| json["rawId"] = text(32)).unwrap_err();
    assert_eq!(refused, WebauthnError::IdsDiffer);
}

#[test]
fn a_credential_is_a_public_key() {
    for kind in ["password", "Public-Key", ""] {
        let refused = assertion(|json| json["type"] = json!(kind)).unwrap_err();
        assert_eq!(refused.rule(), "credential-type");
        let refused = registration(|json| json["type"] = json!(kind)).unwrap_err();
        assert_eq!(refused.rule(), "credential-type");
    }
}

#[test]
fn transports_are_a_few_short_texts_sorted_and_once_each() {
    let with = |transports: Value| registration(|json| json["response"]["transports"] = transports);
    let read = with(json!(["usb", "nfc", "usb", "smart-card"])).unwrap();
    assert_eq!(read.transports, ["nfc", "smart-card", "usb"]);
    assert!(with(json!(vec!["a"; 8])).is_ok());
    assert_eq!(with(json!(vec!["a"; 9])).unwrap_err().rule(), "length");
    let (longest, longer) = ("x".repeat(32), "x".repeat(33));
    assert!(with(json!([longest])).is_ok());
    for wrong in ["", "USB", "us b", "\u{0}", &longer] {
        assert_eq!(with(json!([wrong])).unwrap_err().rule(), "transport");
    }
    assert_eq!(with(json!([1])).unwrap_err().rule(), "json");
    assert_eq!(with(json!("usb")).unwrap_err().rule(), "json");
}

#[test]
fn a_response_inside_a_larger_document_is_read_alike() {
    #[derive(Debug, Deserialize)]
    struct Larger {
        response: AuthenticationResponse,
    }
    let mut json = json!({"response": Credential::new(Algorithm::EdDsa).assertion().json()});
    let larger: Larger = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(larger.response.credential_id(), [0x1d; 32]);
    json["response"]["rawId"] = json!("AAAA");
    let error = serde_json::from_value::<Larger>(json).unwrap_err();
    assert!(error.to_string().contains("id and rawId differ"), "{error}");
}

#[test]
fn printed_responses_show_nothing() {
    assert_eq!(
        format!("{:?}", registration(|_| ()).unwrap()),
        "RegistrationResponse { .. }"
    );
    assert_eq!(
        format!("{:?}", assertion(|_| ()).unwrap()),
        "AuthenticationResponse { .. }"
    );
}
