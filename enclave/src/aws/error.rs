//! Why one attempt of a call gave nothing.

use super::egress::EgressError;

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
    /// The service refuses.
    #[error("{service} responded {kind} (status {status}, request {request_id}): {message}")]
    Refused {
        /// The service, for people.
        service: &'static str,
        /// The HTTP status.
        status: u16,
        /// The error's name, e.g. `AccessDeniedException`.
        kind: String,
        /// The service's message.
        message: String,
        /// `x-amzn-RequestId`, which AWS support needs.
        request_id: String,
    },
    /// The response is not one that the service gives.
    #[error("the {service} response is refused: {rule}")]
    Response {
        /// The service, for people.
        service: &'static str,
        /// The rule that it breaks.
        rule: String,
    },
    /// A failure inside the enclave that no input can cause.
    #[error("{0}")]
    Internal(String),
}

impl Fault {
    /// Whether a retry may help. It does not after a decision of the service, or if the other side did not prove to be the service.
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

/// Transient errors, whatever their status (AWS SDKs and Tools Reference Guide, "Retry behavior"; KMS API reference; DynamoDB
/// Developer Guide, "Error handling with DynamoDB").
const PASSING: &[&str] = &[
    "DependencyTimeoutException",
    "KMSInternalException",
    "KeyUnavailableException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflictException",
    "TransactionInProgressException",
];
