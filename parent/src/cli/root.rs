//! `permafrost root`.

use std::io::IsTerminal;
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use permafrost_client::Principal;
use permafrost_common::api::{ResealRecords, RootState};
use serde::Serialize;

use super::outcome::{Outcome, say};
use super::profile_option::ProfileOption;

/// Show and change the epochs of the root secret, each a KMS data key that only attested enclaves unseal.
#[derive(Args, Debug)]
pub(super) struct Root {
    #[command(flatten)]
    profile: ProfileOption,

    /// Print the answer as JSON; a failure is printed as {"error": {...}}.
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

/// Show the epochs that open, and the one that seals.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  permafrost root show --json")]
struct Show {}

/// Make the next epoch from a new KMS data key. Old records open as before, new writes use the new epoch.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost root rotate
  permafrost root rotate --from 3

Then, a minute later, `permafrost root reseal` and `permafrost root retire`: by then every enclave of the deployment has it.")]
struct Rotate {
    /// The newest epoch as you know it: another one is refused, so that a repeated call rotates once. Default: what the
    /// enclave says now.
    #[arg(long, value_name = "EPOCH")]
    from: Option<u32>,
}

/// Seal every record anew in the newest epoch. It can be interrupted at any time and begun again: what is done stays done.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost root reseal
  permafrost root reseal --after 0123...cdef
  permafrost root reseal --page 20 --json")]
struct Reseal {
    /// Go on after this record, as an interrupted run printed it. A run from the start passes over what is done, quickly.
    #[arg(default_value = "", long, value_name = "CURSOR")]
    after: String,

    /// Records in one request: 1 to 100.
    #[arg(default_value_t = 100, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    page: u32,
}

/// Forget every epoch but the newest. The enclave refuses until a whole `reseal` has found nothing left in them.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost root retire --epoch 3

What is still sealed in an older epoch never opens again. To hold the parent to it, set kms.oldest_epoch in the measured
configuration of the next release.")]
struct Retire {
    /// The newest epoch, which stays.
    #[arg(long, value_name = "EPOCH")]
    epoch: u32,
}

/// What a whole run of `reseal` did.
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
                "epoch     {} seals\nopen      {}\naccepted  {} and later (measured configuration)\nKMS key   {}",
                state.epoch,
                epochs.join(", "),
                state.oldest_epoch,
                state.key_arn
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
        let mut page = ResealRecords {
            after: self.after.clone(),
            limit: Some(self.page),
        };
        loop {
            let response = principal.reseal(&page).await.map_err(|error| {
                let so_far = done.describe();
                Outcome::from(error)
                    .advising(&format!("{so_far}; go on with --after '{}'", page.after))
            })?;
            done.epoch = response.epoch;
            done.examined += u64::from(response.examined);
            done.resealed += u64::from(response.resealed);
            done.left += u64::from(response.left);
            progress.set_message(done.describe());
            // A cursor that leads back would never end.
            match response.next.filter(|next| *next > page.after) {
                Some(next) => page.after = next,
                None => return Ok(done),
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
            "records looked at: {}, sealed anew in epoch {}: {}{again}",
            self.examined, self.epoch, self.resealed
        )
    }
}

/// A line that counts, where somebody watches; the total is not known, for the store alone has it.
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
