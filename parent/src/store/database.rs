//! The database file: opens it, and refuses a file that is not a record store.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};

use super::error::StoreError;
use super::write::Writer;

/// `application_id` of a record store ("PRMF"), as `schema.sql` sets it.
const APPLICATION_ID: u32 = 0x5052_4D46;

/// `user_version` of this program's schema, as `schema.sql` sets it.
const SCHEMA_VERSION: i64 = 2;

/// The number of connections for reading; writes have one of their own.
const READERS: u32 = 4;

/// How long to wait for another process's lock on the database.
pub(super) const BUSY_TIME: Duration = Duration::from_secs(5);

/// The sealed records in an SQLite file. Clones share the connections.
#[derive(Clone, Debug)]
pub struct RecordStore {
    pub(super) readers: SqlitePool,
    pub(super) writer: Writer,
}

impl RecordStore {
    /// Opens the file, or creates it with mode 0600.
    ///
    /// It uses a write-ahead log and `synchronous=FULL`: a [`put`](Self::put) that has returned survives a crash of this
    /// process, a crash of the machine and a power failure.
    ///
    /// # Errors
    ///
    /// [`StoreError::File`] if the file cannot be created; [`StoreError::Unusable`] if it is not an SQLite database or is a
    /// damaged one; [`StoreError::Foreign`] if another program made it; [`StoreError::Schema`] if another release made it.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
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
        check(&mut connection, path).await?;
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

    /// Waits for writes in progress, then closes the file; afterwards every clone returns [`StoreError::Closed`].
    ///
    /// Durability does not depend on it.
    pub async fn close(&self) {
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
pub(super) fn sync_folder(path: &Path) -> Result<(), StoreError> {
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
async fn check(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
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
pub(super) async fn check_origin(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), StoreError> {
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
