//! A record store in an SQLite file: opens it, and refuses a file that is not a record store.

mod copy;
mod read;
mod write;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};

use self::write::Writer;
use super::error::StoreError;

pub use copy::{Content, check, copy};

/// `application_id` of a record store ("PRMF"), as `schema.sql` sets it.
const APPLICATION_ID: u32 = 0x5052_4D46;

/// `user_version` of this program's schema, as `schema.sql` sets it.
const SCHEMA_VERSION: i64 = 2;

/// The number of connections for reading; writes have one of their own.
const READERS: u32 = 4;

/// How long to wait for another process's lock on the database.
const BUSY_TIME: Duration = Duration::from_secs(5);

/// The sealed records in an SQLite file. Clones share the connections.
#[derive(Clone, Debug)]
pub(super) struct SqliteStore {
    readers: SqlitePool,
    writer: Writer,
}

impl SqliteStore {
    /// See [`RecordStore::open`](super::RecordStore::open).
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
        create(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIME)
            .foreign_keys(false)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let unusable = |source| StoreError::Unusable {
            path: path.to_owned(),
            source,
        };
        let mut connection = options.connect().await.map_err(unusable)?;
        prepare(&mut connection, path).await?;
        sqlx::query("PRAGMA journal_mode = WAL")
            .execute(&mut connection)
            .await
            .map_err(unusable)?;
        sync_folder(path)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(
                options
                    .journal_mode(SqliteJournalMode::Wal)
                    .pragma("query_only", "on"),
            )
            .await
            .map_err(unusable)?;
        Ok(Self {
            readers,
            writer: Writer::start(connection),
        })
    }

    /// Waits for writes in progress, then closes the file.
    pub(super) async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}

fn create(path: &Path) -> Result<(), StoreError> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|source| StoreError::File {
            path: path.to_owned(),
            source,
        })
}

/// The new file's name must be as durable as its content.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    File::open(&folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| StoreError::File {
            path: path.to_owned(),
            source,
        })
}

/// Makes the schema in an empty file; refuses a file that is not a record store.
async fn prepare(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let unusable = |source| StoreError::Unusable {
        path: path.to_owned(),
        source,
    };
    // One transaction: of two processes that find an empty file, only one makes the schema.
    let mut transaction = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(unusable)?;
    let (found, schema, objects): (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT application_id FROM pragma_application_id), \
         (SELECT user_version FROM pragma_user_version), \
         (SELECT count(*) FROM sqlite_schema)",
    )
    .fetch_one(&mut *transaction)
    .await
    .map_err(unusable)?;
    if (found, schema, objects) == (0, 0, 0) {
        sqlx::raw_sql(include_str!("schema.sql"))
            .execute(&mut *transaction)
            .await
            .map_err(unusable)?;
        return transaction.commit().await.map_err(unusable);
    }
    check_origin(&mut transaction, path).await?;
    transaction.rollback().await.map_err(unusable)
}

/// Refuses a database that another program or another release made.
async fn check_origin(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let (found, schema): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT application_id FROM pragma_application_id), \
         (SELECT user_version FROM pragma_user_version)",
    )
    .fetch_one(connection)
    .await
    .map_err(|source| StoreError::Unusable {
        path: path.to_owned(),
        source,
    })?;
    let found = found as u32;
    if found != APPLICATION_ID {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
            found,
            expected: APPLICATION_ID,
        });
    }
    if schema != SCHEMA_VERSION {
        return Err(StoreError::Schema {
            path: path.to_owned(),
            found: schema,
            expected: SCHEMA_VERSION,
        });
    }
    Ok(())
}
