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
    /// Where: a JSON pointer into the body (`/threshold`), `query:NAME`, `path:NAME`, `header:NAME` or `target`.
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
        Self::about(ProblemType::InvalidRequest, field, detail, accepted)
    }

    /// A problem of the given type about one field.
    pub fn about(
        kind: ProblemType,
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
            kind,
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

impl From<permafrost_frost::InvalidField> for Problem {
    fn from(error: permafrost_frost::InvalidField) -> Self {
        Self::field(error.field, error.came, error.accepted)
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
    /// A part of the request does not have the form or range that the API description gives; `errors` names each such part.
    InvalidRequest = "invalid-request", 400, "Invalid request";
    /// The path does not exist.
    NotFound = "not-found", 404, "Not found";
    /// The path exists, but does not support this method.
    MethodNotAllowed = "method-not-allowed", 405, "Method not allowed";
    /// The body does not have the media type that the operation accepts.
    UnsupportedMediaType = "unsupported-media-type", 415, "Unsupported media type";
    /// The request has a `Transfer-Encoding`: the length of a body is accepted as `Content-Length` only.
    LengthRequired = "length-required", 411, "Length required";
    /// The body is longer than the measured configuration allows.
    BodyTooLarge = "body-too-large", 413, "Body too large";
    /// The header fields together are longer than the measured configuration allows.
    HeadersTooLarge = "headers-too-large", 431, "Header fields too large";
    /// The request did not arrive, or did not complete, within the time that the measured configuration allows.
    RequestTimeout = "request-timeout", 408, "Request timeout";
    /// The enclave is already processing as many requests as the measured configuration allows.
    Overloaded = "overloaded", 503, "Overloaded";
    /// The request carries no `Signature` and `Signature-Input`, or they do not match the profile of RFC 9421 used here.
    SignatureMissing = "signature-missing", 401, "Signature missing or malformed";
    /// No principal of the measured configuration has this `keyid`.
    UnknownPrincipal = "unknown-principal", 401, "Unknown principal";
    /// The signature does not verify: the request was altered, or signed with another key.
    SignatureInvalid = "signature-invalid", 401, "Signature invalid";
    /// `Content-Digest` is missing, malformed or not that of the body.
    ContentDigestMismatch = "content-digest-mismatch", 401, "Content digest mismatch";
    /// `created` is too old, or too far in the future, by the enclave's clock.
    RequestExpired = "request-expired", 401, "Request expired";
    /// The enclave has already accepted a request with this `nonce`.
    RequestReplayed = "request-replayed", 401, "Request replayed";
    /// The request names a boot other than this one: fetch and verify the attestation document, then sign again.
    WrongEnclave = "wrong-enclave", 421, "Meant for another enclave";
    /// The principal's policy does not allow this.
    NotPermitted = "not-permitted", 403, "Not permitted";
    /// The principal has exceeded its rate.
    RateLimited = "rate-limited", 429, "Rate limited";
    /// A request that creates something needs an `Idempotency-Key`.
    IdempotencyKeyMissing = "idempotency-key-missing", 400, "Idempotency key missing";
    /// The same principal has already used this `Idempotency-Key` for a different request.
    IdempotencyKeyReused = "idempotency-key-reused", 422, "Idempotency key reused";
    /// The key does not exist, or the principal may not see it.
    KeyNotFound = "key-not-found", 404, "Key not found";
    /// The key is disabled and cannot sign.
    KeyDisabled = "key-disabled", 409, "Key disabled";
    /// The key is deleted: the enclave has no share of it, and never will again.
    KeyDeleted = "key-deleted", 409, "Key deleted";
    /// The key is enabled, and only a disabled key can be deleted.
    KeyEnabled = "key-enabled", 409, "Key enabled";
    /// Another key has already replaced this one.
    KeyReplaced = "key-replaced", 409, "Key already replaced";
    /// The key was not replaced by a statement of its own.
    ReplacementNotFound = "replacement-not-found", 404, "Replacement not found";
    /// The sealed secret does not open: it was sealed to another boot, or for another request, or altered.
    ImportNotOpened = "import-not-opened", 422, "Sealed secret not opened";
    /// The sealed secret opens, but is not a secret key of secp256k1: it is zero, or not below the order of the group.
    ImportSecretInvalid = "import-secret-invalid", 422, "Imported secret invalid";
    /// The sealed secret opens, but is not that of the public key which the request names.
    ImportPublicKeyMismatch = "import-public-key-mismatch", 422, "Imported secret of another key";
    /// This deployment has imported the key before, for this principal or another one.
    KeyAlreadyImported = "key-already-imported", 409, "Key already imported";
    /// Another request changed the key at the same time; this one had no effect.
    KeyConflict = "key-conflict", 409, "Key changed concurrently";
    /// The operation is not one of keys with this custody: the shares of a split key are used and refreshed together with those who hold the others.
    KeyCustody = "key-custody", 409, "Other custody";
    /// No such ceremony is under way: it never began, is over, or this enclave has restarted since.
    CeremonyNotFound = "ceremony-not-found", 404, "Ceremony not found";
    /// A participant broke the protocol, and the ceremony is over; the detail names the participant. Nothing was changed.
    CeremonyFailed = "ceremony-failed", 409, "Ceremony failed";
    /// A message of a ceremony is not signed by its participant, came out of turn, or contradicts an earlier one. The ceremony goes on.
    CeremonyMessageRefused = "ceremony-message-refused", 409, "Message refused";
    /// The store returned a record that this deployment did not seal for this place and version: it is altered, moved, truncated or foreign.
    RecordInvalid = "record-invalid", 502, "Sealed record invalid";
    /// The store returned an older version of a record than this enclave has seen, or than the request demands (`least_version`).
    RecordRolledBack = "record-rolled-back", 502, "Sealed record rolled back";
    /// The store has lost a record that this enclave has seen.
    RecordLost = "record-lost", 502, "Sealed record lost";
    /// The record store does not respond, or not correctly; nothing was done, or the request can be repeated safely.
    StoreUnavailable = "store-unavailable", 503, "Record store unavailable";
    /// The measured configuration has no table: the enclave has no store of its own, so it takes no credentials for one.
    NoTable = "no-table", 404, "Deployment without a table";
    /// The measured configuration has a trust anchor: IAM Roles Anywhere gives the table's credentials, so the enclave takes no access key.
    NoAccessKeys = "no-access-keys", 409, "Deployment without access keys";
    /// The sealed credentials do not open: they were sealed to another boot, or for another request, or altered.
    StoreCredentialsNotOpened = "store-credentials-not-opened", 422, "Sealed credentials not opened";
    /// The table refuses the credentials, or is not the one of the measured configuration with them. Those in use stay in use.
    StoreCredentialsRefused = "store-credentials-refused", 422, "Credentials refused by the table";
    /// The enclave does not have its root secret yet, or not yet that of an epoch that another enclave has just made.
    NotReady = "not-ready", 503, "Not ready";
    /// The operation needs a passkey's response to exactly this request, and the request carries none.
    PasskeyRequired = "passkey-required", 401, "Passkey required";
    /// The passkey's response, or a part of it, is malformed.
    PasskeyMalformed = "passkey-malformed", 400, "Passkey response malformed";
    /// The passkey's response is from another ceremony: a registration where an assertion is expected, or the reverse.
    PasskeyCeremony = "passkey-ceremony", 401, "Passkey response from another ceremony";
    /// The passkey signed another challenge: it approved another request, or another purpose.
    PasskeyChallenge = "passkey-challenge", 401, "Another request was approved";
    /// The page that used the passkey does not belong to this deployment, or was embedded in another page.
    PasskeyOrigin = "passkey-origin", 401, "Passkey used by another origin";
    /// The passkey is for another relying party.
    PasskeyRelyingParty = "passkey-relying-party", 401, "Passkey for another relying party";
    /// The authenticator did not verify the user.
    PasskeyUserVerification = "passkey-user-verification", 401, "User not verified";
    /// The passkey's key has an algorithm or a form that is not accepted.
    PasskeyAlgorithm = "passkey-algorithm", 401, "Passkey algorithm not accepted";
    /// The passkey's attestation statement is not accepted.
    PasskeyAttestation = "passkey-attestation", 401, "Passkey attestation not accepted";
    /// The passkey is not one of this user's, is revoked, or waits for approval.
    PasskeyUnknown = "passkey-unknown", 401, "Passkey unknown";
    /// The passkey's signature does not verify.
    PasskeySignature = "passkey-signature", 401, "Passkey signature invalid";
    /// The passkey's signature counter did not grow: the passkey was copied, or the response is an old one.
    PasskeyCounter = "passkey-counter", 401, "Passkey counter did not grow";
    /// A passkey with this credential id has already been registered.
    PasskeyExists = "passkey-exists", 409, "Passkey already registered";
    /// None of the user's passkeys has this id.
    PasskeyNotFound = "passkey-not-found", 404, "Passkey not found";
    /// The user's last passkey cannot be revoked as long as the user has no means of recovery.
    LastPasskey = "last-passkey", 409, "Last passkey";
    /// The nonce is from another boot, or for another purpose.
    ChallengeInvalid = "challenge-invalid", 401, "Challenge invalid";
    /// The nonce was made more than two minutes ago.
    ChallengeExpired = "challenge-expired", 401, "Challenge expired";
    /// The enclave has already accepted an approval with this nonce.
    ChallengeUsed = "challenge-used", 401, "Challenge already used";
    /// The session has expired, was ended, or never existed.
    SessionEnded = "session-ended", 401, "Session ended";
    /// None of the user's sessions has this id.
    SessionNotFound = "session-not-found", 404, "Session not found";
    /// The device facts differ from those of the login: the user has to log in again.
    DeviceChanged = "device-changed", 401, "Device changed";
    /// The deployment has no users: its measured configuration has no section `[people]`.
    NoPeople = "no-people", 404, "Deployment without users";
    /// There is no user with this id.
    UserNotFound = "user-not-found", 404, "User not found";
    /// Another request changed the user at the same time; this one had no effect.
    UserConflict = "user-conflict", 409, "User changed concurrently";
    /// One more would exceed a limit on their number.
    TooMany = "too-many", 409, "Too many";
    /// The link code was used, has expired, or never existed.
    LinkInvalid = "link-invalid", 404, "Link code invalid";
    /// The user has no one who could approve a recovery.
    RecoveryImpossible = "recovery-impossible", 409, "Recovery impossible";
    /// No such recovery is under way.
    RecoveryNotFound = "recovery-not-found", 404, "Recovery not found";
    /// The recovery still waits for guardians, or for the end of its delay.
    RecoveryNotReady = "recovery-not-ready", 409, "Recovery not ready";
    /// The recovery code is not one of the user's, or was used.
    RecoveryCodeInvalid = "recovery-code-invalid", 403, "Recovery code invalid";
    /// KMS returned no data key; nothing was done, and the request can be repeated.
    KmsUnavailable = "kms-unavailable", 503, "KMS unavailable";
    /// The newest epoch of the root secret is not the one that the request names; nothing was done.
    EpochConflict = "epoch-conflict", 409, "Newest epoch differs";
    /// Records may still be sealed in the epochs to be retired: complete a pass of resealing first.
    EpochInUse = "epoch-in-use", 409, "Epoch in use";
    /// The NSM did not make an attestation document.
    AttestationUnavailable = "attestation-unavailable", 503, "Attestation unavailable";
    /// The request was altered, or sealed to a key that this boot does not have: fetch the key configurations, compare them with the attestation document, then seal again.
    ObliviousKeyUnknown = "oblivious-key-unknown", 401, "Sealed to an unknown key";
    /// The body is not an encapsulated request (RFC 9458), or its sealed content is not a request (RFC 9292).
    ObliviousRequestInvalid = "oblivious-request-invalid", 400, "Invalid encapsulated request";
    /// The parent instance cannot reach the enclave (stated by the parent, unsigned).
    EnclaveUnreachable = "enclave-unreachable", 503, "Enclave unreachable";
    /// The enclave violated one of its own invariants; its log has the details, without secrets.
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
