//! Attestation objects: authenticator data, and a statement of who vouches for it (WebAuthn Level 3 section 6.5.4).

use ciborium::Value;

use super::{
    AUTHENTICATOR_DATA_MAX, CoseKey, WebauthnError, authentication::signed_message, cbor,
    error::quoted,
};

/// An attestation object whose statement is not checked yet.
pub(super) struct AttestationObject {
    pub(super) authenticator_data: Vec<u8>,
    format: String,
    statement: Vec<(Value, Value)>,
}

impl AttestationObject {
    /// Parses the map of `fmt`, `attStmt` and `authData`, and nothing else.
    ///
    /// The browser or password manager writes this map, and some do not sort its keys. Nothing signs it, so any order is accepted.
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

    /// Checks the statement: none at all (section 8.7), or the credential's own key vouches for itself (section 8.2).
    pub(super) fn check_statement(
        &self,
        key: &CoseKey,
        client_data: &[u8],
    ) -> Result<(), WebauthnError> {
        match self.format.as_str() {
            "none" if self.statement.is_empty() => Ok(()),
            "none" => Err(self.members("none", "none")),
            "packed" => self.check_self_attestation(key, client_data),
            other => Err(WebauthnError::AttestationFormat {
                found: quoted(other),
            }),
        }
    }

    fn check_self_attestation(
        &self,
        key: &CoseKey,
        client_data: &[u8],
    ) -> Result<(), WebauthnError> {
        if self
            .statement
            .iter()
            .any(|(name, _)| name.as_text() == Some("x5c"))
        {
            return Err(WebauthnError::AttestationCertificates);
        }
        let (algorithm, signature) = match self.statement.as_slice() {
            [
                (Value::Text(alg), Value::Integer(algorithm)),
                (Value::Text(sig), Value::Bytes(signature)),
            ] if alg == "alg" && sig == "sig" => (i128::from(*algorithm), signature),
            _ => return Err(self.members("packed", "alg (an integer) and sig (a byte string)")),
        };
        let accepted = key.algorithm().cose();
        if algorithm != i128::from(accepted) {
            return Err(WebauthnError::AttestationAlgorithm {
                found: algorithm.to_string(),
                accepted,
            });
        }
        key.verify(
            &signed_message(&self.authenticator_data, client_data),
            signature,
        )
        .map_err(|_| WebauthnError::AttestationSignature {
            algorithm: key.algorithm(),
        })
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
