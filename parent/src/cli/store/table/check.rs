//! `permafrost store table check`.

use std::path::{Path, PathBuf};

use clap::Args;
use permafrost_kms::policy::{PolicyKind, WrittenPolicy};
use permafrost_kms::table::{Account, Description, Known, check};

use super::policy_arguments::EnclaveArguments;
use super::report;
use super::service::Service;
use crate::cli::aws::{AwsArguments, Refusal, policy_text};
use crate::cli::outcome::{Outcome, say};
use crate::cli::text_file;

const EXAMPLES: &str = "\
Examples:
  permafrost store table check --table arn:aws:dynamodb:eu-central-1:111122223333:table/permafrost-example \\
      --parent-role arn:aws:iam::111122223333:role/permafrost-parent
  permafrost store table check --table ARN --parent-role ARN --offline --policy policy.json --account account.json \\
      --description table.json

The caller needs dynamodb:DescribeTable, DescribeContinuousBackups, DescribeTimeToLive and GetResourcePolicy on the table, and
iam:GetAccountAuthorizationDetails. What cannot be read is told, and counts as allowed.
Exit codes: 0 no one but the enclave could read or write, and the parent can do nothing; 1 there are findings; 2 the call is wrong.";

/// Say who else could read, write, copy or delete the table's records or change its policy, and refuse a parent that could.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Check {
    #[command(flatten)]
    enclave: EnclaveArguments,

    /// The role of a parent's instance, which may do nothing with the table. May be repeated.
    #[arg(long = "parent-role", required = true, value_name = "ARN")]
    parents: Vec<String>,

    /// Another user or role to ask about, beside all of the account. May be repeated.
    #[arg(long = "principal", value_name = "ARN")]
    others: Vec<String>,

    #[command(flatten)]
    aws: AwsArguments,

    /// The table's resource policy, or what `aws dynamodb get-resource-policy` prints, instead of asking DynamoDB.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// What `aws dynamodb describe-table` prints, instead of asking DynamoDB.
    #[arg(long, value_name = "FILE")]
    description: Option<PathBuf>,

    /// What `aws iam get-account-authorization-details` prints, instead of asking IAM.
    #[arg(long, value_name = "FILE")]
    account: Option<PathBuf>,

    /// Ask neither DynamoDB nor IAM.
    #[arg(long)]
    offline: bool,
}

impl Check {
    pub(super) async fn run(&self, json: bool) -> Result<(), Outcome> {
        let report = check(&self.known().await?);
        match json {
            true => say(serde_json::to_string(&report).unwrap_or_default())?,
            false => say(report::text(&report))?,
        }
        match report.findings.is_empty() {
            true => Ok(()),
            false => Err(Outcome::already_told()),
        }
    }

    async fn known(&self) -> Result<Known, Outcome> {
        let mut known = Known::of(self.enclave.table.clone(), self.enclave.arn()?);
        known.parents.clone_from(&self.parents);
        known.others.clone_from(&self.others);
        if let Some(path) = &self.policy {
            let text = policy_text(text_file::read(path)?);
            let policy = WrittenPolicy::parse_as(PolicyKind::Table, &text);
            known.policy = Some(policy.map_err(|error| wrong(path, &error))?);
        }
        if let Some(path) = &self.description {
            let description = Description::from_json(&text_file::read(path)?);
            known.description = Some(description.map_err(|error| wrong(path, &error))?);
        }
        if let Some(path) = &self.account {
            let account = Account::from_json(&text_file::read(path)?);
            known.account = Some(account.map_err(|error| wrong(path, &error))?);
        }
        match self.offline {
            true if self.policy.is_none() => known.unread.push("the table's policy".to_owned()),
            true => {}
            false => self.ask(&mut known).await?,
        }
        Ok(known)
    }

    /// Adds what no file says. A read that is refused leaves a gap that the report names.
    async fn ask(&self, known: &mut Known) -> Result<(), Outcome> {
        let service = Service::connect(&self.aws, &self.enclave.table).await?;
        if known.description.is_none() {
            let found = service.describe().await?;
            let mut description = found.ok_or_else(|| {
                Outcome::failed(format!("there is no table {}", self.enclave.table))
            })?;
            if let Some(backups) = read("continuous backups", service.backups().await, known) {
                description = description.with_backups(backups);
            }
            if let Some(expiry) = read("time to live", service.expiry().await, known) {
                description = description.with_expiry(expiry);
            }
            known.description = Some(description);
        }
        if known.policy.is_none()
            && let Some(Some(policy)) = read("the table's policy", service.policy().await, known)
        {
            match WrittenPolicy::parse_as(PolicyKind::Table, &policy.text) {
                Ok(policy) => known.policy = Some(policy),
                Err(error) => known.unread.push(format!("the table's policy: {error}")),
            }
        }
        if known.account.is_none()
            && let Some(account) = read(
                "the account's users and roles",
                service.account().await,
                known,
            )
        {
            let account = Account::from_json(&account.to_string());
            known.account = Some(account.map_err(Outcome::failed)?);
        }
        Ok(())
    }
}

fn read<T>(what: &str, response: Result<T, Refusal>, known: &mut Known) -> Option<T> {
    match response {
        Ok(response) => Some(response),
        Err(refusal) => {
            known.unread.push(format!("{what}: {refusal}"));
            None
        }
    }
}

fn wrong(path: &Path, error: &dyn std::fmt::Display) -> Outcome {
    Outcome::wrong_call(format!("{}: {error}", path.display()))
}
