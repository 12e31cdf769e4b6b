//! `permafrost kms-emulator`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use permafrost_kms::emulator::{
    ACCOUNT, ADMINISTRATOR, Emulator, EmulatorError, EmulatorOptions, REGION, WARNING,
};
use serde_json::json;

use crate::cli::outcome::{Outcome, say, with_causes};
use crate::cli::serve::StopSignals;
use crate::log::{self, Format};

const EXAMPLES: &str = "\
Examples:
  permafrost kms-emulator
  permafrost kms-emulator --root-certificate .permafrost/enclave/development-root.pem
  permafrost kms-emulator --state /tmp/kms --listen 127.0.0.1:0 --json > kms.json

The first start makes the state directory, closed to other users. It keeps everything: keys, aliases, policies, the
certificate authority, identities and their access keys. Ctrl-C ends the KMS.

It is for DEVELOPMENT: its keys are in a file, and it protects nothing.";

/// Run a KMS for development: the wire protocol, key policies, responses and errors of AWS KMS.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct KmsEmulator {
    /// The state directory.
    #[arg(long, default_value = ".permafrost/kms", value_name = "DIR")]
    state: PathBuf,

    /// Where clients connect, 127.0.0.1 or [::1]; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:4566", value_name = "ADDR")]
    listen: SocketAddr,

    /// A root certificate (PEM) that attestation documents may lead to; may be repeated. It is read for each request, so the file
    /// need not exist yet.
    #[arg(long = "root-certificate", value_name = "PEM")]
    roots: Vec<PathBuf>,

    /// The region of the keys.
    #[arg(long, default_value = REGION)]
    region: String,

    /// The account of the keys: 12 digits.
    #[arg(long, default_value = ACCOUNT)]
    account: String,

    /// Print one JSON object instead of text, and log JSON lines to stderr.
    #[arg(long)]
    json: bool,
}

impl KmsEmulator {
    pub(in crate::cli) async fn run(self) -> Result<(), Outcome> {
        let format = match self.json {
            true => Format::Json,
            false => Format::Text,
        };
        let _log = log::start(format, tracing::Level::INFO);
        let mut signals = StopSignals::new()?;
        let started = Emulator::start(EmulatorOptions {
            listen: self.listen,
            state: self.state,
            roots: self.roots,
            region: self.region,
            account: self.account,
        })
        .await;
        let emulator = match started {
            Ok(emulator) => emulator,
            Err(error) => {
                let outcome = refused(&error);
                return Err(match self.json {
                    true => outcome.into_json()?,
                    false => outcome,
                });
            }
        };
        let printed = match self.json {
            true => say(as_json(&emulator)),
            false => say(how_to_use(&emulator)),
        };
        signals.stop().await;
        emulator.stop().await;
        printed
    }
}

fn refused(error: &EmulatorError) -> Outcome {
    let text = with_causes(error);
    match error {
        EmulatorError::Names { .. }
        | EmulatorError::NotLoopback(_)
        | EmulatorError::Identities { .. }
        | EmulatorError::Keys { .. } => Outcome::wrong_call(text),
        _ => Outcome::failed(text),
    }
}

fn as_json(emulator: &Emulator) -> serde_json::Value {
    json!({
        "warning": WARNING,
        "endpoint": emulator.endpoint_url(),
        "address": emulator.address().to_string(),
        "region": emulator.region(),
        "ca": emulator.ca_path(),
        "credentials": emulator.credentials_path(),
        "identities": emulator.identities_path(),
        "state": emulator.state(),
    })
}

fn how_to_use(emulator: &Emulator) -> String {
    let url = emulator.endpoint_url();
    let region = emulator.region();
    let ca = emulator.ca_path().display().to_string();
    let credentials = emulator.credentials_path().display().to_string();
    let identities = emulator.identities_path().display().to_string();
    format!(
        "WARNING: {WARNING}.\n\
         \n\
         KMS of region {region} at {url}\n\
         certificate authority      {ca}\n\
         identities (may be edited) {identities}\n\
         \n\
         Try, in another terminal:\n\
         \n  \
         export AWS_ENDPOINT_URL_KMS='{url}' AWS_CA_BUNDLE='{ca}'\n  \
         export AWS_REGION={region} AWS_DEFAULT_REGION={region}\n  \
         export AWS_SHARED_CREDENTIALS_FILE='{credentials}' AWS_PROFILE={ADMINISTRATOR}\n  \
         aws kms create-key\n  \
         aws kms list-keys\n\
         \n\
         Ctrl-C ends the KMS; the keys stay."
    )
}
