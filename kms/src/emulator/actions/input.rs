//! What the bodies of several requests have in common.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::emulator::authorization::KeyRequest;
use crate::emulator::blob::EncryptionContext;
use crate::emulator::error::KmsError;
use crate::emulator::keys::Keyring;
use crate::emulator::reference::{self, Named};
use crate::emulator::service::Invocation;

/// The one algorithm of symmetric keys, as KMS calls it.
pub(super) const SYMMETRIC_DEFAULT: &str = "SYMMETRIC_DEFAULT";

/// Bytes that come in base64; perhaps secret.
#[derive(Clone)]
pub(in crate::emulator) struct Bytes(Zeroizing<Vec<u8>>);

impl Bytes {
    pub(in crate::emulator) fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        STANDARD
            .decode(text.as_bytes())
            .map(|bytes| Self(Zeroizing::new(bytes)))
            .map_err(|_| de::Error::custom("not base64"))
    }
}

/// A request about one key and nothing else.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfKey {
    pub(super) key_id: Option<String>,
    pub(super) grant_tokens: Option<Vec<String>>,
}

impl Invocation<'_> {
    /// Finds the key of a request.
    pub(super) fn key<'k>(
        &self,
        keyring: &'k Keyring,
        reference: Option<&String>,
    ) -> Result<Named<'k>, KmsError> {
        let reference = reference.ok_or_else(|| KmsError::missing("keyId"))?;
        reference::find(
            keyring,
            self.now_ms(),
            reference,
            &self.identity.arn,
            &self.action,
        )
    }

    /// Finds the key of a request that takes no alias.
    pub(super) fn key_without_alias<'k>(
        &self,
        keyring: &'k Keyring,
        reference: Option<&String>,
    ) -> Result<Named<'k>, KmsError> {
        let reference = reference.ok_or_else(|| KmsError::missing("keyId"))?;
        reference::find_without_alias(
            keyring,
            self.now_ms(),
            reference,
            &self.identity.arn,
            &self.action,
        )
    }

    /// The request as the key's policy is asked about it.
    pub(super) fn about<'a>(&'a self, named: &'a Named<'_>) -> KeyRequest<'a> {
        self.about_action(&self.action, named)
    }

    /// The same for another action than the request's own.
    pub(super) fn about_action<'a>(
        &'a self,
        action: &'a str,
        named: &'a Named<'_>,
    ) -> KeyRequest<'a> {
        let request = KeyRequest::new(self.identity, action, &named.arn);
        match &named.alias {
            Some(alias) => request.with(|context| context.with("kms:RequestAlias", alias)),
            None => request,
        }
    }
}

/// What the cryptographic requests have in common.
pub(super) struct Options<'a> {
    pub(super) context: EncryptionContext,
    pub(super) dry_run: bool,
    pub(super) algorithm: Option<&'a String>,
}

impl<'a> Options<'a> {
    pub(super) fn new(
        context: Option<&EncryptionContext>,
        algorithm: Option<&'a String>,
        grant_tokens: Option<&Vec<String>>,
        dry_run: Option<bool>,
    ) -> Result<Self, KmsError> {
        no_grants(grant_tokens)?;
        check_algorithm(algorithm)?;
        Ok(Self {
            context: context.cloned().unwrap_or_default(),
            dry_run: dry_run.unwrap_or_default(),
            algorithm,
        })
    }

    /// Adds the condition values of a cryptographic request.
    pub(super) fn describe<'r>(&self, request: KeyRequest<'r>) -> KeyRequest<'r> {
        request.with(|values| {
            let values = values.with_encryption_context(&self.context);
            match self.algorithm {
                Some(algorithm) => values.with("kms:EncryptionAlgorithm", algorithm),
                None => values.with("kms:EncryptionAlgorithm", SYMMETRIC_DEFAULT),
            }
        })
    }

    /// Ends a request that only wanted to know.
    pub(super) fn stop_if_dry(&self) -> Result<(), KmsError> {
        match self.dry_run {
            false => Ok(()),
            true => Err(KmsError::new(
                "DryRunOperationException",
                "The request would have succeeded, but the DryRun option is set.",
            )
            .with_status(StatusCode::PRECONDITION_FAILED)),
        }
    }
}

/// Refuses grant tokens: there are no grants.
pub(super) fn no_grants(tokens: Option<&Vec<String>>) -> Result<(), KmsError> {
    match tokens {
        Some(tokens) if !tokens.is_empty() => Err(KmsError::new(
            "InvalidGrantTokenException",
            "The development KMS has no grants.",
        )),
        _ => Ok(()),
    }
}

/// Takes the algorithm of symmetric keys only.
pub(super) fn check_algorithm(algorithm: Option<&String>) -> Result<(), KmsError> {
    match algorithm.map(String::as_str) {
        None | Some(SYMMETRIC_DEFAULT) => Ok(()),
        Some("RSAES_OAEP_SHA_1" | "RSAES_OAEP_SHA_256" | "SM2PKE") => Err(KmsError::new(
            "InvalidKeyUsageException",
            "The algorithm is not one of the key's: SYMMETRIC_DEFAULT.",
        )),
        Some(other) => Err(KmsError::constraint(
            "encryptionAlgorithm",
            other,
            "Member must satisfy enum value set: [SYMMETRIC_DEFAULT, RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256, SM2PKE]",
        )),
    }
}

/// A member that must be there, of so many bytes.
pub(super) fn bounded<'a>(
    member: &str,
    bytes: Option<&'a Bytes>,
    max: usize,
) -> Result<&'a [u8], KmsError> {
    let bytes = bytes.ok_or_else(|| KmsError::missing(member))?.as_slice();
    match bytes.len() {
        // The value may be secret: its length says enough.
        0 => Err(KmsError::validation(format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length \
             greater than or equal to 1"
        ))),
        length if length > max => Err(KmsError::validation(format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length \
             less than or equal to {max}"
        ))),
        _ => Ok(bytes),
    }
}

/// How many entries a listing returns, and from where: `Limit` and `Marker`.
pub(super) fn page<T>(
    mut all: Vec<(String, T)>,
    limit: Option<i64>,
    marker: Option<&String>,
) -> Result<(Vec<T>, Option<String>), KmsError> {
    let limit = limit.unwrap_or(100);
    let size = usize::try_from(limit)
        .ok()
        .filter(|size| (1..=1000).contains(size))
        .ok_or_else(|| {
            KmsError::constraint(
                "limit",
                &limit.to_string(),
                "Member must have value between 1 and 1000, inclusive",
            )
        })?;
    if let Some(marker) = marker {
        let last = all
            .iter()
            .position(|(name, _)| name == marker)
            .ok_or_else(|| {
                KmsError::new("InvalidMarkerException", "Could not deserialize marker")
            })?;
        all.drain(..=last);
    }
    let more = all.len() > size;
    all.truncate(size);
    let next = match more {
        true => all.last().map(|(name, _)| name.clone()),
        false => None,
    };
    Ok((all.into_iter().map(|(_, item)| item).collect(), next))
}

/// A time as AWS JSON 1.1 has it: seconds since 1970, with a fraction.
pub(super) fn epoch_seconds(ms: u64) -> Value {
    let time = OffsetDateTime::UNIX_EPOCH + std::time::Duration::from_millis(ms);
    let whole = time.unix_timestamp_nanos() / 1_000_000;
    // Milliseconds of this millennium are exact in 53 bits.
    #[allow(clippy::cast_precision_loss)]
    let seconds = whole as f64 / 1000.0;
    Value::from(seconds)
}

/// Bytes as AWS JSON 1.1 has them.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
