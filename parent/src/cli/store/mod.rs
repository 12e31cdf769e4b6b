//! `permafrost store`.

mod file;

use clap::{Args, Subcommand};

use super::outcome::Outcome;

/// Where the sealed records are: the SQLite file (back it up while it is in use, check a backup, restore one).
#[derive(Args, Debug)]
pub(super) struct Store {
    /// Print JSON.
    #[arg(global = true, long)]
    json: bool,

    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    #[command(flatten)]
    File(file::FileCommand),
}

impl Store {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        let done = match &self.command {
            StoreCommand::File(command) => command.run(self.json).await,
        };
        match done {
            Err(outcome) if self.json => Err(outcome.into_json()?),
            other => other,
        }
    }
}
