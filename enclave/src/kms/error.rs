//! Why a call of KMS brought no root secret.

use permafrost_common::kms::KeyArn;

use super::egress::EgressError;
use super::recipient::{RecipientError, RecipientKeyError};
use crate::attestor::AttestError;

/// A call that failed: which, with which key, after how many attempts, and why the last one did.
#[derive(Debug, thiserror::Error)]
#[error("kms:{call} with {key} failed ({attempts} of {attempts_max} attempts): {fault}")]
pub struct KmsError {
    /// `GenerateDataKey` or `Decrypt`.
    pub call: &'static str,
    /// The key of the measured configuration.
    pub key: KeyArn,
    /// How often it was tried.
    pub attempts: u32,
    /// How often it may be tried.
    pub attempts_max: u32,
    /// Why the last attempt failed.
    pub fault: Fault,
}

/// Why one attempt failed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The parent gave no way out, or no credentials.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The TLS handshake failed: another host, another root, or a connection cut.
    #[error("no TLS with {host}: {error}")]
    Tls {
        /// The host of the measured configuration.
        host: String,
        /// What TLS said.
        error: std::io::Error,
    },
    /// The connection broke after the handshake, or what came is not HTTP.
    #[error("the connection to {host} breaks off: {error}")]
    BrokenOff {
        /// The host of the measured configuration.
        host: String,
        /// What HTTP said.
        error: hyper::Error,
    },
    /// Nothing came in time.
    #[error("no answer within {0} ms")]
    TimedOut(u64),
    /// KMS says no.
    #[error("KMS answers {kind} (status {status}, request {request_id}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error's name, e.g. `AccessDeniedException`.
        kind: String,
        /// KMS's words.
        message: String,
        /// `x-amzn-RequestId`, which AWS support asks for.
        request_id: String,
    },
    /// The answer is not one that KMS gives.
    #[error("KMS's answer is refused: {0}")]
    Response(String),
    /// The answer is about another key.
    #[error(
        "KMS answers with the key {found}, another {part} than that of the measured configuration"
    )]
    OtherKey {
        /// The key of the answer.
        found: String,
        /// What differs first: partition, region, account or key.
        part: &'static str,
    },
    /// The answer carries the data key in the clear: whoever answered knows it.
    #[error(
        "KMS's answer is refused: it carries a plaintext, so the Recipient was stripped or ignored"
    )]
    Plaintext,
    /// What KMS encrypted to this enclave does not open.
    #[error("CiphertextForRecipient is refused: {0}")]
    Recipient(#[from] RecipientError),
    /// The boot has no RSA key.
    #[error(transparent)]
    RecipientKey(#[from] RecipientKeyError),
    /// There is no attestation document to send.
    #[error("no attestation document: {0}")]
    Attestation(#[from] AttestError),
    /// Something inside the enclave that no input can cause.
    #[error("{0}")]
    Internal(String),
}

impl Fault {
    /// Whether trying again may help. What KMS decided, and what does not prove to be KMS, stays as it is.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Egress(EgressError::Refused { status, .. }) => *status >= 500,
            Self::Egress(EgressError::Credentials(_)) => false,
            Self::Egress(_) | Self::BrokenOff { .. } | Self::TimedOut(_) => true,
            Self::Tls { error, .. } => error.kind() != std::io::ErrorKind::InvalidData,
            Self::Refused { status, kind, .. } => {
                *status >= 500 || *status == 429 || PASSING.contains(&kind.as_str())
            }
            _ => false,
        }
    }
}

/// Errors that pass, whatever their status (AWS SDKs and Tools Reference Guide, "Retry behavior"; KMS API reference).
const PASSING: &[&str] = &[
    "DependencyTimeoutException",
    "KMSInternalException",
    "KeyUnavailableException",
    "LimitExceededException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];
