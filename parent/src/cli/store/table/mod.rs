//! `permafrost store table`.

mod access_key;
mod check;
mod policy;
mod policy_arguments;
mod provision;
mod report;
mod service;

use clap::Subcommand;

use crate::cli::outcome::Outcome;

/// The DynamoDB table that an enclave reaches itself: make it with its policy and its user, and check who else could write to it.
#[derive(Debug, Subcommand)]
pub(super) enum Table {
    Policy(policy::Policy),
    Provision(Box<provision::Provision>),
    AccessKey(access_key::AccessKey),
    Check(Box<check::Check>),
}

impl Table {
    pub(super) async fn run(&self, json: bool) -> Result<(), Outcome> {
        match self {
            Self::Policy(policy) => policy.run(),
            Self::Provision(provision) => provision.run(json).await,
            Self::AccessKey(access_key) => access_key.run().await,
            Self::Check(check) => check.run(json).await,
        }
    }
}
