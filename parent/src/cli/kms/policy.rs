//! `permafrost kms policy`.

use clap::Args;

use super::policy_arguments::PolicyArguments;
use crate::cli::outcome::{Outcome, say};

const EXAMPLES: &str = "\
Examples:
  permafrost kms policy --measurements v1.json --account 111122223333 --deployment example \\
      --role arn:aws:iam::111122223333:role/enclave --administrator arn:aws:iam::111122223333:role/administrator
  permafrost kms policy --measurements old=v1.json --measurements new=v2.json ... > policy.json
  permafrost kms policy ... | permafrost kms check -";

/// Print the generate-only key policy for the accepted releases, as JSON.
///
/// Nothing is sent anywhere: `permafrost kms provision`, or `aws kms put-key-policy`, gives the policy to the key.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Policy {
    #[command(flatten)]
    arguments: PolicyArguments,
}

impl Policy {
    pub(super) fn run(self) -> Result<(), Outcome> {
        say(self.arguments.policy()?)
    }
}
