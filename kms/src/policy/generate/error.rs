//! Why no policy was made.

/// Why no policy was made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GenerateError {
    /// The name of a release cannot be part of a Sid.
    #[error("the release's name is {0:?}; accepted: 1 to 64 of A-Z, a-z, 0-9, -, _ and .")]
    ReleaseName(String),
    /// The measurements lack a PCR that the policy binds to.
    #[error(
        "the measurements of release {release} have no PCR{pcr}; accepted: PCR0, PCR1 and PCR2"
    )]
    MissingPcr {
        /// The release's name.
        release: String,
        /// Which PCR.
        pcr: u8,
    },
    /// A PCR is all zero, as in debug mode: every enclave in debug mode would be let in.
    #[error(
        "PCR{pcr} of release {release} is all zero, as of every enclave in debug mode; accepted: the measurements of an \
         image"
    )]
    DebugPcr {
        /// The release's name.
        release: String,
        /// Which PCR.
        pcr: u8,
    },
    /// No release at all.
    #[error("there is no release; accepted: one or more")]
    NoRelease,
    /// Two releases have one name.
    #[error("two releases are named {0}; accepted: each name once")]
    ReleaseTwice(String),
    /// No role at all.
    #[error("there is no role; accepted: one or more")]
    NoRole,
    /// No administrator at all: nobody could ever change the policy.
    #[error("there is no administrator; accepted: one or more")]
    NoAdministrator,
    /// The ARN names no role, or more than one.
    #[error("the role is {0:?}; accepted: arn:PARTITION:iam::ACCOUNT:role/NAME, without wildcards")]
    Role(String),
    /// The ARN names no administrator, or more than one.
    #[error(
        "the administrator is {0:?}; accepted: arn:PARTITION:iam::ACCOUNT:user/NAME, role/NAME or root, without wildcards"
    )]
    Administrator(String),
    /// Somebody of another account or partition.
    #[error("{arn} is not of arn:{partition}:iam::{account}:, where the key is")]
    Elsewhere {
        /// Who.
        arn: String,
        /// The key's partition.
        partition: String,
        /// The key's account.
        account: String,
    },
    /// Whoever signs the enclaves' requests could change the policy.
    #[error(
        "{0} is a role and an administrator; accepted: one of them, since a role could let itself in"
    )]
    RoleIsAdministrator(String),
    /// The account is none.
    #[error("the account is {0:?}; accepted: 12 digits")]
    Account(String),
    /// The partition is none.
    #[error("the partition is {0:?}; accepted: aws, or aws- and more of a-z and -")]
    Partition(String),
    /// The deployment's name is none.
    #[error("the deployment is {0:?}; accepted: 1 to 64 of a-z, 0-9 and -")]
    Deployment(String),
    /// More than KMS takes.
    #[error("the policy would have {0} bytes; accepted: 32768 at most, so fewer releases or roles")]
    TooLong(usize),
}
