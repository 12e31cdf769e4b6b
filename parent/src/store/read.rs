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

/// A listing of records.
const ALL: &str = "SELECT id, version, record FROM records \
    WHERE kind = ?1 AND id >= ?2 AND id < ?3 ORDER BY id LIMIT ?4";

/// A listing of the records with one tag. SQLite keeps the order of a cross join: the ids of the tag, and a record for each.
const TAGGED: &str = "SELECT records.id, version, record FROM tags CROSS JOIN records \
    ON records.kind = tags.kind AND records.id = tags.id \
    WHERE tags.kind = ?1 AND tags.tag = unhex(?5) AND tags.id >= ?2 AND tags.id < ?3 \
    ORDER BY tags.id LIMIT ?4";

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

    /// At most `limit` records whose ids begin with `prefix` and are greater than `after`, and that have the `tag`, if there is one,
    /// in ascending byte order. Returns fewer if they would exceed [`LISTING_BYTES_MAX`] together. A `limit` above [`LISTING_MAX`] counts
    /// as [`LISTING_MAX`].
    pub async fn listing(
        &self,
        kind: &str,
        prefix: &str,
        tag: Option<&str>,
        after: &str,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        let limit = limit.min(LISTING_MAX);
        // One lower bound, because an index search uses one only. No byte of an id is less than `-` or greater than `z`: the ids greater
        // than `after` are those from `after` and a space, and `~` ends the prefix's range.
        let first = match after {
            "" => prefix.to_owned(),
            after => format!("{after} ").max(prefix.to_owned()),
        };
        let query = sqlx::query_as(if tag.is_some() { TAGGED } else { ALL });
        let query = query.bind(kind).bind(first).bind(format!("{prefix}~"));
        // One extra row shows whether there are more.
        let query = query.bind(limit as i64 + 1);
        let query = match tag {
            Some(tag) => query.bind(tag),
            None => query,
        };
        let rows: Vec<(String, i64, Vec<u8>)> = query
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What SQLite does for a query: one line for each table that it reads.
    async fn plan(query: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let store = RecordStore::open(folder.path().join("store.db"))
            .await
            .unwrap();
        let rows: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}")))
                .fetch_all(&store.readers)
                .await
                .unwrap();
        rows.into_iter().map(|(_, _, _, text)| text).collect()
    }

    #[tokio::test]
    async fn a_listing_reads_its_own_rows_only_and_sorts_nothing() {
        let all = plan(ALL).await;
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(all[0].contains("(kind=? AND id>? AND id<?)"), "{all:?}");
        let tagged = plan(TAGGED).await;
        assert_eq!(tagged.len(), 2, "{tagged:?}");
        assert!(
            tagged[0].contains("tags USING PRIMARY KEY (kind=? AND tag=? AND id>? AND id<?)"),
            "{tagged:?}"
        );
        assert!(
            tagged[1].contains("records USING INDEX") && tagged[1].ends_with("(kind=? AND id=?)")
        );
    }
}
