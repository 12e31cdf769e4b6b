//! The test vectors of WebAuthn Level 3 section 16.
//!
//! The specification sets the UV flag at random, and this module refuses a response without it: such a vector must fail by that
//! rule alone, and the test checks its signature with the key directly.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::super::{
    Algorithm, AttestationRoots, Authenticated, AuthenticationResponse, CoseKey, NewPasskey,
    Passkey, RegistrationResponse, RelyingParty, WebauthnError, attestation::AttestationObject,
    authenticate, authenticator_data::AuthenticatorData, register,
};

#[test]
fn section_16_2_es256_with_no_attestation() {
    let vector = Vector::named("none-es256");
    assert_eq!(vector.register(), Err(WebauthnError::UserVerification));
    assert_eq!(vector.authenticate(), Err(WebauthnError::UserVerification));
    vector.check_by_hand(Algorithm::Es256);
}

#[test]
fn section_16_3_es256_with_self_attestation() {
    let vector = Vector::named("packed-self-es256");
    let passkey = vector.register().unwrap();
    assert_eq!(passkey.credential_id, vector.hex("credential_id"));
    assert_eq!(passkey.aaguid.as_slice(), vector.hex("aaguid"));
    assert_eq!(passkey.sign_count, 0);
    assert!(passkey.backup_eligible && passkey.backed_up);
    assert_eq!(vector.authenticate(), Err(WebauthnError::UserVerification));
    vector.check_by_hand(Algorithm::Es256);
}

#[test]
fn section_16_4_es256_in_an_embedded_page() {
    let vector = Vector::named("none-es256-crossOrigin");
    assert_eq!(vector.register(), Err(WebauthnError::CrossOrigin));
    assert_eq!(vector.authenticate(), Err(WebauthnError::CrossOrigin));
    vector.check_by_hand(Algorithm::Es256);
}

#[test]
fn section_16_5_es256_in_an_embedded_page_with_its_top_origin() {
    let vector = Vector::named("none-es256-topOrigin");
    assert_eq!(vector.register(), Err(WebauthnError::CrossOrigin));
    assert_eq!(vector.authenticate(), Err(WebauthnError::CrossOrigin));
    vector.check_by_hand(Algorithm::Es256);
}

#[test]
fn section_16_6_es256_with_the_longest_credential_id() {
    let vector = Vector::named("none-es256-long-credential-id");
    assert_eq!(vector.hex("credential_id").len(), 1023);
    assert_eq!(vector.register(), Err(WebauthnError::UserVerification));
    vector.check_by_hand(Algorithm::Es256);
    let accepted = Authenticated {
        sign_count: 0,
        backed_up: false,
    };
    assert_eq!(vector.authenticate(), Ok(accepted));
}

#[test]
fn section_16_7_es256_with_a_certificate() {
    let vector = Vector::named("packed-es256");
    vector.check_attestation();
    vector.check_by_hand(Algorithm::Es256);
    let accepted = Authenticated {
        sign_count: 0,
        backed_up: false,
    };
    assert_eq!(vector.authenticate(), Ok(accepted));
}

/// Its key is the product of two Mersenne primes: 3482 bits.
#[test]
fn section_16_10_rs256_with_a_certificate() {
    let vector = Vector::named("packed-rs256");
    vector.check_attestation();
    assert_eq!(vector.authenticate(), Err(WebauthnError::UserVerification));
    vector.check_by_hand(Algorithm::Rs256);
}

#[test]
fn section_16_11_ed25519_with_a_certificate() {
    let vector = Vector::named("packed-eddsa");
    assert_eq!(vector.register(), Err(WebauthnError::UserVerification));
    assert_eq!(vector.authenticate(), Err(WebauthnError::UserVerification));
    vector.check_by_hand(Algorithm::EdDsa);
}

struct Vector {
    registration: Value,
    authentication: Value,
}

impl Vector {
    fn named(name: &str) -> Self {
        let vector = &file()["vectors"][name];
        Self {
            registration: vector["registration"].clone(),
            authentication: vector["authentication"].clone(),
        }
    }

    /// A part of the registration.
    fn hex(&self, name: &str) -> Vec<u8> {
        hex(&self.registration, name)
    }

    /// The certificates lead to the root of section 16.1, from 2024-01-01 until 3024-01-01.
    fn check_attestation(&self) {
        let unasked = self.register();
        assert_eq!(unasked, Err(WebauthnError::AttestationCertificates));
        let root = ::hex::decode(file()["attestation_ca_cert"].as_str().unwrap()).unwrap();
        let roots = AttestationRoots::new(&[root.into()], None).unwrap();
        let party = relying_party().asking_for_attestation(roots);
        let (first, last) = (1_704_067_200, 33_260_976_000);
        for inside in [first, last] {
            let passkey = self.register_with(&party, inside).unwrap();
            assert_eq!(passkey.credential_id, self.hex("credential_id"));
            assert_eq!(passkey.aaguid.as_slice(), self.hex("aaguid"));
        }
        for outside in [0, first - 1, last + 1] {
            let error = self.register_with(&party, outside).unwrap_err();
            assert_eq!(error.rule(), "attestation-path", "{error}");
        }
    }

    fn register(&self) -> Result<NewPasskey, WebauthnError> {
        self.register_with(&relying_party(), 0)
    }

    fn register_with(&self, party: &RelyingParty, now_s: u64) -> Result<NewPasskey, WebauthnError> {
        let id = base64url(&self.registration, "credential_id");
        let response = json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "clientDataJSON": base64url(&self.registration, "clientDataJSON"),
                "attestationObject": base64url(&self.registration, "attestationObject"),
            },
        });
        let response = RegistrationResponse::from_json(response.to_string().as_bytes()).unwrap();
        register(
            party,
            &self.hex("challenge").try_into().unwrap(),
            &response,
            Duration::from_secs(now_s),
        )
    }

    fn authenticate(&self) -> Result<Authenticated, WebauthnError> {
        let id = base64url(&self.registration, "credential_id");
        let response = json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "response": {
                "clientDataJSON": base64url(&self.authentication, "clientDataJSON"),
                "authenticatorData": base64url(&self.authentication, "authenticatorData"),
                "signature": base64url(&self.authentication, "signature"),
            },
        });
        let response = AuthenticationResponse::from_json(response.to_string().as_bytes()).unwrap();
        let (public_key, backup_eligible) = self.registered();
        let passkey = Passkey {
            credential_id: &self.hex("credential_id"),
            user_handle: b"not in the vectors",
            public_key: &public_key,
            sign_count: 0,
            backup_eligible,
        };
        let challenge = hex(&self.authentication, "challenge").try_into().unwrap();
        authenticate(&relying_party(), &challenge, &response, &passkey)
    }

    /// The signature of the assertion, whatever its flags say.
    fn check_by_hand(&self, algorithm: Algorithm) {
        let (public_key, _) = self.registered();
        assert_eq!(public_key.algorithm(), algorithm);
        let client_data = hex(&self.authentication, "clientDataJSON");
        let mut message = hex(&self.authentication, "authenticatorData");
        message.extend(digest(&SHA256, &client_data).as_ref());
        let mut signature = hex(&self.authentication, "signature");
        public_key.verify(&message, &signature).unwrap();
        *signature.last_mut().unwrap() ^= 1;
        public_key.verify(&message, &signature).unwrap_err();
    }

    /// Public key and backup eligibility, as the attestation object has them.
    fn registered(&self) -> (CoseKey, bool) {
        let object = AttestationObject::parse(&self.hex("attestationObject")).unwrap();
        let data = AuthenticatorData::parse(&object.authenticator_data).unwrap();
        let credential = data.credential.unwrap();
        assert_eq!(credential.id, self.hex("credential_id"));
        assert_eq!(credential.aaguid.as_slice(), self.hex("aaguid"));
        (credential.public_key, data.flags.backup_eligible())
    }
}

fn file() -> Value {
    serde_json::from_str(include_str!("vectors/level-3.json")).unwrap()
}

fn relying_party() -> RelyingParty {
    RelyingParty::new("example.org", &["https://example.org".to_owned()]).unwrap()
}

fn hex(part: &Value, name: &str) -> Vec<u8> {
    ::hex::decode(part[name].as_str().unwrap()).unwrap()
}

fn base64url(part: &Value, name: &str) -> String {
    URL_SAFE_NO_PAD.encode(hex(part, name))
}
