//! Why the enclave has no table to serve from.

use permafrost_common::problem::{Problem, ProblemType};

use crate::aws::{self, TlsSetupError};
use crate::store::{Fault, StoreClientError};
use crate::waiting::WaitingFor;

/// Why there is no table with credentials that it accepts.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The record of the credentials cannot be read.
    #[error("the record of the table's credentials: {0}")]
    Record(Problem),
    /// The record of the authority cannot be read or written.
    #[error("the record of the store's authority: {0}")]
    Authority(Problem),
    /// IAM Roles Anywhere gives no credentials.
    #[error("no temporary credentials of the table: {0}")]
    Session(aws::Fault),
    /// There are no credentials.
    #[error(
        "there are no credentials of the table; `permafrost store credentials seal` gives them"
    )]
    Missing,
    /// The table, or what stands between, does not accept the credentials.
    #[error("the table's credentials are not usable: {0}")]
    Table(#[from] StoreClientError),
    /// The configuration does not make a TLS client.
    #[error(transparent)]
    Setup(#[from] TlsSetupError),
}

impl From<BootstrapError> for Problem {
    fn from(error: BootstrapError) -> Self {
        let kind = match error {
            BootstrapError::Record(problem) | BootstrapError::Authority(problem) => return problem,
            BootstrapError::Missing => ProblemType::NotReady,
            BootstrapError::Setup(_) => ProblemType::Internal,
            BootstrapError::Table(StoreClientError::Failed(Fault::DynamoDb(ref fault)))
                if !fault.is_passing() =>
            {
                ProblemType::StoreCredentialsRefused
            }
            BootstrapError::Table(_) | BootstrapError::Session(_) => ProblemType::StoreUnavailable,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<&BootstrapError> for WaitingFor {
    fn from(error: &BootstrapError) -> Self {
        match error {
            BootstrapError::Record(problem) => match problem.kind() {
                Some(ProblemType::StoreUnavailable | ProblemType::NotReady) => Self::Store,
                _ => Self::CredentialsRecord,
            },
            BootstrapError::Authority(problem) => match problem.kind() {
                Some(ProblemType::StoreUnavailable | ProblemType::NotReady) => Self::Store,
                _ => Self::AuthorityRecord,
            },
            BootstrapError::Session(fault) => match fault {
                aws::Fault::Tls { .. } => Self::SessionTls,
                aws::Fault::Internal(_) => Self::Internal,
                fault if fault.is_passing() => Self::SessionFailing,
                aws::Fault::Refused { .. } => Self::SessionRefused,
                _ => Self::SessionInvalid,
            },
            BootstrapError::Missing => Self::StoreCredentials,
            BootstrapError::Table(error) => Self::from(error),
            BootstrapError::Setup(_) => Self::Internal,
        }
    }
}
