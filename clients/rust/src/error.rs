//! What can go wrong between a program and its enclave.

use std::time::Duration;

use permafrost_common::{
    attestation,
    binding::BindingError,
    http_signature::{KeyError, ResponseError, SignError},
    oblivious::{CryptoError, KeyConfigurationError, ResponseNotOpened},
    problem::Problem,
};

use permafrost_common::certificate::CertificateError;
use permafrost_frost::{CeremonyError, sign};

use crate::Endpoint;

/// Why there is no result.
///
/// [`Error::slug`] is for programs, `Display` (one line) for people.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection could be made. Nothing was sent.
    #[error("cannot reach {endpoint}: {reason}")]
    Unreachable {
        /// Where to.
        endpoint: Endpoint,
        /// What the system said.
        reason: String,
    },
    /// The connection ended before the whole response had arrived. The request may have been carried out.
    #[error(
        "the connection to {endpoint} ended before the response was complete, so the request may have been carried out: {reason}"
    )]
    Interrupted {
        /// Where to.
        endpoint: Endpoint,
        /// What the connection said.
        reason: String,
    },
    /// No whole response arrived in time. The request may have been carried out.
    #[error("no response from {endpoint} within {} ms; the request may have been carried out", after.as_millis())]
    TimedOut {
        /// Where to.
        endpoint: Endpoint,
        /// The limit.
        after: Duration,
    },
    /// The response is longer than this client reads. The request may have been carried out.
    #[error("the response is longer than {max} bytes")]
    ResponseTooLarge {
        /// The limit, in bytes.
        max: usize,
    },
    /// The attestation document is not that of an enclave to trust.
    #[error("attestation refused: {0}")]
    AttestationRefused(#[from] AttestationRefused),
    /// The response does not come from the verified boot, or is not to this request: nothing in it can be trusted, and
    /// the request may have been carried out.
    #[error("the response is not authentic: {0}")]
    ResponseNotAuthentic(#[from] NotAuthentic),
    /// An unsigned problem: it comes from the parent, or from anyone on the path. It is not evidence of anything.
    #[error("not signed by the enclave: {0}")]
    Unauthenticated(Box<Problem>),
    /// The enclave refused the request, or could not carry it out, and signed the problem that says so.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The enclave found `created` too old or in the future, and signed that: the clocks differ, or the request was
    /// kept back.
    #[error("{problem}; this machine's clock was {} the enclave's when the response arrived", difference(*client, *enclave))]
    ClockDiffers {
        /// The problem that the enclave signed.
        problem: Box<Problem>,
        /// The enclave's clock when it signed the response: seconds since 1970.
        enclave: u64,
        /// This machine's clock when the response arrived: seconds since 1970.
        client: u64,
    },
    /// The response is authentic, but not of a form that this client knows.
    #[error("the enclave's response ({status}) is not of a form that this version knows: {reason}")]
    UnexpectedResponse {
        /// Its HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
    /// The response is authentic, and made from an older version of a key's record than one that was seen: the enclave was given an old copy of
    /// the store, or one restored from a backup. The request may have been carried out there.
    #[error(
        "the response about key {key_id} was made from version {came} of its record, and version {seen} was seen before: the enclave works on an old copy of the store"
    )]
    RolledBack {
        /// The key.
        key_id: String,
        /// The version that the response states.
        came: u64,
        /// The highest version seen before the request was sent.
        seen: u64,
    },
    /// The request could not be made from the arguments. Nothing was sent.
    #[error("{what}: {reason}")]
    InvalidArgument {
        /// Which argument.
        what: &'static str,
        /// What is wrong with it, and what would be accepted.
        reason: String,
    },
    /// The request could not be signed. Nothing was sent.
    #[error("the request was not signed: {0}")]
    NotSigned(#[from] SignError),
    /// A ceremony did not come to a result: the enclave, or another participant, sent something else than the protocol has. Nothing of it
    /// is to be used.
    #[error("the ceremony failed: {0}")]
    Ceremony(#[from] CeremonyError),
    /// The certificate of a ceremony is not accepted: nothing of the ceremony is to be used.
    #[error("the certificate of the ceremony is not accepted: {0}")]
    Certificate(#[from] CertificateError),
    /// A signature did not come about between this side's shares and the enclave's.
    #[error("no signature: {0}")]
    NoSignature(#[from] sign::SignError),
    /// The request could not be sealed. Nothing was sent.
    #[error("the request was not sealed: {0}")]
    NotSealed(#[from] CryptoError),
}

/// The rule that a document, or what it vouches for, breaks.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AttestationRefused {
    /// The document does not parse, verify or fit the policy; the nonce is part of the policy.
    #[error("{0}")]
    Document(#[from] attestation::Error),
    /// The document has no `user_data`.
    #[error("the document has no user_data, so it vouches for no boot key")]
    NoUserData,
    /// `user_data` is not a binding.
    #[error("{0}")]
    Binding(#[from] BindingError),
    /// The boot key that it vouches for is invalid.
    #[error("{0}")]
    BootKey(KeyError),
    /// The enclave belongs to another deployment.
    #[error("the deployment is {came:?}, expected {expected:?}")]
    Deployment {
        /// What the document vouches for.
        came: String,
        /// What was expected.
        expected: String,
    },
    /// The enclave runs another configuration.
    #[error("the configuration has SHA-256 {came}, expected {expected}")]
    Configuration {
        /// What the document vouches for, hex.
        came: String,
        /// What was expected, hex.
        expected: String,
    },
    /// The document comes from an enclave without Oblivious HTTP.
    #[error("the document has no oblivious_keys, so it vouches for no key to seal requests to")]
    NoObliviousKeys,
    /// The list of key configurations is not the one that the document vouches for.
    #[error("the key configurations have SHA-256 {came}, and the document vouches for {expected}")]
    ObliviousKeys {
        /// The list that came, hex.
        came: String,
        /// What the document vouches for, hex.
        expected: String,
    },
    /// The document vouches for a list of key configurations that this client cannot use.
    #[error("{0}")]
    KeyConfiguration(#[from] KeyConfigurationError),
}

/// Why a response is not the verified boot's response to this request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotAuthentic {
    /// It is not signed, is malformed, or is not signed by this boot for this request.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// The boot signed it, but it names another boot.
    #[error("it names the boot {came}, expected {expected}")]
    Boot {
        /// What it names.
        came: String,
        /// The verified boot.
        expected: String,
    },
    /// The request was sealed and the response was not, so it may be about another request.
    #[error("it is not sealed, although the request was")]
    NotSealed,
    /// The sealed response does not open.
    #[error("the sealed response is refused: {0}")]
    NotOpened(#[from] ResponseNotOpened),
    /// It is old: only responses to unsigned requests can be kept and sent again.
    #[error("it was signed {behind} s before this request, by the enclave's clock")]
    Stale {
        /// How far it lies behind, in seconds.
        behind: u64,
    },
}

impl Error {
    /// A stable name for the kind of error.
    pub fn slug(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Interrupted { .. } => "interrupted",
            Self::TimedOut { .. } => "timed-out",
            Self::ResponseTooLarge { .. } => "response-too-large",
            Self::AttestationRefused(_) => "attestation-refused",
            Self::ResponseNotAuthentic(_) => "response-not-authentic",
            Self::Unauthenticated(_) => "unauthenticated-problem",
            Self::Problem(_) => "problem",
            Self::ClockDiffers { .. } => "clock-differs",
            Self::UnexpectedResponse { .. } => "unexpected-response",
            Self::RolledBack { .. } => "rolled-back",
            Self::InvalidArgument { .. } => "invalid-argument",
            Self::NotSigned(_) => "not-signed",
            Self::Ceremony(_) => "ceremony",
            Self::Certificate(_) => "certificate",
            Self::NoSignature(_) => "no-signature",
            Self::NotSealed(_) => "not-sealed",
        }
    }

    /// The problem that the enclave signed, if that is what went wrong.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) | Self::ClockDiffers { problem, .. } => Some(problem),
            _ => None,
        }
    }
}

impl From<ResponseError> for Error {
    fn from(error: ResponseError) -> Self {
        Self::ResponseNotAuthentic(error.into())
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        Self::NotSigned(error.into())
    }
}

fn difference(client: u64, enclave: u64) -> String {
    match client.checked_sub(enclave) {
        Some(0) => "equal to".to_owned(),
        Some(ahead) => format!("{ahead} s ahead of"),
        None => format!("{} s behind", enclave - client),
    }
}
