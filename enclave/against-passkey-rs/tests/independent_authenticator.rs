//! Passkeys of an authenticator and a browser that others wrote: 1Password's `passkey` crates, with cryptography of their own.
//!
//! They make honest responses to dishonest requests; responses that no authenticator makes are in the enclave's own tests.

#![allow(clippy::panic, clippy::unwrap_used)]

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use passkey_authenticator::{Authenticator, MemoryStore, UiHint, UserCheck, UserValidationMethod};
use passkey_client::{Client, DefaultClientData, DefaultClientDataWithExtra};
use passkey_crypto::AvailableBackend;
use passkey_types::ctap2::{Aaguid, Ctap2Error};
use passkey_types::webauthn::UserVerificationRequirement;
use permafrost_enclave::webauthn::{
    Algorithm, Authenticated, AuthenticationResponse, NewPasskey, Passkey, RegistrationResponse,
    RelyingParty, WebauthnError, authenticate, register,
};
use serde_json::{Value, json};
use url::Url;

const RP_ID: &str = "wallet.example.org";
const ORIGIN: &str = "https://wallet.example.org";
const USER: &[u8] = b"user-handle-of-alice";
const CHALLENGE: [u8; 32] = [0xc7; 32];

#[tokio::test]
async fn a_passkey_registers_and_logs_in() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let mut device = Device::new();
        let made = device.create(ORIGIN, algorithm).await;
        let passkey = registered(&made).unwrap();
        assert_eq!(passkey.public_key.algorithm(), algorithm);
        assert_eq!(passkey.transports, ["hybrid", "internal"]);
        assert_eq!(passkey.aaguid, AAGUID);
        assert_eq!(passkey.sign_count, 0);

        let response = device.get(ORIGIN, &passkey).await;
        assert_eq!(response.credential_id(), passkey.credential_id);
        assert_eq!(response.user_handle(), Some(USER));
        let accepted = Authenticated {
            sign_count: 0,
            backed_up: passkey.backed_up,
        };
        // Without a counter, the next one is as good.
        assert_eq!(logged_in(&response, &passkey, 0), Ok(accepted));
        let response = device.get(ORIGIN, &passkey).await;
        assert_eq!(logged_in(&response, &passkey, 0), Ok(accepted));
    }
}

#[tokio::test]
async fn an_assertion_with_a_counter_is_accepted_once() {
    let mut device = Device::new();
    let authenticator = device.0.authenticator_mut();
    authenticator.set_make_credentials_with_signature_counter(true);
    let made = device.create(ORIGIN, Algorithm::Es256).await;
    let passkey = registered(&made).unwrap();
    let mut stored = passkey.sign_count;
    for _ in 0..3 {
        let response = device.get(ORIGIN, &passkey).await;
        let accepted = logged_in(&response, &passkey, stored).unwrap();
        assert!(accepted.sign_count > stored);
        stored = accepted.sign_count;
        let refused = logged_in(&response, &passkey, stored).unwrap_err();
        let error = WebauthnError::CounterWentBack {
            found: stored,
            stored,
        };
        assert_eq!(refused, error);
    }
}

#[tokio::test]
async fn a_browser_that_adds_members_to_the_client_data_is_understood() {
    let mut device = Device::new();
    let extra = json!({"added": {"in": ["the", "future"]}});
    let options = creation(Algorithm::Es256);
    let data = DefaultClientDataWithExtra(extra);
    let made = device.0.register(&url(ORIGIN), options, data).await;
    registered(&made.unwrap()).unwrap();
}

#[tokio::test]
async fn a_user_who_was_not_verified_is_refused() {
    let mut device = Device::new();
    let mut options = creation(Algorithm::Es256);
    let selection = options.public_key.authenticator_selection.as_mut();
    selection.unwrap().user_verification = UserVerificationRequirement::Discouraged;
    let page = url(ORIGIN);
    let made = device.0.register(&page, options, DefaultClientData).await;
    let refused = registered(&made.unwrap()).unwrap_err();
    assert_eq!(refused, WebauthnError::UserVerification);
}

/// A browser lets a subdomain use the RP ID of its parent. The relying party need not.
#[tokio::test]
async fn a_page_on_a_subdomain_is_refused() {
    let mut device = Device::new();
    let evil = "https://evil.wallet.example.org";
    let made = device.create(evil, Algorithm::Es256).await;
    assert_eq!(registered(&made).unwrap_err().rule(), "origin");
    let made = device.create(ORIGIN, Algorithm::Es256).await;
    let passkey = registered(&made).unwrap();
    let response = device.get(evil, &passkey).await;
    let refused = logged_in(&response, &passkey, 0).unwrap_err();
    assert_eq!(refused.rule(), "origin");
}

#[tokio::test]
async fn another_relying_party_another_challenge_and_another_ceremony_are_refused() {
    let mut device = Device::new();
    let made = device.create(ORIGIN, Algorithm::Es256).await;
    let response = read(&made);
    let other = RelyingParty::new("example.org", &[ORIGIN.to_owned()]).unwrap();
    let refused = register(&other, &CHALLENGE, &response, Duration::ZERO).unwrap_err();
    assert_eq!(refused.rule(), "rp-id");
    let refused = register(&relying_party(), &[0; 32], &response, Duration::ZERO).unwrap_err();
    assert_eq!(refused.rule(), "challenge");

    // The login's client data in a registration.
    let passkey = registered(&made).unwrap();
    let login = device.get_json(ORIGIN, &passkey.credential_id).await;
    let mut mixed = serde_json::to_value(&made).unwrap();
    mixed["response"]["clientDataJSON"] = login["response"]["clientDataJSON"].clone();
    let mixed = RegistrationResponse::from_json(mixed.to_string().as_bytes()).unwrap();
    let refused = register(&relying_party(), &CHALLENGE, &mixed, Duration::ZERO).unwrap_err();
    assert_eq!(refused.rule(), "ceremony");
}

#[tokio::test]
async fn another_users_passkey_is_refused() {
    let mut device = Device::new();
    let alice = registered(&device.create(ORIGIN, Algorithm::Es256).await).unwrap();
    let bob = registered(&device.create(ORIGIN, Algorithm::Es256).await).unwrap();
    let response = device.get(ORIGIN, &bob).await;
    logged_in(&response, &bob, 0).unwrap();
    let refused = logged_in(&response, &alice, 0).unwrap_err();
    assert_eq!(refused, WebauthnError::OtherCredential);
    // Bob's signature under the id of Alice's passkey.
    let mut json = device.get_json(ORIGIN, &bob.credential_id).await;
    json["id"] = json!(URL_SAFE_NO_PAD.encode(&alice.credential_id));
    json["rawId"] = json["id"].clone();
    let response = AuthenticationResponse::from_json(json.to_string().as_bytes()).unwrap();
    let refused = logged_in(&response, &alice, 0).unwrap_err();
    assert_eq!(refused.rule(), "signature");
}

/// An authenticator with the browser in front of it.
struct Device(BrowserAndAuthenticator);

type BrowserAndAuthenticator =
    Client<MemoryStore, Finger, AvailableBackend, public_suffix::PublicSuffixList, ()>;

const AAGUID: [u8; 16] = [0xaa; 16];

impl Device {
    fn new() -> Self {
        let aaguid = Aaguid::from(AAGUID);
        let store = MemoryStore::new();
        let authenticator = Authenticator::new(aaguid, store, Finger, AvailableBackend);
        Self(Client::new(authenticator))
    }

    async fn create(&mut self, origin: &str, algorithm: Algorithm) -> Created {
        self.0
            .register(&url(origin), creation(algorithm), DefaultClientData)
            .await
            .unwrap()
    }

    async fn get(&mut self, origin: &str, passkey: &NewPasskey) -> AuthenticationResponse {
        let json = self.get_json(origin, &passkey.credential_id).await;
        AuthenticationResponse::from_json(json.to_string().as_bytes()).unwrap()
    }

    async fn get_json(&mut self, origin: &str, credential_id: &[u8]) -> Value {
        let options = json!({"publicKey": {
            "challenge": URL_SAFE_NO_PAD.encode(CHALLENGE),
            "rpId": RP_ID,
            "allowCredentials": [
                {"type": "public-key", "id": URL_SAFE_NO_PAD.encode(credential_id)}
            ],
            "userVerification": "required",
        }});
        let options = serde_json::from_value(options).unwrap();
        let made = self
            .0
            .authenticate(&url(origin), options, DefaultClientData)
            .await;
        serde_json::to_value(made.unwrap()).unwrap()
    }
}

/// Whoever touches the authenticator.
struct Finger;

#[async_trait]
impl UserValidationMethod for Finger {
    type PasskeyItem = passkey_types::Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Self::PasskeyItem>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck {
            presence,
            verification,
        })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

type Created = passkey_types::webauthn::CreatedPublicKeyCredential;

fn creation(algorithm: Algorithm) -> passkey_types::webauthn::CredentialCreationOptions {
    let options = json!({"publicKey": {
        "rp": {"id": RP_ID, "name": "Wallet"},
        "user": {"id": URL_SAFE_NO_PAD.encode(USER), "name": "alice", "displayName": "Alice"},
        "challenge": URL_SAFE_NO_PAD.encode(CHALLENGE),
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm.cose()}],
        "authenticatorSelection": {"residentKey": "required", "userVerification": "required"},
    }});
    serde_json::from_value(options).unwrap()
}

fn url(origin: &str) -> Url {
    Url::parse(origin).unwrap()
}

fn relying_party() -> RelyingParty {
    RelyingParty::new(RP_ID, &[ORIGIN.to_owned()]).unwrap()
}

fn read(made: &Created) -> RegistrationResponse {
    RegistrationResponse::from_json(&serde_json::to_vec(made).unwrap()).unwrap()
}

fn registered(made: &Created) -> Result<NewPasskey, WebauthnError> {
    register(&relying_party(), &CHALLENGE, &read(made), Duration::ZERO)
}

fn logged_in(
    response: &AuthenticationResponse,
    passkey: &NewPasskey,
    sign_count: u32,
) -> Result<Authenticated, WebauthnError> {
    let known = Passkey {
        credential_id: &passkey.credential_id,
        user_handle: USER,
        public_key: &passkey.public_key,
        sign_count,
        backup_eligible: passkey.backup_eligible,
    };
    authenticate(&relying_party(), &CHALLENGE, response, &known)
}
