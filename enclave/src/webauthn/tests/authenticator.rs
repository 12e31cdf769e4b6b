//! An authenticator and its browser in software, which say whatever the test wants.

use std::{sync::LazyLock, time::Duration};

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value;
use serde_json::json;

use super::super::{
    Algorithm, AuthenticationResponse, CoseKey, NewPasskey, Passkey, RegistrationResponse,
    RelyingParty, WebauthnError, authenticate, register,
};

pub(crate) const RP_ID: &str = "wallet.example.org";
pub(crate) const ORIGIN: &str = "https://wallet.example.org";
pub(crate) const CHALLENGE: [u8; 32] = [0xc7; 32];
/// 2026-01-01.
pub(crate) const NOW: Duration = Duration::from_secs(1_767_225_600);
pub(crate) const USER: &[u8] = b"user-handle-of-alice";

pub(crate) const UP: u8 = 0x01;
pub(crate) const UV: u8 = 0x04;
pub(crate) const BE: u8 = 0x08;
pub(crate) const BS: u8 = 0x10;
pub(crate) const AT: u8 = 0x40;
pub(crate) const ED: u8 = 0x80;

pub(crate) fn relying_party() -> RelyingParty {
    RelyingParty::new(RP_ID, &[ORIGIN.to_owned()]).unwrap()
}

/// One credential of an authenticator.
pub(crate) struct Credential {
    pub(crate) id: Vec<u8>,
    key: Key,
}

enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256,
}

/// Making one takes a while.
static RSA: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

impl Credential {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let key = match algorithm {
            Algorithm::Es256 => {
                Key::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
            }
            Algorithm::EdDsa => Key::EdDsa(Ed25519KeyPair::generate().unwrap()),
            Algorithm::Rs256 => Key::Rs256,
        };
        Self {
            id: vec![0x1d; 32],
            key,
        }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self.key {
            Key::Es256(_) => Algorithm::Es256,
            Key::EdDsa(_) => Algorithm::EdDsa,
            Key::Rs256 => Algorithm::Rs256,
        }
    }

    /// The labels of the public key.
    pub(crate) fn cose(&self) -> Vec<(i64, Value)> {
        match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                vec![
                    (1, 2.into()),
                    (3, (-7).into()),
                    (-1, 1.into()),
                    (-2, bytes(&point[1..33])),
                    (-3, bytes(&point[33..])),
                ]
            }
            Key::EdDsa(key) => vec![
                (1, 1.into()),
                (3, (-8).into()),
                (-1, 6.into()),
                (-2, bytes(key.public_key().as_ref())),
            ],
            Key::Rs256 => {
                let der = RSA.public_key().as_der().unwrap();
                // SubjectPublicKeyInfo of 2048 bits: it ends with the 256 bytes of n and 5 bytes for e.
                let spki = der.as_ref();
                let n = &spki[spki.len() - 5 - 256..spki.len() - 5];
                vec![
                    (1, 3.into()),
                    (3, (-257).into()),
                    (-1, bytes(n)),
                    (-2, bytes(&[1, 0, 1])),
                ]
            }
        }
    }

    pub(crate) fn public_key(&self) -> CoseKey {
        CoseKey::from_bytes(&labels(self.cose())).unwrap()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Es256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Key::Rs256 => {
                let mut signature = vec![0; RSA.public_modulus_len()];
                RSA.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }

    /// An honest registration, to be changed by the test.
    pub(crate) fn registration(&self) -> Registration<'_> {
        Registration {
            credential: self,
            raw_id: self.id.clone(),
            client_data: json!({
                "type": "webauthn.create",
                "challenge": URL_SAFE_NO_PAD.encode(CHALLENGE),
                "origin": ORIGIN,
                "crossOrigin": false,
            }),
            client_data_text: None,
            data: Data {
                rp_id: RP_ID,
                flags: UP | UV | AT,
                sign_count: 0,
                attested: Some((self.id.clone(), labels(self.cose()))),
                rest: vec![],
            },
            attestation: Attestation::None,
            transports: json!(["internal", "hybrid"]),
        }
    }

    /// An honest assertion, to be changed by the test.
    pub(crate) fn assertion(&self) -> Assertion<'_> {
        Assertion {
            credential: self,
            raw_id: self.id.clone(),
            client_data: json!({
                "type": "webauthn.get",
                "challenge": URL_SAFE_NO_PAD.encode(CHALLENGE),
                "origin": ORIGIN,
                "crossOrigin": false,
            }),
            data: Data {
                rp_id: RP_ID,
                flags: UP | UV,
                sign_count: 0,
                attested: None,
                rest: vec![],
            },
            signature: None,
            user_handle: json!(URL_SAFE_NO_PAD.encode(USER)),
        }
    }
}

/// Authenticator data.
#[derive(Clone)]
pub(crate) struct Data {
    pub(crate) rp_id: &'static str,
    pub(crate) flags: u8,
    pub(crate) sign_count: u32,
    /// Credential id and public key.
    pub(crate) attested: Option<(Vec<u8>, Vec<u8>)>,
    /// What follows: extension outputs.
    pub(crate) rest: Vec<u8>,
}

impl Data {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(self.flags);
        data.extend(self.sign_count.to_be_bytes());
        if let Some((id, key)) = &self.attested {
            data.extend([0xaa; 16]);
            data.extend(u16::try_from(id.len()).unwrap().to_be_bytes());
            data.extend(id);
            data.extend(key);
        }
        data.extend(&self.rest);
        data
    }
}

/// What vouches for a registration.
pub(crate) enum Attestation {
    None,
    /// `packed`, signed by the credential's own key.
    Own,
    /// A format and a statement that the test makes.
    Other(&'static str, Vec<(Value, Value)>),
}

pub(crate) struct Registration<'a> {
    credential: &'a Credential,
    pub(crate) raw_id: Vec<u8>,
    pub(crate) client_data: serde_json::Value,
    /// In place of `client_data`.
    pub(crate) client_data_text: Option<Vec<u8>>,
    pub(crate) data: Data,
    pub(crate) attestation: Attestation,
    pub(crate) transports: serde_json::Value,
}

impl Registration<'_> {
    pub(crate) fn client_data(&self) -> Vec<u8> {
        match &self.client_data_text {
            Some(text) => text.clone(),
            None => self.client_data.to_string().into_bytes(),
        }
    }

    /// What a self attestation signs.
    pub(crate) fn signed(&self) -> Vec<u8> {
        signed(&self.data.encode(), &self.client_data())
    }

    pub(crate) fn attestation_object(&self) -> Vec<u8> {
        let (format, statement) = match &self.attestation {
            Attestation::None => ("none", vec![]),
            Attestation::Own => (
                "packed",
                vec![
                    ("alg".into(), self.credential.algorithm().cose().into()),
                    ("sig".into(), bytes(&self.credential.sign(&self.signed()))),
                ],
            ),
            Attestation::Other(format, statement) => (*format, statement.clone()),
        };
        encode(&Value::Map(vec![
            ("fmt".into(), format.into()),
            ("attStmt".into(), Value::Map(statement)),
            ("authData".into(), bytes(&self.data.encode())),
        ]))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        let id = URL_SAFE_NO_PAD.encode(&self.raw_id);
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": true}},
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(self.client_data()),
                "attestationObject": URL_SAFE_NO_PAD.encode(self.attestation_object()),
                "authenticatorData": URL_SAFE_NO_PAD.encode(self.data.encode()),
                "publicKeyAlgorithm": self.credential.algorithm().cose(),
                "transports": self.transports,
            },
        })
    }

    pub(crate) fn response(&self) -> RegistrationResponse {
        RegistrationResponse::from_json(self.json().to_string().as_bytes()).unwrap()
    }

    pub(crate) fn register(&self) -> Result<NewPasskey, WebauthnError> {
        register(&relying_party(), &CHALLENGE, &self.response(), NOW)
    }

    pub(crate) fn rule(&self) -> &'static str {
        self.register().unwrap_err().rule()
    }
}

pub(crate) struct Assertion<'a> {
    credential: &'a Credential,
    pub(crate) raw_id: Vec<u8>,
    pub(crate) client_data: serde_json::Value,
    pub(crate) data: Data,
    /// In place of the credential's own.
    pub(crate) signature: Option<Vec<u8>>,
    pub(crate) user_handle: serde_json::Value,
}

impl Assertion<'_> {
    pub(crate) fn client_data(&self) -> Vec<u8> {
        self.client_data.to_string().into_bytes()
    }

    pub(crate) fn signed(&self) -> Vec<u8> {
        signed(&self.data.encode(), &self.client_data())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        let id = URL_SAFE_NO_PAD.encode(&self.raw_id);
        let signature = match &self.signature {
            Some(signature) => signature.clone(),
            None => self.credential.sign(&self.signed()),
        };
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(self.client_data()),
                "authenticatorData": URL_SAFE_NO_PAD.encode(self.data.encode()),
                "signature": URL_SAFE_NO_PAD.encode(signature),
                "userHandle": self.user_handle,
            },
        })
    }

    pub(crate) fn response(&self) -> AuthenticationResponse {
        AuthenticationResponse::from_json(self.json().to_string().as_bytes()).unwrap()
    }

    /// Against the passkey as it was registered, with a counter of 0.
    pub(crate) fn authenticate(&self) -> Result<super::super::Authenticated, WebauthnError> {
        self.authenticate_after(0)
    }

    pub(crate) fn authenticate_after(
        &self,
        sign_count: u32,
    ) -> Result<super::super::Authenticated, WebauthnError> {
        let passkey = Passkey {
            credential_id: &self.credential.id,
            user_handle: USER,
            public_key: &self.credential.public_key(),
            sign_count,
            backup_eligible: false,
        };
        authenticate(&relying_party(), &CHALLENGE, &self.response(), &passkey)
    }

    pub(crate) fn rule(&self) -> &'static str {
        self.authenticate().unwrap_err().rule()
    }
}

pub(crate) fn labels(entries: Vec<(i64, Value)>) -> Vec<u8> {
    let entries = entries
        .into_iter()
        .map(|(label, value)| (label.into(), value));
    encode(&Value::Map(entries.collect()))
}

pub(crate) fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn signed(data: &[u8], client_data: &[u8]) -> Vec<u8> {
    [data, digest(&SHA256, client_data).as_ref()].concat()
}
