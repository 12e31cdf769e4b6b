//! An authenticator and the page that calls it, in software, which tell every lie that a test wants.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value;
use serde_json::json;

use crate::Vendor;

/// User present, user verified, backup eligible, backed up (WebAuthn Level 3 section 6.1).
const UP: u8 = 0x01;
const UV: u8 = 0x04;
const BE_BS: u8 = 0x18;
/// Attested credential data follows.
const AT: u8 = 0x40;

/// A passkey, and how its authenticator and the page behave. Every public field may be set to a lie.
pub struct Authenticator {
    key: EcdsaKeyPair,
    /// The credential's id.
    pub credential_id: Vec<u8>,
    /// The user handle that assertions carry.
    pub user_handle: Vec<u8>,
    /// The RP ID for which it acts.
    pub rp_id: String,
    /// The origin of the page.
    pub origin: String,
    /// Whether the page is embedded in a page of another origin.
    pub cross_origin: bool,
    /// Whether the user is verified.
    pub user_verified: bool,
    /// The signature counter of the next response.
    pub sign_count: u32,
    /// The client data's type, instead of the right one.
    pub ceremony: Option<&'static str>,
    /// The vendor that vouches for it.
    pub vendor: Option<Arc<Vendor>>,
    /// Whether it has another key as soon as it has registered one, so that the enclave's response is about another passkey than its own.
    pub changes_key: bool,
}

impl Authenticator {
    /// An honest one, at the page of [`Measured::people`](crate::Measured::people).
    pub fn new() -> Self {
        let mut credential_id = vec![0; 32];
        fill(&mut credential_id).expect("random bytes");
        Self {
            key: new_key(),
            credential_id,
            user_handle: Vec::new(),
            rp_id: "localhost".to_owned(),
            origin: "http://localhost".to_owned(),
            cross_origin: false,
            user_verified: true,
            sign_count: 0,
            ceremony: None,
            vendor: None,
            changes_key: false,
        }
    }

    /// `RegistrationResponseJSON` to a challenge, for the user of this handle.
    pub fn register(&mut self, challenge: &[u8], user_handle: &[u8]) -> String {
        self.user_handle = user_handle.to_vec();
        let mut data = self.authenticator_data(AT);
        data.extend([0; 16]);
        let length = u16::try_from(self.credential_id.len()).expect("a short id");
        data.extend(length.to_be_bytes());
        data.extend(&self.credential_id);
        data.extend(cbor(&self.cose_key()));
        let client_data = self.client_data("webauthn.create", challenge);
        let (format, statement) = match &self.vendor {
            Some(vendor) => ("packed", vendor.statement(&signed(&data, &client_data))),
            None => ("none", Value::Map(Vec::new())),
        };
        let attestation_object = cbor(&Value::Map(vec![
            ("fmt".into(), format.into()),
            ("attStmt".into(), statement),
            ("authData".into(), Value::Bytes(data)),
        ]));
        if self.changes_key {
            self.key = new_key();
        }
        json!({
            "id": base64url(&self.credential_id),
            "rawId": base64url(&self.credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64url(client_data.as_bytes()),
                "attestationObject": base64url(&attestation_object),
                "transports": ["internal", "hybrid"],
            },
        })
        .to_string()
    }

    /// `AuthenticationResponseJSON` to a challenge.
    pub fn assert(&self, challenge: &[u8]) -> String {
        let data = self.authenticator_data(0);
        let client_data = self.client_data("webauthn.get", challenge);
        let signed = signed(&data, &client_data);
        let signature = self
            .key
            .sign(&SystemRandom::new(), &signed)
            .expect("signed");
        json!({
            "id": base64url(&self.credential_id),
            "rawId": base64url(&self.credential_id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64url(client_data.as_bytes()),
                "authenticatorData": base64url(&data),
                "signature": base64url(signature.as_ref()),
                "userHandle": base64url(&self.user_handle),
            },
        })
        .to_string()
    }

    /// The SHA-256 of its COSE public key, hex, as people compare it.
    pub fn public_key_digest(&self) -> String {
        hex::encode(digest(&SHA256, &cbor(&self.cose_key())))
    }

    fn authenticator_data(&self, more: u8) -> Vec<u8> {
        let verified = if self.user_verified { UV } else { 0 };
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(UP | verified | BE_BS | more);
        data.extend(self.sign_count.to_be_bytes());
        data
    }

    fn client_data(&self, ceremony: &str, challenge: &[u8]) -> String {
        json!({
            "type": self.ceremony.unwrap_or(ceremony),
            "challenge": base64url(challenge),
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
        })
        .to_string()
    }

    /// In the canonical order of CTAP2: shorter keys first, then by their bytes.
    fn cose_key(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        Value::Map(vec![
            (1.into(), 2.into()),
            (3.into(), (-7).into()),
            ((-1).into(), 1.into()),
            ((-2).into(), Value::Bytes(x.to_vec())),
            ((-3).into(), Value::Bytes(y.to_vec())),
        ])
    }
}

impl Default for Authenticator {
    fn default() -> Self {
        Self::new()
    }
}

fn new_key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key")
}

/// Base64url without padding (RFC 4648 section 5).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What authenticators sign (WebAuthn Level 3 section 6.3.3 step 11).
fn signed(data: &[u8], client_data: &str) -> Vec<u8> {
    [data, digest(&SHA256, client_data.as_bytes()).as_ref()].concat()
}

fn cbor(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("written");
    bytes
}
