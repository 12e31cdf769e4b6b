//! The responses of authenticators, as `toJSON()` of browsers writes them (WebAuthn Level 3 sections 5.1.8 and 5.1.9).

use std::{fmt, ops::RangeInclusive};

use base64::{DecodeError, Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::{
    ATTESTATION_OBJECT_MAX, AUTHENTICATOR_DATA_MAX, CLIENT_DATA_MAX, CREDENTIAL_ID_BYTES,
    SIGNATURE_MAX, TRANSPORTS_MAX, USER_HANDLE_BYTES, WebauthnError,
    error::{cut, quoted},
};

/// A new passkey as the browser sends it, decoded and not checked: `RegistrationResponseJSON`.
///
/// Members that are used: `id`, `rawId` (the same text), `type`, `response.clientDataJSON` (1 to 4096 bytes),
/// `response.attestationObject` (1 byte to 16 KiB) and `response.transports` (at most 8; may be missing). Bytes are base64url without
/// padding. All other members are ignored: the specification adds new ones, and `authenticatorData`, `publicKey` and
/// `publicKeyAlgorithm` only repeat what is in the attestation object, `authenticatorAttachment` and `clientExtensionResults` are
/// claims of the browser alone.
#[derive(Clone, Deserialize, Eq, PartialEq)]
#[serde(try_from = "RegistrationJson")]
pub struct RegistrationResponse {
    pub(super) credential_id: Vec<u8>,
    pub(super) client_data: Vec<u8>,
    pub(super) attestation_object: Vec<u8>,
    pub(super) transports: Vec<String>,
}

/// An assertion as the browser sends it, decoded and not checked: `AuthenticationResponseJSON`.
///
/// Members that are used: `id`, `rawId` (the same text), `type`, `response.clientDataJSON` (1 to 4096 bytes),
/// `response.authenticatorData` (1 byte to 8 KiB), `response.signature` (1 to 1024 bytes) and `response.userHandle` (1 to 64 bytes;
/// may be null or missing). Bytes are base64url without padding. All other members are ignored, as in [`RegistrationResponse`].
#[derive(Clone, Deserialize, Eq, PartialEq)]
#[serde(try_from = "AuthenticationJson")]
pub struct AuthenticationResponse {
    pub(super) credential_id: Vec<u8>,
    pub(super) client_data: Vec<u8>,
    pub(super) authenticator_data: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) user_handle: Option<Vec<u8>>,
}

impl RegistrationResponse {
    /// Reads the JSON form. `Deserialize` does the same inside a larger document, and gives the error as text.
    ///
    /// # Errors
    /// Rules of the group [`Malformed`](super::Group::Malformed).
    pub fn from_json(bytes: &[u8]) -> Result<Self, WebauthnError> {
        read::<RegistrationJson>("RegistrationResponseJSON", bytes)?.try_into()
    }

    /// The id of the credential, according to the browser: 16 to 1023 bytes.
    pub fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }
}

impl AuthenticationResponse {
    /// Reads the JSON form. `Deserialize` does the same inside a larger document, and gives the error as text.
    ///
    /// # Errors
    /// Rules of the group [`Malformed`](super::Group::Malformed).
    pub fn from_json(bytes: &[u8]) -> Result<Self, WebauthnError> {
        read::<AuthenticationJson>("AuthenticationResponseJSON", bytes)?.try_into()
    }

    /// The id of the credential: 16 to 1023 bytes. The caller looks up its user.
    pub fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// The handle of the user, 1 to 64 bytes, if the authenticator gave it. A discoverable credential always has one.
    pub fn user_handle(&self) -> Option<&[u8]> {
        self.user_handle.as_deref()
    }
}

/// Shows nothing: a credential id identifies its user.
impl fmt::Debug for RegistrationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistrationResponse")
            .finish_non_exhaustive()
    }
}

/// Shows nothing: a credential id identifies its user.
impl fmt::Debug for AuthenticationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticationResponse")
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegistrationJson {
    id: String,
    raw_id: String,
    r#type: String,
    response: AttestationJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttestationJson {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    attestation_object: String,
    #[serde(default)]
    transports: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthenticationJson {
    id: String,
    raw_id: String,
    r#type: String,
    response: AssertionJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssertionJson {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
    #[serde(default)]
    user_handle: Option<String>,
}

impl TryFrom<RegistrationJson> for RegistrationResponse {
    type Error = WebauthnError;

    fn try_from(json: RegistrationJson) -> Result<Self, WebauthnError> {
        let response = &json.response;
        Ok(Self {
            credential_id: credential_id(&json.id, &json.raw_id, &json.r#type)?,
            client_data: client_data(&response.client_data)?,
            attestation_object: decode(
                "attestationObject",
                &response.attestation_object,
                1..=ATTESTATION_OBJECT_MAX,
            )?,
            transports: transports(json.response.transports)?,
        })
    }
}

impl TryFrom<AuthenticationJson> for AuthenticationResponse {
    type Error = WebauthnError;

    fn try_from(json: AuthenticationJson) -> Result<Self, WebauthnError> {
        let response = &json.response;
        Ok(Self {
            credential_id: credential_id(&json.id, &json.raw_id, &json.r#type)?,
            client_data: client_data(&response.client_data)?,
            authenticator_data: decode(
                "authenticatorData",
                &response.authenticator_data,
                1..=AUTHENTICATOR_DATA_MAX,
            )?,
            signature: decode("signature", &response.signature, 1..=SIGNATURE_MAX)?,
            user_handle: response
                .user_handle
                .as_deref()
                .map(|text| decode("userHandle", text, USER_HANDLE_BYTES))
                .transpose()?,
        })
    }
}

fn read<'de, T: Deserialize<'de>>(
    expected: &'static str,
    bytes: &'de [u8],
) -> Result<T, WebauthnError> {
    serde_json::from_slice(bytes).map_err(|error| WebauthnError::Json {
        expected,
        detail: cut(&error.to_string()),
    })
}

fn credential_id(id: &str, raw_id: &str, kind: &str) -> Result<Vec<u8>, WebauthnError> {
    if kind != "public-key" {
        return Err(WebauthnError::CredentialType {
            found: quoted(kind),
        });
    }
    if id != raw_id {
        return Err(WebauthnError::IdsDiffer);
    }
    decode("rawId", raw_id, CREDENTIAL_ID_BYTES)
}

fn client_data(text: &str) -> Result<Vec<u8>, WebauthnError> {
    decode("clientDataJSON", text, 1..=CLIENT_DATA_MAX)
}

/// Sorted and without repetition, as browsers give them (section 5.2.1.1).
fn transports(mut texts: Vec<String>) -> Result<Vec<String>, WebauthnError> {
    check_length("transports", "texts", texts.len(), 0..=TRANSPORTS_MAX)?;
    let is_transport = |text: &String| {
        (1..=32).contains(&text.len())
            && text
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    if let Some(text) = texts.iter().find(|text| !is_transport(text)) {
        return Err(WebauthnError::Transport {
            found: quoted(text),
        });
    }
    texts.sort();
    texts.dedup();
    Ok(texts)
}

/// Decodes the one base64url text of bytes of an accepted length.
fn decode(
    member: &'static str,
    text: &str,
    accepted: RangeInclusive<usize>,
) -> Result<Vec<u8>, WebauthnError> {
    // Checked before decoding: 4 characters are 3 bytes.
    check_length(
        member,
        "bytes",
        text.len() / 4 * 3 + text.len() % 4 * 3 / 4,
        accepted,
    )?;
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|error| WebauthnError::Base64 {
            member,
            detail: match error {
                DecodeError::InvalidByte(at, byte) => {
                    format!("{:?} at character {at}", char::from(byte))
                }
                DecodeError::InvalidLength(length) => {
                    format!("{length} characters do not encode whole bytes")
                }
                DecodeError::InvalidLastSymbol(at, _) => {
                    format!("the last character, at {at}, has excess bits")
                }
                DecodeError::InvalidPadding => "it has padding".to_owned(),
            },
        })
}

fn check_length(
    part: &'static str,
    unit: &'static str,
    found: usize,
    accepted: RangeInclusive<usize>,
) -> Result<(), WebauthnError> {
    if accepted.contains(&found) {
        return Ok(());
    }
    Err(WebauthnError::Length {
        part,
        unit,
        found,
        min: *accepted.start(),
        max: *accepted.end(),
    })
}

#[cfg(test)]
mod tests;
