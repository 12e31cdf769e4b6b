//! Reading records.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use permafrost_common::store::{Entry, LISTING_BYTES_MAX, LISTING_MAX, Listing};

use super::database::RecordStore;
use super::error::StoreError;

/// The newest version of a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The version, from 1.
    pub version: u64,
    /// The sealed record.
    pub bytes: Bytes,
}

/// What [`RecordStore::get`] finds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fetched {
    /// The newest version.
    Record(Record),
    /// The version that the caller has is the newest.
    NotModified,
    /// There is no such record.
    Absent,
}

impl RecordStore {
    /// The newest version of a record, without its bytes if it is the `known` one.
    pub async fn get(
        &self,
        kind: &str,
        id: &str,
        known: Option<u64>,
    ) -> Result<Fetched, StoreError> {
        let row: Option<(i64, Option<Vec<u8>>)> = sqlx::query_as(
            "SELECT version, CASE WHEN version IS ?3 THEN NULL ELSE record END FROM records \
             WHERE kind = ?1 AND id = ?2",
        )
        .bind(kind)
        .bind(id)
        .bind(known.and_then(|known| i64::try_from(known).ok()))
        .fetch_optional(&self.readers)
        .await
        .map_err(StoreError::reading)?;
        Ok(match row {
            None => Fetched::Absent,
            Some((_, None)) => Fetched::NotModified,
            Some((version, Some(record))) => Fetched::Record(Record {
                version: version as u64,
                bytes: record.into(),
            }),
        })
    }

    /// At most `limit` records whose ids begin with `prefix` and are greater than `after`, in ascending byte order. Returns
    /// fewer if they would exceed [`LISTING_BYTES_MAX`] together. A `limit` above [`LISTING_MAX`] counts as [`LISTING_MAX`].
    pub async fn listing(
        &self,
        kind: &str,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        let limit = limit.min(LISTING_MAX);
        // No byte of an id is greater than `z`, so `~` ends the prefix's range. One extra row shows whether
        // there are more.
        let rows: Vec<(String, i64, Vec<u8>)> = sqlx::query_as(
            "SELECT id, version, record FROM records \
             WHERE kind = ?1 AND id > ?2 AND id >= ?3 AND id < ?3 || '~' ORDER BY id LIMIT ?4",
        )
        .bind(kind)
        .bind(after)
        .bind(prefix)
        .bind(limit as i64 + 1)
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::reading)?;
        let found = rows.len();
        let mut total = 0;
        let records: Vec<Entry> = rows
            .into_iter()
            .take(limit)
            .take_while(|(_, _, record)| {
                total += record.len();
                total <= LISTING_BYTES_MAX
            })
            .map(|(id, version, record)| Entry {
                id,
                version: version as u64,
                record: STANDARD.encode(record),
            })
            .collect();
        Ok(Listing {
            more: records.len() < found,
            records,
        })
    }

    /// Whether the database responds.
    pub async fn ready(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1 FROM records LIMIT 1")
            .execute(&self.readers)
            .await
            .map(drop)
            .map_err(StoreError::reading)
    }
}

impl StoreError {
    fn reading(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolClosed => Self::Closed,
            error => Self::Read(error),
        }
    }
}
