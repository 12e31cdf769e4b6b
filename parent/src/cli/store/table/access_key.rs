//! `permafrost store table access-key`.

use std::io::{IsTerminal, stdout};

use clap::Args;
use serde_json::json;

use super::policy_arguments::EnclaveArguments;
use super::service::Service;
use crate::cli::aws::AwsArguments;
use crate::cli::outcome::{Outcome, say};

const EXAMPLES: &str = "\
Examples:
  permafrost store table access-key --table arn:aws:dynamodb:eu-central-1:111122223333:table/permafrost-example \\
      | permafrost store credentials seal ...
  permafrost store table access-key --table ... --show     on the terminal

What is printed is what `aws iam create-access-key` prints. IAM keeps two access keys for a user, so that one can be replaced
without an interruption: make the second, seal it, then delete the first with `aws iam delete-access-key`.";

/// Make an access key for the enclave's user, and print it, but never to a terminal unless it is asked for.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AccessKey {
    #[command(flatten)]
    enclave: EnclaveArguments,

    #[command(flatten)]
    aws: AwsArguments,

    /// Print it to a terminal, too.
    #[arg(long)]
    show: bool,
}

impl AccessKey {
    pub(super) async fn run(&self) -> Result<(), Outcome> {
        if stdout().is_terminal() && !self.show {
            return Err(Outcome::wrong_call(
                "the secret would be shown on the terminal; accepted: a pipe to `permafrost store credentials seal`, or --show",
            ));
        }
        let arn = self.enclave.arn()?;
        let (_, user) = arn.split_once(":user/").ok_or_else(|| {
            Outcome::wrong_call(format!("{arn} has no access keys; accepted: a user"))
        })?;
        let name = user.rsplit('/').next().unwrap_or(user);
        let service = Service::connect(&self.aws, &self.enclave.table).await?;
        let made = service.iam("CreateAccessKey", &[("UserName", name)]).await;
        let made = match made {
            Err(refusal) if refusal.is("LimitExceeded") => {
                let advice = "delete the one that is not sealed any more: aws iam list-access-keys, aws iam delete-access-key";
                return Err(Outcome::from(refusal).advising(advice));
            }
            other => other?,
        };
        let key = made.as_ref().and_then(|made| made.get("AccessKey"));
        let key = key.ok_or_else(|| {
            Outcome::failed(format!(
                "there is no user {name}; permafrost store table provision makes it"
            ))
        })?;
        say(json!({"AccessKey": key}))
    }
}
