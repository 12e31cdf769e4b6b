//! Why no policy was generated.

/// Why no policy was generated.
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
        /// The number of the PCR.
        pcr: u8,
    },
    /// A PCR is all zero, which would admit every enclave in debug mode.
    #[error(
        "PCR{pcr} of release {release} is all zero, as in every enclave in debug mode; accepted: the measurements of an \
         image"
    )]
    DebugPcr {
        /// The release's name.
        release: String,
        /// The number of the PCR.
        pcr: u8,
    },
    /// No release at all.
    #[error("there is no release; accepted: one or more")]
    NoRelease,
    /// Two releases have the same name.
    #[error("two releases are named {0}; accepted: each name once")]
    ReleaseTwice(String),
    /// No role at all.
    #[error("there is no role; accepted: one or more")]
    NoRole,
    /// No administrator at all: no one could ever change the policy.
    #[error("there is no administrator; accepted: one or more")]
    NoAdministrator,
    /// The ARN does not name exactly one role.
    #[error("the role is {0:?}; accepted: arn:PARTITION:iam::ACCOUNT:role/NAME, without wildcards")]
    Role(String),
    /// The ARN does not name exactly one administrator.
    #[error(
        "the administrator is {0:?}; accepted: arn:PARTITION:iam::ACCOUNT:user/NAME, role/NAME or root, without wildcards"
    )]
    Administrator(String),
    /// The principal belongs to another account or partition.
    #[error("{arn} does not begin with arn:{partition}:iam::{account}:, the key's account")]
    Elsewhere {
        /// The principal.
        arn: String,
        /// The key's partition.
        partition: String,
        /// The key's account.
        account: String,
    },
    /// The role that signs the enclaves' requests could change the policy.
    #[error(
        "{0} is both a role and an administrator; accepted: one of the two, since a role could admit itself"
    )]
    RoleIsAdministrator(String),
    /// The account is invalid.
    #[error("the account is {0:?}; accepted: 12 digits")]
    Account(String),
    /// The partition is invalid.
    #[error("the partition is {0:?}; accepted: aws, or aws- followed by a-z and -")]
    Partition(String),
    /// The deployment's name is invalid.
    #[error("the deployment is {0:?}; accepted: 1 to 64 of a-z, 0-9 and -")]
    Deployment(String),
    /// The policy is longer than KMS accepts.
    #[error("the policy would have {0} bytes; accepted: at most 32768, so fewer releases or roles")]
    TooLong(usize),
}
