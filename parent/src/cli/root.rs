//! `permafrost root`.

use std::collections::HashSet;
use std::io::IsTerminal;
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use permafrost_client::Principal;
use permafrost_common::api::{ResealRecords, RootState};
use serde::Serialize;

use super::outcome::{Outcome, say};
use super::profile_option::ProfileOption;

/// Show and change the epochs of the root secret, each a KMS data key that only attested enclaves obtain.
#[derive(Args, Debug)]
pub(super) struct Root {
    #[command(flatten)]
    profile: ProfileOption,

    /// Print the enclave's response as JSON, and a failure as {"error": {...}}.
    #[arg(global = true, long)]
    json: bool,

    #[command(subcommand)]
    command: RootCommand,
}

#[derive(Debug, Subcommand)]
enum RootCommand {
    Show(Show),
    Rotate(Rotate),
    Reseal(Reseal),
    Retire(Retire),
}

/// Show the epochs that open records, and the one that seals them.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  permafrost root show --json")]
struct Show {}

/// Make the next epoch from a new KMS data key. Old records still open; new writes are sealed in the new epoch.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost root rotate
  permafrost root rotate --from 3

Wait a minute, until every enclave of the deployment has the new epoch; then run `permafrost root reseal` and
`permafrost root retire`.")]
struct Rotate {
    /// The epoch that you take to be the newest. The enclave refuses any other, so that a repeated call rotates once.
    /// Default: the newest epoch that the enclave reports.
    #[arg(long, value_name = "EPOCH")]
    from: Option<u32>,
}

/// Seal every record anew in the newest epoch. Can be interrupted at any time and restarted: what is done stays done.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost root reseal
  permafrost root reseal --after 0123...cdef
  permafrost root reseal --page 20 --json")]
struct Reseal {
    /// Continue after this record, as an interrupted run printed it. A run from the start quickly skips what is done.
    #[arg(default_value = "", long, value_name = "CURSOR")]
    after: String,

    /// How many records to reseal in one request: 1 to 100.
    #[arg(default_value_t = 100, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    page: u32,
}

/// Forget every epoch but the newest. The enclave refuses until a complete `reseal` has found no record left in them.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost root retire --epoch 3

What is still sealed in an older epoch never opens again. To enforce that against the parent, set root.oldest_epoch in the
measured configuration of the next release.")]
struct Retire {
    /// The newest epoch, which is kept.
    #[arg(long, value_name = "EPOCH")]
    epoch: u32,
}

/// What a complete run of `reseal` did.
#[derive(Clone, Debug, Default, Serialize)]
struct Resealed {
    epoch: u32,
    examined: u64,
    resealed: u64,
    left: u64,
}

impl Root {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        match self.ask().await {
            Err(outcome) if self.json => Err(outcome.into_json()?),
            other => other,
        }
    }

    async fn ask(&self) -> Result<(), Outcome> {
        let principal = self.profile.read()?.principal().await?;
        match &self.command {
            RootCommand::Show(Show {}) => self.print_state(&principal.root().await?),
            RootCommand::Rotate(rotate) => {
                let from = match rotate.from {
                    Some(epoch) => epoch,
                    None => principal.root().await?.epoch,
                };
                self.print_state(&principal.rotate_root(from).await?)
            }
            RootCommand::Reseal(reseal) => {
                let done = reseal.ask(&principal).await?;
                self.print(&done, || done.describe())
            }
            RootCommand::Retire(retire) => {
                self.print_state(&principal.retire_root(retire.epoch).await?)
            }
        }
    }

    fn print_state(&self, state: &RootState) -> Result<(), Outcome> {
        self.print(state, || {
            let epochs: Vec<String> = state.epochs.iter().map(ToString::to_string).collect();
            format!(
                "epoch     {} seals\nopen      {}\naccepted  {} and later (measured configuration)\nKMS key   {}\nderived   from root {}",
                state.epoch,
                epochs.join(", "),
                state.oldest_epoch,
                state.key_arn,
                state.derivation_root
            )
        })
    }

    fn print(
        &self,
        response: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), Outcome> {
        match self.json {
            true => say(serde_json::to_string(response).unwrap_or_default()),
            false => say(text()),
        }
    }
}

impl Reseal {
    async fn ask(&self, principal: &Principal) -> Result<Resealed, Outcome> {
        let progress = progress();
        let mut done = Resealed::default();
        let mut seen = HashSet::new();
        let mut next_part = ResealRecords {
            after: self.after.clone(),
            limit: Some(self.page),
        };
        loop {
            let response = principal.reseal(&next_part).await.map_err(|error| {
                let so_far = done.describe();
                Outcome::from(error).advising(&format!(
                    "{so_far}; continue with --after '{}'",
                    next_part.after
                ))
            })?;
            done.epoch = response.epoch;
            done.examined += u64::from(response.examined);
            done.resealed += u64::from(response.resealed);
            done.left += u64::from(response.left);
            progress.set_message(done.describe());
            let Some(next) = response.next else {
                return Ok(done);
            };
            let before = std::mem::replace(&mut next_part.after, next);
            seen.insert(before);
            if seen.contains(&next_part.after) {
                let text = "the enclave gave the same cursor twice, so resealing would not end";
                return Err(Outcome::failed(text));
            }
        }
    }
}

impl Resealed {
    fn describe(&self) -> String {
        let again = match self.left {
            0 => String::new(),
            left => format!(", changed by others meanwhile: {left} (run it again)"),
        };
        format!(
            "records examined: {}, sealed anew in epoch {}: {}{again}",
            self.examined, self.epoch, self.resealed
        )
    }
}

/// A line that counts, shown on a terminal. It shows no total, which only the store knows.
fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
