//! Why the record store could not be opened or did not answer.

use std::io;
use std::path::PathBuf;

/// Why the record store could not be opened or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be made, opened or synced.
    #[error("record store {}: {source}", path.display())]
    File {
        /// The database file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is a database of something else.
    #[error(
        "record store {}: another program's database (application_id {found:#010x}, expected {expected:#010x})",
        path.display()
    )]
    Foreign {
        /// The database file.
        path: PathBuf,
        /// Its `application_id`.
        found: u32,
        /// A record store's.
        expected: u32,
    },
    /// The file was written by another release.
    #[error(
        "record store {}: its schema has version {found}, this program knows version {expected}",
        path.display()
    )]
    Schema {
        /// The database file.
        path: PathBuf,
        /// Its `user_version`.
        found: i64,
        /// This program's.
        expected: i64,
    },
    /// The file is not a database, or a damaged one.
    #[error("record store {}: not a usable SQLite database: {source}", path.display())]
    Unusable {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// A read failed.
    #[error("the record store could not read: {0}")]
    Read(#[source] sqlx::Error),
    /// The transaction that a put was part of failed. The record is as it was; only after a failing disk and a crash
    /// may the put turn up after all.
    #[error("the record store could not write: {0}")]
    Write(String),
    /// The store was closed.
    #[error("the record store is closed")]
    Closed,
}
