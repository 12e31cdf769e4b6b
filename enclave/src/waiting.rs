//! Why the enclave does not serve keys yet, in texts that anyone may read.

use std::fmt;

use crate::aws::{self, EgressError};
use crate::kms::{Fault, KmsError};
use crate::root::RootError;
use crate::store::{self, StoreClientError, dynamodb};

/// Why there is no root secret yet.
///
/// Health and problems show it to anyone. KMS and the parent choose the texts of their errors, and those of KMS name accounts and
/// roles, so none of these texts contains any part of theirs. The enclave log has the error itself.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum WaitingFor {
    /// The first attempt is not over.
    Start,
    /// The egress proxy gives no connection.
    EgressProxy,
    /// The egress proxy gives no usable credentials.
    Credentials,
    /// The other end of the connection did not prove to be KMS, or TLS failed.
    KmsTls,
    /// KMS does not respond.
    KmsUnreachable,
    /// KMS fails, or asks for fewer requests.
    KmsFailing,
    /// KMS decided against the request.
    KmsRefuses,
    /// What arrived is not a response that KMS gives to this enclave.
    KmsInvalid,
    /// The record store fails.
    Store,
    /// The enclave has no credentials of its table.
    StoreCredentials,
    /// The record of the table's credentials is refused.
    CredentialsRecord,
    /// The record of the store's authority is refused.
    AuthorityRecord,
    /// IAM Roles Anywhere decided against the request.
    SessionRefused,
    /// The other end of the connection did not prove to be IAM Roles Anywhere, or TLS failed.
    SessionTls,
    /// IAM Roles Anywhere cannot be reached, or fails.
    SessionFailing,
    /// What arrived is not a response that IAM Roles Anywhere gives to this enclave.
    SessionInvalid,
    /// The table refuses the credentials.
    TableRefuses,
    /// The table is not as it has to be, or is another one.
    TableUnsuitable,
    /// The other end of the connection did not prove to be DynamoDB, or TLS failed.
    TableTls,
    /// The table cannot be reached, or fails.
    TableFailing,
    /// The record of the root secret is refused.
    Record,
    /// There is no root secret, and the enclave may make none.
    Missing,
    /// The record of the root secret is an older one, or another enclave changed it.
    Changed,
    /// A failure inside the enclave.
    Internal,
}

impl WaitingFor {
    fn text(self) -> &'static str {
        match self {
            Self::Start => "it has just started",
            Self::EgressProxy => "the egress proxy gives no connection to KMS",
            Self::Credentials => "the egress proxy gives no usable credentials for KMS",
            Self::KmsTls => "TLS with KMS fails",
            Self::KmsUnreachable => "KMS does not respond",
            Self::KmsFailing => "KMS fails or is overloaded",
            Self::KmsRefuses => "KMS refuses access",
            Self::KmsInvalid => "the response of KMS is invalid",
            Self::Store => "the record store fails",
            Self::StoreCredentials => "it has no credentials of its table",
            Self::CredentialsRecord => "the record of the table's credentials is invalid",
            Self::AuthorityRecord => "the record of the store's authority is invalid",
            Self::SessionRefused => {
                "IAM Roles Anywhere refuses the authority's certificate, the profile or the role"
            }
            Self::SessionTls => "TLS with IAM Roles Anywhere fails",
            Self::SessionFailing => "IAM Roles Anywhere cannot be reached, or fails",
            Self::SessionInvalid => "the response of IAM Roles Anywhere is invalid",
            Self::TableRefuses => "the table refuses the credentials",
            Self::TableUnsuitable => {
                "the table is not the one of the measured configuration, or not as it has to be"
            }
            Self::TableTls => "TLS with the table fails",
            Self::TableFailing => "the table cannot be reached, or fails",
            Self::Record => "the record of the root secret is invalid",
            Self::Missing => {
                "the store has no root secret, and the measured configuration forbids making one"
            }
            Self::Changed => {
                "the record of the root secret is an older one, or was changed meanwhile"
            }
            Self::Internal => "the enclave itself fails",
        }
    }
}

impl fmt::Display for WaitingFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl From<&RootError> for WaitingFor {
    fn from(error: &RootError) -> Self {
        match error {
            RootError::Kms(error) => Self::from(&**error),
            RootError::Replayed { .. } => Self::KmsInvalid,
            RootError::Store(error) => Self::from(error),
            RootError::Record(_) => Self::Record,
            RootError::Missing(_) => Self::Missing,
            RootError::RolledBack { .. } | RootError::Epoch { .. } | RootError::Conflict => {
                Self::Changed
            }
            RootError::InUse(_)
            | RootError::Attest(_)
            | RootError::Seal(_)
            | RootError::Internal(_) => Self::Internal,
        }
    }
}

impl From<&StoreClientError> for WaitingFor {
    fn from(error: &StoreClientError) -> Self {
        let (StoreClientError::Failed(fault) | StoreClientError::UnknownOutcome(fault)) = error
        else {
            return Self::Store;
        };
        let store::Fault::DynamoDb(fault) = fault else {
            return Self::Store;
        };
        match &**fault {
            fault if fault.is_denial() => Self::TableRefuses,
            dynamodb::Fault::Aws(aws::Fault::Tls { .. }) => Self::TableTls,
            fault if fault.is_passing() => Self::TableFailing,
            _ => Self::TableUnsuitable,
        }
    }
}

impl From<&KmsError> for WaitingFor {
    fn from(error: &KmsError) -> Self {
        match &error.fault {
            Fault::Aws(fault) => Self::from(fault),
            Fault::OtherKey { .. } | Fault::Plaintext | Fault::Recipient(_) => Self::KmsInvalid,
            Fault::RecipientKey(_) | Fault::Attestation(_) => Self::Internal,
        }
    }
}

impl From<&aws::Fault> for WaitingFor {
    fn from(fault: &aws::Fault) -> Self {
        match fault {
            aws::Fault::Egress(EgressError::Credentials(_)) => Self::Credentials,
            aws::Fault::Egress(_) => Self::EgressProxy,
            aws::Fault::Tls { .. } => Self::KmsTls,
            aws::Fault::BrokenOff { .. } | aws::Fault::TimedOut(_) => Self::KmsUnreachable,
            aws::Fault::Refused { .. } if fault.is_passing() => Self::KmsFailing,
            aws::Fault::Refused { .. } => Self::KmsRefuses,
            aws::Fault::Response { .. } => Self::KmsInvalid,
            aws::Fault::Internal(_) => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io;

    use super::*;
    use crate::attestor::AttestError;
    use crate::root::RootRecordError;
    use crate::store::StoreClientError;

    fn of_kms(fault: impl Into<Fault>) -> RootError {
        RootError::Kms(Box::new(KmsError {
            call: "Decrypt",
            key: "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
                .parse()
                .unwrap(),
            attempts: 4,
            attempts_max: 4,
            fault: fault.into(),
        }))
    }

    fn of_table(fault: impl Into<dynamodb::Fault>) -> RootError {
        let fault = store::Fault::from(Box::new(fault.into()));
        RootError::Store(StoreClientError::Failed(fault))
    }

    fn refusal(status: u16, kind: &str) -> aws::Fault {
        aws::Fault::Refused {
            service: "a service",
            status,
            kind: kind.to_owned(),
            message: "the account 111122223333".to_owned(),
            request_id: String::new(),
        }
    }

    fn refused(status: u16, kind: &str) -> RootError {
        of_kms(refusal(status, kind))
    }

    #[test]
    fn each_error_is_told_by_its_kind_and_by_no_text_of_its_own() {
        let text = || "the account 111122223333".to_owned();
        let egress = |error| of_kms(aws::Fault::Egress(error));
        let mut told = BTreeSet::new();
        for (error, expected) in [
            (
                egress(EgressError::Refused {
                    asked: text(),
                    status: 502,
                    reason: text(),
                }),
                WaitingFor::EgressProxy,
            ),
            (
                egress(EgressError::Credentials(text())),
                WaitingFor::Credentials,
            ),
            (
                of_kms(aws::Fault::Tls {
                    host: text(),
                    error: io::Error::other(text()),
                }),
                WaitingFor::KmsTls,
            ),
            (
                of_kms(aws::Fault::TimedOut(111_122_223_333)),
                WaitingFor::KmsUnreachable,
            ),
            (refused(500, &text()), WaitingFor::KmsFailing),
            (refused(429, &text()), WaitingFor::KmsFailing),
            (refused(400, "ThrottlingException"), WaitingFor::KmsFailing),
            (
                refused(400, "AccessDeniedException"),
                WaitingFor::KmsRefuses,
            ),
            (
                of_kms(aws::Fault::Response {
                    service: "KMS",
                    rule: text(),
                }),
                WaitingFor::KmsInvalid,
            ),
            (
                of_kms(Fault::OtherKey {
                    found: text(),
                    part: "account",
                }),
                WaitingFor::KmsInvalid,
            ),
            (of_kms(Fault::Plaintext), WaitingFor::KmsInvalid),
            (RootError::Replayed { epoch: 2 }, WaitingFor::KmsInvalid),
            (
                of_kms(Fault::Attestation(AttestError::Panicked)),
                WaitingFor::Internal,
            ),
            (of_kms(aws::Fault::Internal(text())), WaitingFor::Internal),
            (
                RootError::Store(StoreClientError::Invalid(text())),
                WaitingFor::Store,
            ),
            (
                of_table(dynamodb::Fault::Table(text())),
                WaitingFor::TableUnsuitable,
            ),
            (
                of_table(refusal(400, "ResourceNotFoundException")),
                WaitingFor::TableUnsuitable,
            ),
            (
                of_table(refusal(400, "UnrecognizedClientException")),
                WaitingFor::TableRefuses,
            ),
            (
                of_table(refusal(400, "AccessDeniedException")),
                WaitingFor::TableRefuses,
            ),
            (of_table(refusal(500, &text())), WaitingFor::TableFailing),
            (
                of_table(aws::Fault::TimedOut(111_122_223_333)),
                WaitingFor::TableFailing,
            ),
            (
                of_table(aws::Fault::Tls {
                    host: text(),
                    error: io::Error::other(text()),
                }),
                WaitingFor::TableTls,
            ),
            (
                RootError::Record(RootRecordError::Form("111122223333")),
                WaitingFor::Record,
            ),
            (
                RootError::Missing("root.create_root_secret = false"),
                WaitingFor::Missing,
            ),
            (
                RootError::RolledBack {
                    found: 0,
                    seen: 111_122_223_333,
                },
                WaitingFor::Changed,
            ),
            (RootError::Conflict, WaitingFor::Changed),
            (
                RootError::Attest(AttestError::Panicked),
                WaitingFor::Internal,
            ),
            (RootError::Internal(text()), WaitingFor::Internal),
        ] {
            let waiting = WaitingFor::from(&error);
            assert_eq!(waiting, expected, "{error}");
            assert!(!waiting.to_string().contains("111122223333"), "{waiting}");
            told.insert(waiting.to_string());
        }
        told.insert(WaitingFor::Start.to_string());
        for waiting in [WaitingFor::StoreCredentials, WaitingFor::CredentialsRecord] {
            told.insert(waiting.to_string());
        }
        assert_eq!(told.len(), 19, "a text for each kind: {told:?}");
    }
}
