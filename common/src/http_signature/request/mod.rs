//! Signed requests.

use std::fmt;

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{header::CONTENT_TYPE, request::Parts};
use sfv::{BareItem, Parameters, StringRef};

use super::{
    AttestationDigest, CONTENT_DIGEST, DigestError, KeyError, ProfileError, PublicKey,
    SIGNATURE_LEN, SignError, SigningKey,
    base::{SignatureBase, path, query},
    digest::{check_content_digest, content_digest},
    profile::{FIELD_MAX, SignatureFields, check_created, created, optional, required, set, write},
};
use crate::{
    api::{ATTESTATION_HEADER, IDEMPOTENCY_HEADER, is_name},
    problem::ProblemType,
};

/// Signs a request: sets `Content-Digest`, `X-Enclave-Attestation`, `Signature-Input` and `Signature`.
///
/// `Content-Type` and `Idempotency-Key` are covered if they are set before. `keyid` is the principal's name
/// ([`is_name`]), `created` seconds since 1970, `nonce` used once ([`fresh_nonce`]), and
/// `attestation` names the boot that the request is for.
///
/// # Errors
/// [`SignError::Profile`] if the request would not be accepted, [`SignError::Key`].
pub fn sign_request(
    parts: &mut Parts,
    body: &[u8],
    key: &SigningKey,
    keyid: &str,
    created: u64,
    nonce: &str,
    attestation: &AttestationDigest,
) -> Result<(), SignError> {
    let parameters = RequestParameters {
        created,
        nonce,
        keyid,
    };
    parameters.check()?;
    let digest = content_digest(body);
    let attestation = attestation.to_string();
    let covered = cover(parts, &digest, &attestation)?;
    set(&mut parts.headers, CONTENT_DIGEST, &digest)?;
    set(&mut parts.headers, ATTESTATION_HEADER, &attestation)?;
    write(
        &mut parts.headers,
        covered,
        &parameters.to_string(),
        |base| key.sign(base),
    )
}

/// A request of the form of the profile, with the body of its digest. Its signature is not checked yet.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    keyid: String,
    created: u64,
    nonce: String,
    attestation: AttestationDigest,
    base: String,
    signature: [u8; SIGNATURE_LEN],
}

/// Why a request is not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// It carries no signature, or does not have the form of the profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Its `Content-Digest` is not that of its body.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// Its signature does not verify: it was altered, or signed by another key.
    #[error("the signature does not verify with the {0} key of this keyid")]
    Signature(super::Algorithm),
}

impl SignedRequest {
    /// Reads a request and checks everything except the signature, the time, the nonce and the boot.
    ///
    /// # Errors
    /// [`RequestError::Profile`], [`RequestError::Digest`].
    pub fn parse(parts: &Parts, body: &[u8]) -> Result<Self, RequestError> {
        let fields = SignatureFields::of(&parts.headers)?;
        let signature = fields.signature()?;
        let digest = required(&parts.headers, CONTENT_DIGEST, FIELD_MAX)?;
        let attestation = required(&parts.headers, ATTESTATION_HEADER, FIELD_MAX)?;
        let covered = cover(parts, digest, attestation)?;
        let came = fields.parameters(&covered, &["created", "nonce", "keyid"])?;
        let parameters = RequestParameters::read(&came)?;
        let base = fields.base(covered, &parameters.to_string())?;
        check_content_digest(digest, body)?;
        Ok(Self {
            keyid: parameters.keyid.to_owned(),
            created: parameters.created,
            nonce: parameters.nonce.to_owned(),
            attestation: attestation.parse().map_err(ProfileError::from)?,
            base,
            signature,
        })
    }

    /// The name of the principal that the request claims to be from.
    pub fn keyid(&self) -> &str {
        &self.keyid
    }

    /// When it was signed, by the client's clock: seconds since 1970.
    pub fn created(&self) -> u64 {
        self.created
    }

    /// What makes it unique: 16 to 64 characters of base64url.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The boot that it is for.
    pub fn attestation(&self) -> &AttestationDigest {
        &self.attestation
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`RequestError::Signature`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), RequestError> {
        key.verify(self.base.as_bytes(), &self.signature)
            .map_err(|_: KeyError| RequestError::Signature(key.algorithm()))
    }
}

impl RequestError {
    /// The type of the problem that the client gets.
    pub fn problem_type(&self) -> ProblemType {
        match self {
            Self::Profile(error) if error.field() == Some(CONTENT_DIGEST) => {
                ProblemType::ContentDigestMismatch
            }
            Self::Digest(_) => ProblemType::ContentDigestMismatch,
            Self::Profile(_) => ProblemType::SignatureMissing,
            Self::Signature(_) => ProblemType::SignatureInvalid,
        }
    }
}

/// A nonce of 16 random bytes: 22 characters of base64url.
///
/// # Errors
/// [`KeyError::Library`] if the library fails to give random bytes.
pub fn fresh_nonce() -> Result<String, KeyError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| KeyError::Library("give random bytes"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether a text may be a `nonce`: 16 to 64 of the alphabet of base64url (RFC 4648 section 5), without padding.
pub fn is_nonce(text: &str) -> bool {
    (16..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// The components that a request must cover, with their values.
fn cover(parts: &Parts, digest: &str, attestation: &str) -> Result<SignatureBase, ProfileError> {
    if query(&parts.uri) == "?" && parts.uri.query().is_some() {
        let target = parts.uri.path().chars().take(256).collect();
        return Err(ProfileError::EmptyQuery(target));
    }
    let headers = &parts.headers;
    let mut base = SignatureBase::new();
    base.cover("\"@method\"", parts.method.as_str());
    base.cover("\"@path\"", path(&parts.uri));
    base.cover("\"@query\"", query(&parts.uri));
    base.cover("\"content-digest\"", digest);
    base.cover("\"x-enclave-attestation\"", attestation);
    if let Some(value) = optional(headers, CONTENT_TYPE.as_str(), FIELD_MAX)? {
        base.cover("\"content-type\"", value);
    }
    if let Some(value) = optional(headers, IDEMPOTENCY_HEADER, FIELD_MAX)? {
        base.cover("\"idempotency-key\"", value);
    }
    Ok(base)
}

/// The parameters of a request's signature; `Display` writes them in the form in which they follow the components.
struct RequestParameters<'a> {
    created: u64,
    nonce: &'a str,
    keyid: &'a str,
}

impl<'a> RequestParameters<'a> {
    fn read(came: &'a Parameters) -> Result<Self, ProfileError> {
        let text = |name| {
            came.get(name)
                .and_then(BareItem::as_string)
                .map(StringRef::as_str)
        };
        let parameters = Self {
            created: created(came)?,
            nonce: text("nonce").unwrap_or_default(),
            keyid: text("keyid").unwrap_or_default(),
        };
        parameters.check()?;
        Ok(parameters)
    }

    fn check(&self) -> Result<(), ProfileError> {
        check_created(self.created)?;
        if !is_nonce(self.nonce) {
            return Err(ProfileError::Parameter {
                parameter: "nonce",
                accepted: "a string of 16 to 64 of A-Z a-z 0-9 - _",
            });
        }
        if !is_name(self.keyid) {
            return Err(ProfileError::Parameter {
                parameter: "keyid",
                accepted: "a string of 1 to 64 of A-Z a-z 0-9 - _ .",
            });
        }
        Ok(())
    }
}

impl fmt::Display for RequestParameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            created,
            nonce,
            keyid,
        } = self;
        write!(f, ";created={created};nonce=\"{nonce}\";keyid=\"{keyid}\"")
    }
}

#[cfg(test)]
mod tests;
