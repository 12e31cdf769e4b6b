//! The arguments from which a table's policies are made.

use clap::Args;
use permafrost_common::table_arn::TableArn;
use permafrost_kms::table::TablePolicy;

use crate::cli::outcome::Outcome;

/// The table and who the enclave is for AWS.
#[derive(Args, Clone, Debug)]
pub(super) struct EnclaveArguments {
    /// The table: arn:PARTITION:dynamodb:REGION:ACCOUNT:table/NAME, as store.dynamodb of the measured configuration.
    #[arg(long, value_name = "ARN")]
    pub(super) table: TableArn,

    /// The enclave's user or role: arn:PARTITION:iam::ACCOUNT:user/NAME. Default: the user with the name of the table.
    #[arg(long, value_name = "ARN")]
    enclave: Option<String>,
}

/// The arguments of `permafrost store table policy` and `permafrost store table provision`.
#[derive(Args, Clone, Debug)]
pub(super) struct PolicyArguments {
    #[command(flatten)]
    pub(super) enclave: EnclaveArguments,

    /// A user or a role that may describe, change and back up the table and change its policy, but not read or write records; or the
    /// account's root user, and here only that. May be repeated.
    #[arg(long = "administrator", required = true, value_name = "ARN")]
    administrators: Vec<String>,
}

impl EnclaveArguments {
    /// The ARN of the enclave's user or role.
    pub(super) fn arn(&self) -> Result<String, Outcome> {
        let table = &self.table;
        match &self.enclave {
            Some(arn) => Ok(arn.clone()),
            None if table.name().len() > USER_MAX => Err(Outcome::wrong_call(format!(
                "a user cannot have the name of the table, which is longer than {USER_MAX} characters; accepted: --enclave ARN"
            ))),
            None => Ok(format!(
                "arn:{}:iam::{}:user/{}",
                table.partition(),
                table.account(),
                table.name()
            )),
        }
    }
}

impl PolicyArguments {
    /// What both policies are made from.
    pub(super) fn policy(&self) -> Result<TablePolicy, Outcome> {
        Ok(TablePolicy {
            table: self.enclave.table.clone(),
            enclave: self.enclave.arn()?,
            administrators: self.administrators.clone(),
        })
    }
}

/// The longest name of a user (IAM User Guide, "IAM and AWS STS quotas").
const USER_MAX: usize = 64;
