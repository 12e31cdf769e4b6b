//! Backups of the database file: copies made while it is in use, and the check of a file before anyone relies on it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::super::error::StoreError;
use super::{BUSY_TIME, check_origin, sync_folder};

/// How often the progress of a copy is reported.
const REPORT_INTERVAL: Duration = Duration::from_millis(200);

/// What SQLite keeps beside a database file. It would apply them to whatever is put in the file's place.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What a record store holds, according to a file that has passed [`check`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Content {
    /// How many records there are of each kind.
    pub records: BTreeMap<String, u64>,
    /// The length of the file in bytes, without a write-ahead log.
    pub bytes: u64,
}

/// Copies a record store to a new file with mode 0600, also while another process reads and writes it.
///
/// The copy is the store at one moment after the call: it has every put that was acknowledged before. It is written as `TO.partial`,
/// checked as by [`check`], synced, and only then gets its name, so a file with the name `to` is always whole. `progress`
/// is told how many bytes are written, and about how many there will be.
///
/// # Errors
///
/// Those of [`check`] for either file; [`StoreError::Taken`] if there is something at `to`; [`StoreError::Copy`] if SQLite cannot read
/// or write, for example because the disk is full. No file is left behind then.
pub async fn copy(
    from: &Path,
    to: &Path,
    progress: impl Fn(u64, u64),
) -> Result<Content, StoreError> {
    let mut source = open(from).await?;
    for suffix in [""].iter().chain(&COMPANIONS) {
        refuse_taken(&with_suffix(to, suffix))?;
    }
    let partial = Partial::create(to)?;
    vacuum_into(&mut source, &partial.0, from, progress).await?;
    // Nothing was written through this connection, and the copy does not depend on how it ends.
    let _ = source.close().await;
    let content = check(&partial.0).await?;
    partial.publish(to)?;
    Ok(content)
}

/// Examines a record store: that it is one of this release, and whole according to SQLite's own integrity check.
///
/// It does not open the sealed records, which only the enclave can.
///
/// # Errors
///
/// [`StoreError::File`] if the file cannot be read, [`StoreError::Damaged`], [`StoreError::Foreign`], [`StoreError::Schema`] and
/// [`StoreError::Unusable`].
pub async fn check(path: &Path) -> Result<Content, StoreError> {
    let mut connection = open(path).await?;
    let content = examine(&mut connection, path).await;
    let _ = connection.close().await;
    content
}

async fn examine(connection: &mut SqliteConnection, path: &Path) -> Result<Content, StoreError> {
    let unusable = |source| StoreError::Unusable {
        path: path.to_owned(),
        source,
    };
    let finding: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut *connection)
        .await
        .map_err(unusable)?;
    if finding != "ok" {
        return Err(damaged(path, finding));
    }
    let counts: Vec<(String, i64)> =
        sqlx::query_as("SELECT kind, count(*) FROM records GROUP BY kind ORDER BY kind")
            .fetch_all(&mut *connection)
            .await
            .map_err(unusable)?;
    Ok(Content {
        records: counts
            .into_iter()
            .map(|(kind, count)| (kind, count.unsigned_abs()))
            .collect(),
        bytes: length(path)?,
    })
}

/// Opens a record store without changing it.
async fn open(path: &Path) -> Result<SqliteConnection, StoreError> {
    // SQLite would take an empty file for a new database.
    if length(path)? == 0 {
        return Err(damaged(path, "it is empty".to_owned()));
    }
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIME)
        .disable_statement_logging()
        .connect()
        .await
        .map_err(|source| StoreError::Unusable {
            path: path.to_owned(),
            source,
        })?;
    check_origin(&mut connection, path).await?;
    Ok(connection)
}

/// `VACUUM INTO` reads one snapshot, however much others write meanwhile. SQLite's backup API begins again whenever another
/// process has written, and a busy store might never let it end.
async fn vacuum_into(
    source: &mut SqliteConnection,
    partial: &Path,
    from: &Path,
    progress: impl Fn(u64, u64),
) -> Result<(), StoreError> {
    let failed = |source| StoreError::Copy {
        path: from.to_owned(),
        source,
    };
    let name = partial.to_str().ok_or_else(|| {
        let accepted = "the name is not UTF-8; accepted: UTF-8, for SQLite";
        file_error(
            partial,
            io::Error::new(io::ErrorKind::InvalidInput, accepted),
        )
    })?;
    let total: i64 = sqlx::query_scalar(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    )
    .fetch_one(&mut *source)
    .await
    .map_err(failed)?;
    let mut copying = Box::pin(sqlx::query("VACUUM INTO ?1").bind(name).execute(source));
    let mut reports = tokio::time::interval(REPORT_INTERVAL);
    loop {
        tokio::select! {
            done = &mut copying => return done.map(drop).map_err(failed),
            _ = reports.tick() => progress(length(partial)?, total.unsigned_abs()),
        }
    }
}

/// A copy that has no name of its own yet; removed unless it gets one.
struct Partial(PathBuf);

impl Partial {
    /// An empty file, which SQLite fills and whose mode it keeps.
    fn create(to: &Path) -> Result<Self, StoreError> {
        let path = with_suffix(to, ".partial");
        refuse_taken(&path)?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| file_error(&path, source))?;
        Ok(Self(path))
    }

    fn publish(self, to: &Path) -> Result<(), StoreError> {
        File::open(&self.0)
            .and_then(|file| file.sync_all())
            .map_err(|source| file_error(&self.0, source))?;
        // A link, because a rename would replace a file that has come into being meanwhile.
        fs::hard_link(&self.0, to).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => taken(to),
            _ => file_error(to, source),
        })?;
        drop(self);
        sync_folder(to)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn refuse_taken(path: &Path) -> Result<(), StoreError> {
    match path.symlink_metadata() {
        Ok(_) => Err(taken(path)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(file_error(path, source)),
    }
}

fn length(path: &Path) -> Result<u64, StoreError> {
    path.metadata()
        .map(|metadata| metadata.len())
        .map_err(|source| file_error(path, source))
}

fn taken(path: &Path) -> StoreError {
    StoreError::Taken {
        path: path.to_owned(),
    }
}

fn damaged(path: &Path, finding: String) -> StoreError {
    StoreError::Damaged {
        path: path.to_owned(),
        finding,
    }
}

fn file_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::File {
        path: path.to_owned(),
        source,
    }
}
