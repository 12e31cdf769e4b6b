//! `permafrost demo`.

use std::path::PathBuf;

use clap::Args;

use super::dev::progress;
use crate::cli::outcome::{Outcome, say, with_causes};
use crate::cli::serve::StopSignals;
use crate::demo;
use crate::log::{self, Format};

const EXAMPLES: &str = "\
Examples:
  permafrost demo
  permafrost demo --json | tee demo.json

With --json, one object: group_public_key, threshold, participants, nostr_event, message, taproot, rotated, attestation.
The exit code is 0 only if every check has passed.";

/// See it work: an emulated enclave makes, uses and rotates a key and attests itself, and every result is checked.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Demo {
    /// Print the results as one JSON object.
    #[arg(long)]
    json: bool,

    /// The enclave program, built with the emulator. Default: permafrost-enclave beside this program, or in the PATH.
    #[arg(long, value_name = "FILE")]
    enclave: Option<PathBuf>,
}

impl Demo {
    pub(in crate::cli) async fn run(self) -> Result<(), Outcome> {
        let _log = log::start(Format::Text, tracing::Level::ERROR);
        let mut signals = StopSignals::new()?;
        let shown = {
            let _progress = progress("running the demo");
            // Dropping the future drops the stack, which ends the enclave.
            tokio::select! {
                shown = demo::run(self.enclave) => shown,
                () = signals.next() => return Err(Outcome::failed("interrupted")),
            }
        };
        let shown = shown.map_err(|error| Outcome::failed(with_causes(&error)))?;
        match self.json {
            true => say(serde_json::to_string(&shown.report).map_err(Outcome::failed)?),
            false => say(demo::story(&shown)),
        }
    }
}
