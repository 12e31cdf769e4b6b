//! The record store, in whichever database it is.

use std::path::Path;

use bytes::Bytes;
use permafrost_common::store::{Expected, Listing};

use super::error::StoreError;
use super::outcome::{Change, Conflict, Deletion, Fetched, Put};
use super::postgres::{PostgresConfig, PostgresStore};
use super::sqlite::SqliteStore;

/// The sealed records. Clones share the connections to the database.
#[derive(Clone, Debug)]
pub struct RecordStore(Database);

#[derive(Clone, Debug)]
enum Database {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl RecordStore {
    /// Opens an SQLite file, or creates it with mode 0600.
    ///
    /// It uses a write-ahead log and `synchronous=FULL`: a [`put`](Self::put) that has returned survives a crash of this
    /// process, a crash of the machine and a power failure.
    ///
    /// # Errors
    ///
    /// [`StoreError::File`] if the file cannot be created; [`StoreError::Unusable`] if it is not an SQLite database or is a
    /// damaged one; [`StoreError::Foreign`] if another program made it; [`StoreError::Schema`] if another release made it.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let store = SqliteStore::open(path.as_ref()).await?;
        Ok(Self(Database::Sqlite(store)))
    }

    /// Connects to a PostgreSQL database, and makes the schema in one that is empty. Several processes may use it at once.
    ///
    /// # Errors
    ///
    /// [`StoreError::Postgres`] if the server cannot be reached, does not prove to be the one that was named or refuses the user;
    /// [`StoreError::ForeignDatabase`] if the database has the tables of another program; [`StoreError::DatabaseSchema`] if another
    /// release made it; [`StoreError::Unfit`] if the server would lose or never take writes.
    pub async fn connect(config: &PostgresConfig) -> Result<Self, StoreError> {
        let store = PostgresStore::connect(config).await?;
        Ok(Self(Database::Postgres(store)))
    }

    /// The newest version of a record, without its bytes if it is the `known` one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Read`] if the database does not respond, [`StoreError::Closed`].
    pub async fn get(
        &self,
        kind: &str,
        id: &str,
        known: Option<u64>,
    ) -> Result<Fetched, StoreError> {
        match &self.0 {
            Database::Sqlite(store) => store.get(kind, id, known).await,
            Database::Postgres(store) => store.get(kind, id, known).await,
        }
    }

    /// At most `limit` records whose ids begin with `prefix` and are greater than `after`, and that have the `tag`, if there is one,
    /// in ascending byte order. Returns fewer if they would exceed [`LISTING_BYTES_MAX`] together. A `limit` above [`LISTING_MAX`] counts
    /// as [`LISTING_MAX`].
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    ///
    /// [`LISTING_BYTES_MAX`]: permafrost_common::store::LISTING_BYTES_MAX
    /// [`LISTING_MAX`]: permafrost_common::store::LISTING_MAX
    pub async fn listing(
        &self,
        kind: &str,
        prefix: &str,
        tag: Option<&str>,
        after: &str,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        match &self.0 {
            Database::Sqlite(store) => store.listing(kind, prefix, tag, after, limit).await,
            Database::Postgres(store) => store.listing(kind, prefix, tag, after, limit).await,
        }
    }

    /// Writes the next version of a record, with these tags (as in the header, or empty), if it has the expected version; the write is
    /// durable when this returns.
    ///
    /// Once called, the put is carried out even if the returned future is dropped.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`] if the transaction failed, [`StoreError::Closed`].
    pub async fn put(
        &self,
        kind: &str,
        id: &str,
        expected: Expected,
        record: Bytes,
        tags: &str,
    ) -> Result<Put, StoreError> {
        let version = match expected {
            Expected::Absent => 1,
            // The greatest version has no next: its put always conflicts.
            Expected::Version(version) => version.saturating_add(1),
        };
        let change = Change::Put(expected, record, tags.to_owned());
        Ok(match self.change(kind, id, change).await? {
            Ok(()) => Put::Stored { version },
            Err(Conflict { current }) => Put::Conflict { current },
        })
    }

    /// Deletes a record if it has this version; the deletion is durable when this returns.
    ///
    /// Once called, the deletion is carried out even if the returned future is dropped.
    ///
    /// # Errors
    ///
    /// As for [`put`](Self::put).
    pub async fn delete(&self, kind: &str, id: &str, version: u64) -> Result<Deletion, StoreError> {
        Ok(
            match self.change(kind, id, Change::Delete(version)).await? {
                Ok(()) => Deletion::Deleted,
                Err(Conflict { current }) => Deletion::Conflict { current },
            },
        )
    }

    async fn change(
        &self,
        kind: &str,
        id: &str,
        change: Change,
    ) -> Result<Result<(), Conflict>, StoreError> {
        match &self.0 {
            Database::Sqlite(store) => store.change(kind, id, change).await,
            Database::Postgres(store) => store.change(kind, id, change).await,
        }
    }

    /// Whether the database responds.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub async fn ready(&self) -> Result<(), StoreError> {
        match &self.0 {
            Database::Sqlite(store) => store.ready().await,
            Database::Postgres(store) => store.ready().await,
        }
    }

    /// Waits for writes in progress, then closes the connections to the database; afterwards every clone returns
    /// [`StoreError::Closed`].
    ///
    /// Durability does not depend on it.
    pub async fn close(&self) {
        match &self.0 {
            Database::Sqlite(store) => store.close().await,
            Database::Postgres(store) => store.close().await,
        }
    }
}
