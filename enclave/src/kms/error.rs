//! Why a KMS call gave no root secret.

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
    /// The egress proxy gave no connection, or no credentials.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The TLS handshake failed: another host, another root certificate, or a connection that was cut.
    #[error("TLS with {host} failed: {error}")]
    Tls {
        /// The host of the measured configuration.
        host: String,
        /// The TLS error.
        error: std::io::Error,
    },
    /// The connection failed after the handshake, or the response is not HTTP.
    #[error("the connection to {host} failed: {error}")]
    BrokenOff {
        /// The host of the measured configuration.
        host: String,
        /// The HTTP error.
        error: hyper::Error,
    },
    /// No response arrived in time.
    #[error("no response within {0} ms")]
    TimedOut(u64),
    /// KMS refuses.
    #[error("KMS responded {kind} (status {status}, request {request_id}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error's name, e.g. `AccessDeniedException`.
        kind: String,
        /// KMS's message.
        message: String,
        /// `x-amzn-RequestId`, which AWS support needs.
        request_id: String,
    },
    /// The response is not one that KMS gives.
    #[error("the KMS response is refused: {0}")]
    Response(String),
    /// The response is about another key.
    #[error(
        "the KMS response is about the key {found}, another {part} than that of the measured configuration"
    )]
    OtherKey {
        /// The key that the response names.
        found: String,
        /// The first part that differs: partition, region, account or key.
        part: &'static str,
    },
    /// The response carries the data key in the clear: what sent it knows the key.
    #[error(
        "the KMS response is refused: it carries a plaintext, so the Recipient was stripped or ignored"
    )]
    Plaintext,
    /// What KMS encrypted to this enclave does not open.
    #[error("CiphertextForRecipient is refused: {0}")]
    Recipient(#[from] RecipientError),
    /// The boot's RSA key could not be made.
    #[error(transparent)]
    RecipientKey(#[from] RecipientKeyError),
    /// The attestation document for the request could not be made.
    #[error("cannot make the attestation document: {0}")]
    Attestation(#[from] AttestError),
    /// A failure inside the enclave that no input can cause.
    #[error("{0}")]
    Internal(String),
}

impl Fault {
    /// Whether a retry may help. It does not after a decision of KMS, or if the other side did not prove to be KMS.
    pub(crate) fn is_passing(&self) -> bool {
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

/// Transient errors, whatever their status (AWS SDKs and Tools Reference Guide, "Retry behavior"; KMS API reference).
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
