//! What can go wrong between a program and its enclave.

use std::time::Duration;

use permafrost_common::{
    attestation,
    binding::BindingError,
    http_signature::{KeyError, ResponseError, SignError},
    oblivious::{CryptoError, KeyConfigurationError, ResponseNotOpened},
    problem::Problem,
};

use crate::Endpoint;

/// Why there is no result.
///
/// [`Error::slug`] is for programs, `Display` for people: one line.
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
    /// The connection ended before the whole answer was there. The request may have been carried out.
    #[error(
        "the connection to {endpoint} ended before the answer was complete, so the request may have been carried out: {reason}"
    )]
    Interrupted {
        /// Where to.
        endpoint: Endpoint,
        /// What the connection said.
        reason: String,
    },
    /// No whole answer came in time. The request may have been carried out.
    #[error("no answer from {endpoint} within {} ms; the request may have been carried out", after.as_millis())]
    TimedOut {
        /// Where to.
        endpoint: Endpoint,
        /// The limit.
        after: Duration,
    },
    /// The answer is longer than this client reads. The request may have been carried out.
    #[error("the answer is longer than {max} bytes")]
    ResponseTooLarge {
        /// The limit, in bytes.
        max: usize,
    },
    /// The attestation document is not that of an enclave to be trusted.
    #[error("attestation refused: {0}")]
    AttestationRefused(#[from] AttestationRefused),
    /// The answer does not come from the verified boot, or not to this request: nothing in it can be believed, and
    /// the request may have been carried out.
    #[error("the answer is not authentic: {0}")]
    ResponseNotAuthentic(#[from] NotAuthentic),
    /// An unsigned problem: the parent says it, or someone on the way. It is no evidence of anything.
    #[error("said on the way, not by the enclave: {0}")]
    Unauthenticated(Box<Problem>),
    /// The enclave refused the request, or could not carry it out, and signed that it said so.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The enclave found `created` too old or in the future, and signed that: the clocks differ, or the request was
    /// kept back.
    #[error("{problem}; this machine's clock is {} the enclave's when the answer came", difference(*client, *enclave))]
    ClockDiffers {
        /// What the enclave said.
        problem: Box<Problem>,
        /// The enclave's clock when it answered: seconds since 1970.
        enclave: u64,
        /// This machine's clock when the answer came: seconds since 1970.
        client: u64,
    },
    /// The answer is authentic, but not of the form that this client knows.
    #[error("the enclave's answer ({status}) is not of the form of this version: {reason}")]
    UnexpectedResponse {
        /// Its HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
    /// The request could not be made of what was given. Nothing was sent.
    #[error("{what}: {reason}")]
    InvalidArgument {
        /// Which argument.
        what: &'static str,
        /// What is wrong with it and what would be accepted.
        reason: String,
    },
    /// The request could not be signed. Nothing was sent.
    #[error("the request was not signed: {0}")]
    NotSigned(#[from] SignError),
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
    /// The boot key that it vouches for is not one.
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
    /// The document is of an enclave without Oblivious HTTP.
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

/// Why an answer is not the verified boot's to this request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotAuthentic {
    /// It is not signed, not in form, or not by this boot for this request.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// It is signed by the boot, which names another boot in it.
    #[error("it names the boot {came}, expected {expected}")]
    Boot {
        /// What it names.
        came: String,
        /// The verified boot.
        expected: String,
    },
    /// The request went sealed and this came in the open, so it can be about another request.
    #[error("it is not sealed, although the request was")]
    NotSealed,
    /// The sealed answer does not open.
    #[error("the sealed answer is refused: {0}")]
    NotOpened(#[from] ResponseNotOpened),
    /// It is an old one: only answers to unsigned requests can be kept and shown again.
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
            Self::ResponseTooLarge { .. } => "answer-too-large",
            Self::AttestationRefused(_) => "attestation-refused",
            Self::ResponseNotAuthentic(_) => "answer-not-authentic",
            Self::Unauthenticated(_) => "unauthenticated-problem",
            Self::Problem(_) => "problem",
            Self::ClockDiffers { .. } => "clock-differs",
            Self::UnexpectedResponse { .. } => "unexpected-answer",
            Self::InvalidArgument { .. } => "invalid-argument",
            Self::NotSigned(_) => "not-signed",
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
