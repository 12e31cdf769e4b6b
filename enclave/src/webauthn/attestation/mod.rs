//! Attestation objects: authenticator data, and a statement that vouches for it (WebAuthn Level 3 section 6.5.4).

mod certificate;
mod roots;

use std::time::Duration;

use ciborium::Value;
use rustls::pki_types::CertificateDer;

use super::{
    AUTHENTICATOR_DATA_MAX, CERTIFICATES_MAX, CoseKey, WebauthnError,
    authentication::signed_message, cbor, error::quoted,
};
pub use roots::AttestationRoots;
use roots::Certified;

/// An attestation object whose statement is not checked yet.
pub(super) struct AttestationObject {
    pub(super) authenticator_data: Vec<u8>,
    format: String,
    statement: Vec<Entry>,
}

type Entry = (Value, Value);

/// What vouches for the passkey, according to the statement.
enum Statement<'a> {
    None,
    Own {
        algorithm: i128,
        signature: &'a [u8],
    },
    Certified(Certified<'a>),
}

impl AttestationObject {
    /// Parses the map of `fmt`, `attStmt` and `authData`, and nothing else.
    ///
    /// The browser or password manager writes this map, and some do not sort its keys. No signature covers it, so any order is accepted.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, WebauthnError> {
        let (mut format, mut statement, mut data) = (None, None, None);
        for (key, value) in cbor::unordered_map(PART, bytes)? {
            let place = match key.as_text() {
                Some("fmt") => &mut format,
                Some("attStmt") => &mut statement,
                Some("authData") => &mut data,
                _ => return Err(shape(format!("one with the key {}", shown(&key)))),
            };
            if place.replace(value).is_some() {
                return Err(shape(format!("one with the key {} twice", shown(&key))));
            }
        }
        let (Some(Value::Text(format)), Some(Value::Map(statement)), Some(Value::Bytes(data))) =
            (format, statement, data)
        else {
            return Err(shape(
                "one that lacks a key, or has a value of another type",
            ));
        };
        if data.len() > AUTHENTICATOR_DATA_MAX {
            return Err(WebauthnError::Length {
                part: "authData",
                unit: "bytes",
                found: data.len(),
                min: 0,
                max: AUTHENTICATOR_DATA_MAX,
            });
        }
        Ok(Self {
            authenticator_data: data,
            format,
            statement,
        })
    }

    /// Checks the statement. Without attestation roots it must be empty (section 8.7) or signed by the credential's own key (section
    /// 8.2, self attestation). With attestation roots it must have a vendor's certificates (section 8.2).
    pub(super) fn check_statement(
        &self,
        key: &CoseKey,
        model: &[u8; 16],
        client_data: &[u8],
        asked: Option<(&AttestationRoots, Duration)>,
    ) -> Result<(), WebauthnError> {
        let message = signed_message(&self.authenticator_data, client_data);
        match (self.statement()?, asked) {
            (Statement::None | Statement::Own { .. }, Some(_)) => {
                Err(WebauthnError::AttestationMissing)
            }
            (Statement::Certified(statement), Some((roots, now))) => {
                roots.check(&statement, &message, model, now)
            }
            (Statement::None, None) => Ok(()),
            (
                Statement::Own {
                    algorithm,
                    signature,
                },
                None,
            ) => check_self_attestation(key, algorithm, signature, &message),
            (Statement::Certified(_), None) => Err(WebauthnError::AttestationCertificates),
        }
    }

    fn statement(&self) -> Result<Statement<'_>, WebauthnError> {
        match (self.format.as_str(), self.statement.as_slice()) {
            ("none", []) => Ok(Statement::None),
            ("none", _) => Err(self.members("none", "none")),
            ("packed", [alg, sig, x5c @ ..]) if x5c.len() < 2 => self.packed(alg, sig, x5c.first()),
            ("packed", _) => Err(self.members("packed", PACKED)),
            (other, _) => Err(WebauthnError::AttestationFormat {
                found: quoted(other),
            }),
        }
    }

    fn packed<'a>(
        &'a self,
        alg: &Entry,
        sig: &'a Entry,
        x5c: Option<&'a Entry>,
    ) -> Result<Statement<'a>, WebauthnError> {
        let members = || self.members("packed", PACKED);
        let algorithm = named(alg, "alg").and_then(Value::as_integer);
        let signature = named(sig, "sig").and_then(Value::as_bytes);
        let (Some(algorithm), Some(signature)) = (algorithm.map(i128::from), signature) else {
            return Err(members());
        };
        let Some(x5c) = x5c else {
            return Ok(Statement::Own {
                algorithm,
                signature,
            });
        };
        let certificates = named(x5c, "x5c")
            .and_then(Value::as_array)
            .ok_or_else(members)?;
        let (first, others) = match certificates.split_first() {
            Some((first, others)) if others.len() < CERTIFICATES_MAX => (first, others),
            _ => {
                return Err(WebauthnError::Length {
                    part: "x5c",
                    unit: "certificates",
                    found: certificates.len(),
                    min: 1,
                    max: CERTIFICATES_MAX,
                });
            }
        };
        let der = |certificate: &'a Value| {
            let der = certificate.as_bytes().ok_or_else(members)?;
            Ok(CertificateDer::from(der.as_slice()))
        };
        Ok(Statement::Certified(Certified {
            algorithm,
            signature,
            first: der(first)?,
            others: others.iter().map(der).collect::<Result<_, _>>()?,
        }))
    }

    fn members(&self, format: &'static str, accepted: &'static str) -> WebauthnError {
        let names = self.statement.iter().take(8);
        let found: Vec<_> = names
            .map(|(name, value)| format!("{} ({})", shown(name), cbor::kind(value)))
            .collect();
        WebauthnError::AttestationMembers {
            format,
            found: found.join(", ").chars().take(256).collect(),
            accepted,
        }
    }
}

fn check_self_attestation(
    key: &CoseKey,
    algorithm: i128,
    signature: &[u8],
    message: &[u8],
) -> Result<(), WebauthnError> {
    let accepted = key.algorithm().cose();
    if algorithm != i128::from(accepted) {
        return Err(WebauthnError::AttestationAlgorithm {
            found: algorithm.to_string(),
            accepted: format!("{accepted}, the credential key's own"),
        });
    }
    key.verify(message, signature)
        .map_err(|_| WebauthnError::AttestationSignature {
            algorithm: key.algorithm(),
            signer: "the credential's key",
        })
}

/// The entry's value, if it has this name.
fn named<'a>(entry: &'a Entry, name: &str) -> Option<&'a Value> {
    (entry.0.as_text() == Some(name)).then_some(&entry.1)
}

fn shape(found: impl Into<String>) -> WebauthnError {
    WebauthnError::Shape {
        part: PART,
        found: found.into(),
        accepted: "a map of fmt (a text), attStmt (a map) and authData (a byte string)",
    }
}

fn shown(key: &Value) -> String {
    match key {
        Value::Text(text) => quoted(text),
        other => cbor::kind(other).to_owned(),
    }
}

const PART: &str = "the attestation object";

const PACKED: &str = "alg (an integer), sig (a byte string) and perhaps x5c (an array of byte strings), in this order";
