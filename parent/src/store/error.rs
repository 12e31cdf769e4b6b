//! Why the record store could not be opened or used.

use std::io;
use std::path::PathBuf;

/// Why the record store could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be created, opened or synced.
    #[error("record store {}: {source}", path.display())]
    File {
        /// The database file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file is another program's database.
    #[error(
        "record store {}: it is another program's database (application_id {found:#010x}, expected: {expected:#010x})",
        path.display()
    )]
    Foreign {
        /// The database file.
        path: PathBuf,
        /// Its `application_id`.
        found: u32,
        /// The `application_id` of a record store.
        expected: u32,
    },
    /// The file was written by another release.
    #[error(
        "record store {}: its schema has version {found}, expected: version {expected}",
        path.display()
    )]
    Schema {
        /// The database file.
        path: PathBuf,
        /// Its `user_version`.
        found: i64,
        /// The `user_version` of this program's schema.
        expected: i64,
    },
    /// The file is not a database, or is a damaged one.
    #[error("record store {}: it is not a usable SQLite database: {source}", path.display())]
    Unusable {
        /// The database file.
        path: PathBuf,
        /// SQLite's error.
        source: sqlx::Error,
    },
    /// SQLite's integrity check found something, or the file is empty.
    #[error("record store {}: it is damaged: {finding}", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// The first finding.
        finding: String,
    },
    /// A copy would replace a file, or would be next to one that SQLite applies to it.
    #[error("{}: it exists; accepted: a path where no file is, nor one with -wal, -shm, -journal or .partial appended", path.display())]
    Taken {
        /// What exists.
        path: PathBuf,
    },
    /// A copy could not be made.
    #[error("record store {}: it could not be copied: {source}", path.display())]
    Copy {
        /// The database file that was to be copied.
        path: PathBuf,
        /// SQLite's error.
        source: sqlx::Error,
    },
    /// The PostgreSQL server cannot be reached, does not prove to be the one that was named, or refuses the user.
    #[error("record store {database}: {source}")]
    Postgres {
        /// The database in the configuration.
        database: String,
        /// The error of the connection or the server.
        source: sqlx::Error,
    },
    /// The PostgreSQL database is another program's.
    #[error(
        "record store {database}: it is another program's database, with {found}; accepted: a record store, or a database without a table"
    )]
    ForeignDatabase {
        /// The database in the configuration.
        database: String,
        /// The first of its tables.
        found: String,
    },
    /// The PostgreSQL database was written by another release.
    #[error(
        "record store {database}: its schema has version {found}, expected: version {expected}"
    )]
    DatabaseSchema {
        /// The database in the configuration.
        database: String,
        /// The version in `permafrost.store`.
        found: i32,
        /// The version of this program's schema.
        expected: i32,
    },
    /// The PostgreSQL server would lose writes or takes none.
    #[error("record store {database}: {finding}")]
    Unfit {
        /// The database in the configuration.
        database: String,
        /// What it lacks, and what is accepted.
        finding: String,
    },
    /// The file with root certificates for PostgreSQL is not one.
    #[error("store.postgres_ca = {}: {finding}", path.display())]
    RootCertificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        finding: String,
    },
    /// A read failed.
    #[error("the record store could not read: {0}")]
    Read(#[source] sqlx::Error),
    /// The transaction that a write was part of failed. With SQLite the record is unchanged; only after a disk failure and a crash may
    /// the write take effect after all. With PostgreSQL it may have taken effect if the connection failed.
    #[error("the record store could not write: {0}")]
    Write(String),
    /// The store was closed.
    #[error("the record store is closed")]
    Closed,
}

impl StoreError {
    pub(super) fn reading(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolClosed => Self::Closed,
            error => Self::Read(error),
        }
    }
}
