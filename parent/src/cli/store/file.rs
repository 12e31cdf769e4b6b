//! `permafrost store backup`, `check` and `restore`: the SQLite file.

use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::cli::outcome::{Outcome, say};
use crate::config::{Config, DatabaseConfig};
use crate::store::{self, Content, StoreError};

#[derive(Debug, Subcommand)]
pub(super) enum FileCommand {
    Backup(Backup),
    Check(Check),
    Restore(Restore),
}

/// Copy the store to a new file, also while `permafrost serve` uses it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost store backup /backup/store-2026-01-31.sqlite
  permafrost store backup --config parent.toml store.backup --json

The file has mode 0600. It holds every write that was acknowledged before the call, and has its name only when it is whole. An
existing file is never replaced.")]
pub(super) struct Backup {
    /// The new file.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    place: Location,
}

/// Check that a file is a whole record store of this release. Changes nothing.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost store check /backup/store-2026-01-31.sqlite
  permafrost store check store.backup --json

It runs SQLite's integrity check. Only an enclave of the deployment can open the records themselves.")]
pub(super) struct Check {
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Put a checked backup in the store's place, where no store may be: move the old one away first, with its -wal and -shm.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  permafrost store restore /backup/store-2026-01-31.sqlite
  permafrost store restore --config parent.toml store.backup --json

Stop the parent and the enclave before. An older store revives what was revoked or disabled since: docs/backup.md says what to do.")]
pub(super) struct Restore {
    /// The backup, which stays as it is.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    place: Location,
}

#[derive(Args, Debug)]
struct Location {
    /// The configuration of `permafrost serve`, whose store.sqlite is the store. Without it: the default path.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl FileCommand {
    pub(super) async fn run(&self, json: bool) -> Result<(), Outcome> {
        let (file, content, done) = match self {
            Self::Backup(Backup { file, place }) => (
                file,
                copy(&place.store()?, file, json).await?,
                "backed up to",
            ),
            Self::Check(Check { file }) => {
                (file, store::check(file).await.map_err(failed)?, "whole:")
            }
            Self::Restore(Restore { file, place }) => {
                let store = place.store()?;
                (file, copy(file, &store, json).await?, "restored from")
            }
        };
        let Content { records, bytes } = content;
        let total: u64 = records.values().sum();
        match json {
            true => say(json!({"file": file, "records": total, "kinds": records, "bytes": bytes})),
            false => say(format!(
                "{done} {}: {total} records, {bytes} bytes",
                file.display()
            )),
        }
    }
}

/// Copies with a progress bar, unless JSON is wanted; an interrupt leaves nothing behind.
async fn copy(from: &Path, to: &Path, json: bool) -> Result<Content, Outcome> {
    let target = match !json && stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(Some(0), target).with_style(style()?);
    let copied = tokio::select! {
        copied = store::copy(from, to, |written, total| {
            bar.set_length(total.max(written));
            bar.set_position(written);
        }) => copied.map_err(failed),
        _ = tokio::signal::ctrl_c() => Err(Outcome::failed("interrupted; nothing was written")),
    };
    bar.finish_and_clear();
    copied
}

impl Location {
    fn store(&self) -> Result<PathBuf, Outcome> {
        let config = match &self.config {
            None => Config::default(),
            Some(path) => Config::read(path).map_err(|error| {
                Outcome::wrong_call(format!("configuration {}: {error}", path.display()))
            })?,
        };
        match config.store.database {
            DatabaseConfig::Sqlite(path) => Ok(path),
            DatabaseConfig::Postgres(_) => Err(Outcome::wrong_call(
                "store.postgres: permafrost store is for SQLite; back up and restore a PostgreSQL database with pg_dump and pg_restore (docs/backup.md)",
            )),
        }
    }
}

fn style() -> Result<ProgressStyle, Outcome> {
    ProgressStyle::with_template("{bar:32} {bytes} of about {total_bytes}, {eta} left")
        .map_err(Outcome::failed)
}

/// A file that cannot be read or may not be written is a wrong call; one that is damaged or of another kind fails the check.
fn failed(error: StoreError) -> Outcome {
    match error {
        StoreError::File { .. } | StoreError::Taken { .. } => Outcome::wrong_call(error),
        _ => Outcome::failed(error),
    }
}
