//! `permafrost kms check`.

use std::path::{Path, PathBuf};

use clap::Args;
use permafrost_kms::policy::{Grant, Key, KeyMetadata, Report, WrittenPolicy, check};

use super::report;
use crate::cli::aws::policy_text;
use crate::cli::outcome::{Outcome, say};
use crate::cli::text_file;

const EXAMPLES: &str = "\
Examples:
  permafrost kms check policy.json
  aws kms get-key-policy --key-id KEY --policy-name default | permafrost kms check
  aws kms describe-key --key-id KEY > key.json && aws kms list-grants --key-id KEY > grants.json &&
      permafrost kms check policy.json --key-metadata key.json --grants grants.json --json

Exit codes: 0 no bypass of attestation was found; 1 there are findings; 2 the call is wrong.";

/// Say who may do what under a key policy, and find every bypass of attestation.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Check {
    /// The policy, or what `aws kms get-key-policy` prints; - for standard input.
    #[arg(default_value = "-")]
    file: PathBuf,

    /// What `aws kms describe-key` prints, to check the origin of the key material, too.
    #[arg(long, value_name = "FILE")]
    key_metadata: Option<PathBuf>,

    /// What `aws kms list-grants` prints, to check the grants, too.
    #[arg(long, value_name = "FILE")]
    grants: Option<PathBuf>,

    /// Print one JSON object: statements, findings, notices; or, for a wrong call, {"error": {...}}.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Outcome> {
        let report = match self.report() {
            Err(outcome) if self.json => return Err(outcome.into_json()?),
            other => other?,
        };
        match self.json {
            true => say(serde_json::to_string(&report).unwrap_or_default())?,
            false => say(report::text(&report))?,
        }
        match report.findings.is_empty() {
            true => Ok(()),
            false => Err(Outcome::already_told()),
        }
    }

    fn report(&self) -> Result<Report, Outcome> {
        let text = policy_text(text_file::read(&self.file)?);
        let policy = WrittenPolicy::parse(&text)
            .map_err(|error| Outcome::wrong_call(format!("{}: {error}", self.file.display())))?;
        let key = Key {
            metadata: read(self.key_metadata.as_deref(), KeyMetadata::from_json)?,
            grants: read(self.grants.as_deref(), Grant::list_from_json)?,
        };
        Ok(check(&policy, &key))
    }
}

fn read<T, E: std::fmt::Display>(
    path: Option<&Path>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Outcome> {
    let Some(path) = path else {
        return Ok(None);
    };
    parse(&text_file::read(path)?)
        .map(Some)
        .map_err(|error| Outcome::wrong_call(format!("{}: {error}", path.display())))
}
