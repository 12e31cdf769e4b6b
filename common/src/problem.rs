//! Every error a caller can see, as RFC 9457 problem details.
//!
//! A [`ProblemType`] is stable: its slug, its status and its meaning do not change between releases.

use serde::{Deserialize, Serialize};

/// An error response: `application/problem+json` (RFC 9457 section 3.1).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `urn:permafrost:problem:` and the slug of a [`ProblemType`].
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The problem type in a few words; the same for every occurrence.
    pub title: String,
    /// The HTTP status code of this response.
    pub status: u16,
    /// What was wrong this time, and what would have been accepted.
    pub detail: String,
    /// One entry for each part of the request that was not accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Seconds to wait before trying again, if waiting helps; also sent as `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// One part of a request that was not accepted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Where: a JSON pointer into the body (`/threshold`), `query:NAME`, `path:NAME` or `header:NAME`.
    pub field: String,
    /// What came.
    pub detail: String,
    /// What would have been accepted.
    pub accepted: String,
}

impl Problem {
    /// A problem of the given type; `detail` says what happened this time.
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self {
            type_uri: kind.uri(),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// An [`ProblemType::InvalidRequest`] about one field.
    pub fn field(
        field: impl Into<String>,
        detail: impl Into<String>,
        accepted: impl Into<String>,
    ) -> Self {
        let error = FieldError {
            field: field.into(),
            detail: detail.into(),
            accepted: accepted.into(),
        };
        let mut problem = Self::new(
            ProblemType::InvalidRequest,
            format!(
                "{}: {}; accepted: {}",
                error.field, error.detail, error.accepted
            ),
        );
        problem.errors.push(error);
        problem
    }

    /// Sets the seconds to wait before trying again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The type of this problem, if it is one that this version knows.
    pub fn kind(&self) -> Option<ProblemType> {
        ProblemType::ALL
            .iter()
            .copied()
            .find(|kind| kind.uri() == self.type_uri)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.title, self.status, self.detail)
    }
}

impl std::error::Error for Problem {}

macro_rules! problem_types {
    ($($(#[doc = $doc:literal])+ $name:ident = $slug:literal, $status:literal, $title:literal;)+) => {
        /// What went wrong, as a caller's program should distinguish it.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum ProblemType {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ProblemType {
            /// Every problem type, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The last part of the type URI.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)+ }
            }

            /// The HTTP status code.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// The type in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// The meaning of the type, in a sentence or two.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+),)+ }
            }
        }
    };
}

impl ProblemType {
    /// The type URI: `urn:permafrost:problem:SLUG`.
    pub fn uri(self) -> String {
        format!("urn:permafrost:problem:{}", self.slug())
    }
}

problem_types! {
    /// A part of the request is not of the form or range that the API description gives; `errors` names each part.
    InvalidRequest = "invalid-request", 400, "Invalid request";
    /// There is no such path.
    NotFound = "not-found", 404, "Not found";
    /// The path exists, but not with this method.
    MethodNotAllowed = "method-not-allowed", 405, "Method not allowed";
    /// The body is not of the media type that the operation takes.
    UnsupportedMediaType = "unsupported-media-type", 415, "Unsupported media type";
    /// The body is longer than the measured configuration allows.
    BodyTooLarge = "body-too-large", 413, "Body too large";
    /// The header fields are longer, all together, than the measured configuration allows.
    HeadersTooLarge = "headers-too-large", 431, "Header fields too large";
    /// The request did not arrive, or was not answered, within the time that the measured configuration allows.
    RequestTimeout = "request-timeout", 408, "Request timeout";
    /// As many requests as the measured configuration allows are being worked on.
    Overloaded = "overloaded", 503, "Overloaded";
    /// The request carries no `Signature` and `Signature-Input`, or they do not fit the profile of RFC 9421 used here.
    SignatureMissing = "signature-missing", 401, "Signature missing or malformed";
    /// No principal of the measured configuration has this `keyid`.
    UnknownPrincipal = "unknown-principal", 401, "Unknown principal";
    /// The signature does not verify: the request was altered, or signed by another key.
    SignatureInvalid = "signature-invalid", 401, "Signature invalid";
    /// `Content-Digest` is missing, malformed or not that of the body.
    ContentDigestMismatch = "content-digest-mismatch", 401, "Content digest mismatch";
    /// `created` is too old, or in the future, by the enclave's clock.
    RequestExpired = "request-expired", 401, "Request expired";
    /// A request with this `nonce` was accepted before.
    RequestReplayed = "request-replayed", 401, "Request replayed";
    /// The request names another boot than this one: fetch and verify the attestation document, then sign anew.
    WrongEnclave = "wrong-enclave", 421, "Meant for another enclave";
    /// The principal's policy does not allow this.
    NotPermitted = "not-permitted", 403, "Not permitted";
    /// The principal has used up its rate.
    RateLimited = "rate-limited", 429, "Rate limited";
    /// A creating request needs an `Idempotency-Key`.
    IdempotencyKeyMissing = "idempotency-key-missing", 400, "Idempotency key missing";
    /// The `Idempotency-Key` was used before, by the same principal, for a different request.
    IdempotencyKeyReused = "idempotency-key-reused", 422, "Idempotency key reused";
    /// There is no such key, or the principal may not know of it.
    KeyNotFound = "key-not-found", 404, "Key not found";
    /// The key is disabled and does not sign.
    KeyDisabled = "key-disabled", 409, "Key disabled";
    /// Another key took the place of this one before.
    KeyReplaced = "key-replaced", 409, "Key replaced before";
    /// Another request changed the key at the same time; nothing of this one was done.
    KeyConflict = "key-conflict", 409, "Key changed meanwhile";
    /// The store gave a record that this deployment did not seal for this place and version: altered, moved, truncated or foreign.
    RecordInvalid = "record-invalid", 502, "Sealed record invalid";
    /// The store gave an older version of a record than this enclave has seen.
    RecordRolledBack = "record-rolled-back", 502, "Sealed record rolled back";
    /// The store has lost a record that this enclave has seen.
    RecordLost = "record-lost", 502, "Sealed record lost";
    /// The record store does not answer, or not as it should; nothing was done, or the request can be repeated safely.
    StoreUnavailable = "store-unavailable", 503, "Record store unavailable";
    /// The enclave has no root secret yet, or not yet that of an epoch which another enclave has just made.
    NotReady = "not-ready", 503, "Not ready";
    /// The operation needs a passkey's response to just this request, and none came.
    PasskeyRequired = "passkey-required", 401, "Passkey required";
    /// The passkey's response, or a part of it, is not of its form.
    PasskeyMalformed = "passkey-malformed", 400, "Passkey response malformed";
    /// The passkey's response is of another ceremony: a registration where an assertion is asked for, or the other way round.
    PasskeyCeremony = "passkey-ceremony", 401, "Passkey response of another ceremony";
    /// The passkey signed another challenge: another request, or another purpose, was approved.
    PasskeyChallenge = "passkey-challenge", 401, "Another request was approved";
    /// The page that asked the passkey is none of this deployment's, or was embedded in another.
    PasskeyOrigin = "passkey-origin", 401, "Passkey asked by another origin";
    /// The passkey is for another relying party.
    PasskeyRelyingParty = "passkey-relying-party", 401, "Passkey of another relying party";
    /// The authenticator did not verify the user.
    PasskeyUserVerification = "passkey-user-verification", 401, "User not verified";
    /// The passkey's key is of an algorithm or a form that is not accepted.
    PasskeyAlgorithm = "passkey-algorithm", 401, "Passkey algorithm not accepted";
    /// The passkey's attestation statement is not accepted.
    PasskeyAttestation = "passkey-attestation", 401, "Passkey attestation not accepted";
    /// The passkey is none of this user's, or was revoked, or waits for approval.
    PasskeyUnknown = "passkey-unknown", 401, "Passkey unknown";
    /// The passkey's signature does not verify.
    PasskeySignature = "passkey-signature", 401, "Passkey signature invalid";
    /// The passkey's signature counter did not grow: it was copied, or its response is an old one.
    PasskeyCounter = "passkey-counter", 401, "Passkey counter went back";
    /// A passkey of this credential id was registered before.
    PasskeyExists = "passkey-exists", 409, "Passkey registered before";
    /// None of the user's passkeys has this id.
    PasskeyNotFound = "passkey-not-found", 404, "Passkey not found";
    /// The user's last passkey is not revoked as long as there is no way to recover.
    LastPasskey = "last-passkey", 409, "Last passkey";
    /// The nonce is not of this boot, or not for this purpose.
    ChallengeInvalid = "challenge-invalid", 401, "Challenge invalid";
    /// The nonce was made more than two minutes ago.
    ChallengeExpired = "challenge-expired", 401, "Challenge expired";
    /// An approval with this nonce was accepted before.
    ChallengeUsed = "challenge-used", 401, "Challenge used";
    /// The session has expired or was ended, or there never was one.
    SessionEnded = "session-ended", 401, "Session ended";
    /// None of the user's sessions has this id.
    SessionNotFound = "session-not-found", 404, "Session not found";
    /// The device facts are not those of the login: a new login is needed.
    DeviceChanged = "device-changed", 401, "Device changed";
    /// The deployment has no people: its measured configuration has no section `[people]`.
    NoPeople = "no-people", 404, "No people here";
    /// There is no user of this id.
    UserNotFound = "user-not-found", 404, "User not found";
    /// Another request changed the user at the same time; nothing of this one was done.
    UserConflict = "user-conflict", 409, "User changed meanwhile";
    /// There is no room for another one.
    TooMany = "too-many", 409, "Too many";
    /// The link code was used, has expired, or never was one.
    LinkInvalid = "link-invalid", 404, "Link code invalid";
    /// The user has nobody who could approve a recovery.
    RecoveryImpossible = "recovery-impossible", 409, "Recovery impossible";
    /// No such recovery is under way.
    RecoveryNotFound = "recovery-not-found", 404, "Recovery not found";
    /// The recovery waits for guardians, or its delay is not over.
    RecoveryNotReady = "recovery-not-ready", 409, "Recovery not ready";
    /// The recovery code is none of the user's, or was used.
    RecoveryCodeInvalid = "recovery-code-invalid", 403, "Recovery code invalid";
    /// KMS gave no data key; nothing was done, and the request can be repeated.
    KmsUnavailable = "kms-unavailable", 503, "KMS unavailable";
    /// The newest epoch of the root secret is another than the request says; nothing was done.
    EpochConflict = "epoch-conflict", 409, "Another newest epoch";
    /// Records may still be sealed in the epochs to be retired: a whole pass of resealing comes first.
    EpochInUse = "epoch-in-use", 409, "Epoch in use";
    /// The NSM made no attestation document.
    AttestationUnavailable = "attestation-unavailable", 503, "Attestation unavailable";
    /// The request was sealed to a key that this boot does not have, or altered: fetch the key configurations, compare them with the attestation document, then seal anew.
    ObliviousKeyUnknown = "oblivious-key-unknown", 401, "Sealed to an unknown key";
    /// The body is not an encapsulated request (RFC 9458), or what was sealed in it is not a request (RFC 9292).
    ObliviousRequestInvalid = "oblivious-request-invalid", 400, "Invalid encapsulated request";
    /// The parent instance cannot reach the enclave (said by the parent, unsigned).
    EnclaveUnreachable = "enclave-unreachable", 503, "Enclave unreachable";
    /// The enclave broke a promise of its own; the log has the details, without secrets.
    Internal = "internal", 500, "Internal error";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_unique_and_lead_back_to_their_type() {
        for kind in ProblemType::ALL {
            assert_eq!(Problem::new(*kind, "x").kind(), Some(*kind));
        }
    }
}
