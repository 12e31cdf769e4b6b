//! The credentials of the enclave's own store, sealed by an administrator so that one boot of one enclave opens them.
//!
//! A client seals with [`CredentialsContext::seal`] to the key that the attestation document binds; the enclave opens with
//! [`CredentialsContext::open`]. Both state the same context, or nothing opens. `docs/formats.md` has the bytes.

use permafrost_frost::Hex;
use zeroize::Zeroizing;

use crate::api::SealedCredentials;
use crate::egress::Credentials;
use crate::http_signature::AttestationDigest;
use crate::oblivious::{CryptoError, GatewayKey, KeyConfiguration, info};

/// The longest credentials that are accepted, in bytes of their JSON.
pub const CREDENTIALS_MAX: usize = 8 * 1024;

/// What sealed credentials are for.
#[derive(Clone, Copy, Debug)]
pub struct CredentialsContext<'a> {
    /// The deployment's name.
    pub deployment: &'a str,
    /// The boot, by the digest of its attestation document.
    pub boot: &'a AttestationDigest,
    /// The principal that sends them.
    pub principal: &'a str,
    /// The id of the access key, as the request names it.
    pub access_key_id: &'a str,
}

/// Sealed credentials do not open: they were sealed to another key, or for another context, or altered; or what is in them is not
/// credentials of the access key that the request names.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the sealed credentials do not open; accepted: credentials that were sealed to the key of this boot, for exactly this deployment, \
     principal and access key"
)]
pub struct CredentialsNotOpened;

/// Credentials that are not accepted; the rule has no part of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{field}: accepted: {accepted}")]
pub struct CredentialsError {
    /// Which field.
    pub field: &'static str,
    /// What would be accepted.
    pub accepted: &'static str,
}

impl CredentialsContext<'_> {
    /// Seals credentials to the key of the boot.
    ///
    /// # Errors
    /// [`CryptoError`], also if the key is of small order.
    pub fn seal(
        &self,
        key: &KeyConfiguration,
        credentials: &Credentials,
    ) -> Result<SealedCredentials, CryptoError> {
        let json = to_json(credentials).map_err(|_| CryptoError("cannot write the credentials"))?;
        let (enc, ciphertext) = key.seal_message(&self.info(), &json)?;
        Ok(SealedCredentials {
            access_key_id: self.access_key_id.to_owned(),
            enc: Hex(enc),
            ciphertext: hex::encode(ciphertext),
        })
    }

    /// Opens credentials that were sealed for this context.
    ///
    /// # Errors
    /// [`CredentialsNotOpened`].
    pub fn open(
        &self,
        key: &GatewayKey,
        sealed: &SealedCredentials,
    ) -> Result<Credentials, CredentialsNotOpened> {
        let is_upper = |b: u8| b.is_ascii_uppercase();
        let ciphertext = hex::decode(&sealed.ciphertext)
            .ok()
            .filter(|_| !sealed.ciphertext.bytes().any(is_upper))
            .ok_or(CredentialsNotOpened)?;
        let opened = key.open_message(&self.info(), &sealed.enc.0, &ciphertext);
        let opened = Zeroizing::new(opened.ok_or(CredentialsNotOpened)?);
        of_json(&opened)
            .ok()
            .filter(|credentials| credentials.access_key_id == self.access_key_id)
            .ok_or(CredentialsNotOpened)
    }

    /// `info` of the HPKE context: the label, and each value with its length before it.
    pub fn info(&self) -> Vec<u8> {
        let values = [
            self.deployment.as_bytes(),
            self.boot.as_bytes(),
            self.principal.as_bytes(),
            self.access_key_id.as_bytes(),
        ];
        info(LABEL, values)
    }
}

/// Begins no other `info` of messages that are sealed to the same key.
const LABEL: &[u8] = b"permafrost store credentials v1\x00";

/// Credentials as they are sealed: JSON under the names of [`Credentials`], without an expiration.
///
/// # Errors
/// [`check`]'s, and what is too long.
pub fn to_json(credentials: &Credentials) -> Result<Zeroizing<Vec<u8>>, CredentialsError> {
    check(credentials)?;
    let mut json = Zeroizing::new(Vec::with_capacity(CREDENTIALS_MAX));
    serde_json::to_writer(&mut *json, credentials).map_err(|_| TOO_LONG)?;
    match json.len() <= CREDENTIALS_MAX {
        true => Ok(json),
        false => Err(TOO_LONG),
    }
}

/// Reads what [`to_json`] wrote, and nothing else.
///
/// # Errors
/// [`CredentialsError`].
pub fn of_json(json: &[u8]) -> Result<Credentials, CredentialsError> {
    let form = CredentialsError {
        field: "credentials",
        accepted: "JSON of an access key, in its one encoding",
    };
    let credentials: Credentials = serde_json::from_slice(json).map_err(|_| form)?;
    match to_json(&credentials)?.as_slice() == json {
        true => Ok(credentials),
        false => Err(form),
    }
}

/// Whether credentials have the form of AWS's (IAM API Reference, `AccessKey`; STS API Reference, `Credentials`).
///
/// # Errors
/// The first field that has not.
pub fn check(credentials: &Credentials) -> Result<(), CredentialsError> {
    let refuse = |field, accepted| Err(CredentialsError { field, accepted });
    let id = credentials.access_key_id.as_bytes();
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    if !(16..=128).contains(&id.len()) || !id.iter().all(is_word) {
        return refuse("AccessKeyId", "16 to 128 letters, digits and _");
    }
    let is_visible = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
    let secret = &credentials.secret_access_key;
    if !(16..=128).contains(&secret.len()) || !is_visible(secret) {
        return refuse("SecretAccessKey", "16 to 128 visible ASCII characters");
    }
    if let Some(token) = &credentials.token
        && (token.is_empty() || !is_visible(token))
    {
        return refuse("Token", "visible ASCII characters");
    }
    if credentials.expiration.is_some() {
        return refuse("Expiration", "none");
    }
    Ok(())
}

const TOO_LONG: CredentialsError = CredentialsError {
    field: "credentials",
    accepted: "at most 8192 bytes of JSON",
};

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> (GatewayKey, KeyConfiguration) {
        let key = GatewayKey::generate().unwrap();
        let public = KeyConfiguration::first_usable(&key.key_configurations()).unwrap();
        (key, public)
    }

    fn credentials() -> Credentials {
        Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            token: Some("session/token==".to_owned()),
            expiration: None,
        }
    }

    #[test]
    fn sealed_credentials_open_for_their_context_alone() {
        let (key, public) = keys();
        let (boot, other_boot) = (AttestationDigest::of(b"a"), AttestationDigest::of(b"b"));
        let context = CredentialsContext {
            deployment: "test",
            boot: &boot,
            principal: "operator",
            access_key_id: "AKIAIOSFODNN7EXAMPLE",
        };
        let sealed = context.seal(&public, &credentials()).unwrap();
        assert_eq!(context.open(&key, &sealed).unwrap(), credentials());
        for other in [
            CredentialsContext {
                deployment: "testo",
                principal: "perator",
                ..context
            },
            CredentialsContext {
                deployment: "other",
                ..context
            },
            CredentialsContext {
                boot: &other_boot,
                ..context
            },
            CredentialsContext {
                principal: "other",
                ..context
            },
            CredentialsContext {
                access_key_id: "AKIAI44QH8DHBEXAMPLE",
                ..context
            },
        ] {
            let opened = other.open(&key, &sealed);
            assert_eq!(opened.unwrap_err(), CredentialsNotOpened, "{other:?}");
        }
        assert!(context.open(&keys().0, &sealed).is_err());
        for at in 0..sealed.ciphertext.len() {
            let mut altered = sealed.clone();
            let other = match altered.ciphertext.as_bytes()[at] {
                b'0' => "1",
                _ => "0",
            };
            altered.ciphertext.replace_range(at..=at, other);
            assert!(context.open(&key, &altered).is_err(), "{at}");
        }
    }

    #[test]
    fn credentials_of_another_access_key_than_the_context_names_do_not_open() {
        let (key, public) = keys();
        let boot = AttestationDigest::of(b"a");
        let context = CredentialsContext {
            deployment: "test",
            boot: &boot,
            principal: "operator",
            access_key_id: "AKIAI44QH8DHBEXAMPLE",
        };
        let sealed = context.seal(&public, &credentials()).unwrap();
        assert!(context.open(&key, &sealed).is_err());
    }

    #[test]
    fn credentials_have_one_encoding() {
        let json = to_json(&credentials()).unwrap();
        assert_eq!(of_json(&json).unwrap(), credentials());
        let text = String::from_utf8(json.to_vec()).unwrap();
        for other in [
            text.replace(",\"", ", \""),
            text.replace("\"}", "\",\"Expiration\":\"2026-01-01T00:00:00Z\"}"),
            text.replace("\"}", "\",\"Other\":1}"),
            format!("{text}\n"),
            String::new(),
        ] {
            assert!(of_json(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn what_is_not_an_access_key_is_refused_by_field_and_not_repeated() {
        type Alter = fn(&mut Credentials);
        let cases: [(Alter, &str); 6] = [
            (|c| c.access_key_id = "AKIA".to_owned(), "AccessKeyId"),
            (|c| c.access_key_id.push('-'), "AccessKeyId"),
            (
                |c| c.secret_access_key = "short".to_owned(),
                "SecretAccessKey",
            ),
            (|c| c.secret_access_key.push('\n'), "SecretAccessKey"),
            (|c| c.token = Some(String::new()), "Token"),
            (
                |c| c.token = Some("a".repeat(CREDENTIALS_MAX)),
                "at most 8192",
            ),
        ];
        for (alter, named) in cases {
            let mut altered = credentials();
            alter(&mut altered);
            let error = to_json(&altered).unwrap_err().to_string();
            assert!(error.contains(named) && !error.contains("wJalr"), "{error}");
        }
    }
}
