//! `permafrost kms`.

mod check;
mod policy;
mod policy_arguments;
mod provision;
mod report;
mod service;

use clap::Subcommand;

use super::outcome::Outcome;

/// The key in AWS KMS that generates the root secret: make it, write its policy, check it.
#[derive(Debug, Subcommand)]
pub(super) enum Kms {
    Policy(policy::Policy),
    Check(check::Check),
    Provision(Box<provision::Provision>),
}

impl Kms {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        match self {
            Self::Policy(policy) => policy.run(),
            Self::Check(check) => check.run(),
            Self::Provision(provision) => provision.run().await,
        }
    }
}
