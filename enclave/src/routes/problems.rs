//! The problems that operations respond with, by what they have in common.

use permafrost_common::problem::ProblemType;

/// The problems of any request.
pub(super) const ALWAYS: &[ProblemType] = &[
    ProblemType::InvalidRequest,
    ProblemType::LengthRequired,
    ProblemType::BodyTooLarge,
    ProblemType::HeadersTooLarge,
    ProblemType::RequestTimeout,
    ProblemType::Overloaded,
    ProblemType::Internal,
];

/// The problems of any request of a principal.
pub(super) const OF_PRINCIPALS: &[ProblemType] = &[
    ProblemType::NotReady,
    ProblemType::SignatureMissing,
    ProblemType::SignatureInvalid,
    ProblemType::ContentDigestMismatch,
    ProblemType::UnknownPrincipal,
    ProblemType::RequestExpired,
    ProblemType::RequestReplayed,
    ProblemType::WrongEnclave,
    ProblemType::NotPermitted,
    ProblemType::RateLimited,
    ProblemType::SessionEnded,
    ProblemType::DeviceChanged,
    ProblemType::Overloaded,
];

/// The problems of any request that needs no principal.
pub(super) const OF_ANYONE: &[ProblemType] = &[ProblemType::ContentDigestMismatch];

/// The problems of any request that may need a passkey's response.
pub(super) const OF_PASSKEYS: &[ProblemType] = &[
    ProblemType::NotReady,
    ProblemType::RateLimited,
    ProblemType::UserConflict,
    ProblemType::UserNotFound,
    ProblemType::PasskeyRequired,
    ProblemType::PasskeyMalformed,
    ProblemType::PasskeyCeremony,
    ProblemType::PasskeyChallenge,
    ProblemType::PasskeyOrigin,
    ProblemType::PasskeyRelyingParty,
    ProblemType::PasskeyUserVerification,
    ProblemType::PasskeyAlgorithm,
    ProblemType::PasskeyAttestation,
    ProblemType::PasskeyUnknown,
    ProblemType::PasskeySignature,
    ProblemType::PasskeyCounter,
    ProblemType::ChallengeInvalid,
    ProblemType::ChallengeExpired,
    ProblemType::ChallengeUsed,
];

/// The problems of any request that reads records.
pub(super) const OF_RECORDS: &[ProblemType] = &[
    ProblemType::StoreUnavailable,
    ProblemType::RecordInvalid,
    ProblemType::RecordRolledBack,
    ProblemType::RecordLost,
];

/// The problems of any request about one key.
pub(super) const OF_ONE_KEY: &[ProblemType] = &[ProblemType::KeyCustody, ProblemType::KeyNotFound];

/// The problems of any request that creates something.
pub(super) const OF_CREATION: &[ProblemType] = &[
    ProblemType::IdempotencyKeyMissing,
    ProblemType::IdempotencyKeyReused,
];

/// The problems of any request with a body.
pub(super) const OF_BODIES: &[ProblemType] = &[ProblemType::UnsupportedMediaType];

/// The problems of paths and methods that are not in the table, and of the parent's proxy.
pub(super) const OUTSIDE: &[ProblemType] = &[
    ProblemType::NotFound,
    ProblemType::MethodNotAllowed,
    ProblemType::EnclaveUnreachable,
];
