//! `permafrost store credentials`: the access key of the enclave's own store.

mod access_key;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use permafrost_client::Principal;
use permafrost_common::api::{StoreKind, StoreState};
use permafrost_common::egress::Credentials;

use crate::cli::outcome::{Outcome, say};
use crate::cli::profile_option::ProfileOption;
use crate::cli::secret_file;

/// The longest file of an access key, in bytes.
const FILE_MAX: usize = 16 * 1024;

/// Give the verified enclave the access key of its DynamoDB table, which nobody else has, and show which one is in use.
#[derive(Args, Debug)]
pub(in crate::cli) struct StoreCredentials {
    #[command(flatten)]
    profile: ProfileOption,

    #[command(subcommand)]
    command: CredentialsCommand,
}

#[derive(Debug, Subcommand)]
enum CredentialsCommand {
    Seal(Seal),
    Show(Show),
}

/// Seal an access key to the verified enclave, which keeps it and uses it once the table has accepted it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  aws iam create-access-key --user-name permafrost-store | permafrost store credentials seal
  permafrost store credentials seal --profile operator.toml --access-key-file access-key.json

Accepted: the JSON that `aws iam create-access-key` prints, or that of temporary credentials; KEY_ID:SECRET; or lines
AWS_ACCESS_KEY_ID=..., AWS_SECRET_ACCESS_KEY=... and AWS_SESSION_TOKEN=... The secret is never an argument, and is sealed on this
machine; delete the file afterwards. If the table refuses the key, the enclave goes on with the one that it had. To rotate: make a
second access key, seal it, see it in `permafrost store credentials show` at every enclave, then delete the first.")]
struct Seal {
    /// The file of the access key; - for standard input.
    #[arg(default_value = "-", long, value_name = "FILE")]
    access_key_file: PathBuf,
}

/// Show the store and the access key in use, never its secret.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost store credentials show
  permafrost store credentials show --json")]
struct Show {}

impl StoreCredentials {
    pub(super) async fn run(&self, json: bool) -> Result<(), Outcome> {
        let state = match &self.command {
            CredentialsCommand::Seal(seal) => {
                // Before the enclave is asked for anything.
                let credentials = seal.credentials()?;
                let principal = self.principal().await?;
                principal.set_store_credentials(&credentials).await?
            }
            CredentialsCommand::Show(Show {}) => self.principal().await?.store().await?,
        };
        match json {
            true => say(serde_json::to_string(&state).unwrap_or_default()),
            false => say(describe(&state)),
        }
    }

    async fn principal(&self) -> Result<Principal, Outcome> {
        Ok(self.profile.read()?.principal().await?)
    }
}

impl Seal {
    fn credentials(&self) -> Result<Credentials, Outcome> {
        let path = &self.access_key_file;
        secret_file::read(path, FILE_MAX)
            .and_then(|text| access_key::read(&text))
            .map_err(|what| {
                Outcome::wrong_call(format!("--access-key-file {}: {what}", path.display()))
            })
    }
}

fn describe(state: &StoreState) -> String {
    if state.store == StoreKind::Parent {
        return "store       the parent's".to_owned();
    }
    let key = match (&state.access_key_id, state.credentials_version) {
        (Some(id), Some(version)) => format!("{id} (version {version} of the record)"),
        _ => "none that the table accepts; permafrost store credentials seal".to_owned(),
    };
    format!(
        "store       DynamoDB\ntable       {}\naccess key  {key}\nlease       {} ms",
        state.table_arn.as_deref().unwrap_or_default(),
        state.lease_ms
    )
}
