//! `permafrost store credentials`: the access key of the enclave's own store.

mod access_key;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use permafrost_client::Principal;
use permafrost_common::api::{StoreKind, StoreState};
use permafrost_common::egress::Credentials;

use crate::cli::attest::utc;
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
    Authority(Authority),
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

/// Show the certificate of the authority inside the verified enclave, of which a trust anchor of IAM Roles Anywhere is made.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost store credentials authority --out ca.pem
  aws rolesanywhere update-trust-anchor --trust-anchor-id ID \\
    --source \"sourceType=CERTIFICATE_BUNDLE,sourceData={x509CertificateData=$(cat ca.pem)}\"
  permafrost store credentials authority --json

The certificate comes in a response that the enclave signs. Its key was made in the enclave and never leaves it. Only for a measured
configuration with trust_anchor_arn, profile_arn and role_arn in [store].")]
struct Authority {
    /// Write the certificate, in PEM, to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

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
            CredentialsCommand::Authority(wanted) => {
                let state = self.principal().await?.store().await?;
                return wanted.give(&state, json);
            }
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

impl Authority {
    fn give(&self, state: &StoreState, json: bool) -> Result<(), Outcome> {
        let authority = state.authority.as_ref().ok_or_else(|| {
            Outcome::failed(
                "the enclave has no authority: its measured configuration has no trust anchor in [store], or it has not read its record \
                 yet; permafrost store credentials show",
            )
        })?;
        if let Some(path) = &self.out {
            std::fs::write(path, &authority.certificate).map_err(|error| {
                Outcome::failed(format!("--out {}: cannot write: {error}", path.display()))
            })?;
        }
        match (json, &self.out) {
            (true, _) => say(serde_json::to_string(authority).unwrap_or_default()),
            (false, None) => say(authority.certificate.trim_end()),
            (false, Some(path)) => say(format!(
                "certificate   {}\ntrust anchor  {}",
                path.display(),
                authority.trust_anchor_arn
            )),
        }
    }
}

fn describe(state: &StoreState) -> String {
    if state.store == StoreKind::Parent {
        return "store       the parent's".to_owned();
    }
    let key = match (&state.access_key_id, state.credentials_version) {
        (Some(id), Some(version)) => format!("{id} (version {version} of the record)"),
        _ if state.authority.is_some() => "none; is the certificate of permafrost store credentials authority in the trust anchor?".to_owned(),
        _ => "none that the table accepts; permafrost store credentials seal".to_owned(),
    };
    let utc = |second: u64| utc(i64::try_from(second).unwrap_or(i64::MAX));
    let expires = match state.credentials_expire_at {
        Some(second) => format!("\nexpires     {}", utc(second)),
        None => String::new(),
    };
    let anchor = match &state.authority {
        Some(authority) => format!(
            "\nanchor      {}, whose certificate ends {}",
            authority.trust_anchor_arn,
            utc(authority.valid_until)
        ),
        None => String::new(),
    };
    format!(
        "store       DynamoDB\ntable       {}\naccess key  {key}{expires}{anchor}\nlease       {} ms",
        state.table_arn.as_deref().unwrap_or_default(),
        state.lease_ms
    )
}
