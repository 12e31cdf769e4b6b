//! `permafrost store`.

mod credentials;
mod file;
mod table;

use clap::{Args, Subcommand};

use super::outcome::Outcome;

/// Where the sealed records are: the SQLite file (back it up while it is in use, check a backup, restore one), or a DynamoDB table
/// (make it, check who else could write to it, give the enclave its credentials).
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
    #[command(subcommand)]
    Table(table::Table),
    Credentials(credentials::StoreCredentials),
}

impl Store {
    pub(super) async fn run(self) -> Result<(), Outcome> {
        let done = match &self.command {
            StoreCommand::File(command) => command.run(self.json).await,
            StoreCommand::Table(table) => table.run(self.json).await,
            StoreCommand::Credentials(command) => command.run(self.json).await,
        };
        match done {
            Err(outcome) if self.json && !outcome.is_told() => Err(outcome.into_json()?),
            other => other,
        }
    }
}
