//! `permafrost store table policy`.

use clap::Args;

use super::policy_arguments::PolicyArguments;
use crate::cli::outcome::{Outcome, say};

const EXAMPLES: &str = "\
Examples:
  permafrost store table policy --table arn:aws:dynamodb:eu-central-1:111122223333:table/permafrost-example \\
      --administrator arn:aws:iam::111122223333:role/administrator
  permafrost store table policy ... --of-enclave > enclave-policy.json

docs/store-table.md says what each statement is for.";

/// Print the table's resource policy, or the policy of the enclave's user, as JSON. Nothing is sent anywhere.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Policy {
    #[command(flatten)]
    arguments: PolicyArguments,

    /// Print the policy of the enclave's user or role instead.
    #[arg(long)]
    of_enclave: bool,
}

impl Policy {
    pub(super) fn run(&self) -> Result<(), Outcome> {
        let made = self.arguments.policy()?;
        let policy = made.policy().map_err(Outcome::wrong_call)?;
        say(match self.of_enclave {
            true => made.enclave_policy(),
            false => policy,
        })
    }
}
