//! Reading records.

use permafrost_common::store::{LISTING_BYTES_MAX, LISTING_MAX, Listing};

use super::super::error::StoreError;
use super::super::listing::{IdRange, entries};
use super::super::outcome::Fetched;
use super::PostgresStore;

/// A listing of records, of which each follows if those before it fit. The first that does not shows that there are more.
const ALL: &str = "SELECT id, version, record FROM ( \
        SELECT id, version, record, sum(octet_length(record)) OVER (ORDER BY id) - octet_length(record) AS before FROM ( \
            SELECT id, version, record FROM permafrost.records \
            WHERE kind = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT $4 \
        ) AS found \
    ) AS measured WHERE before <= $5 ORDER BY id";

/// A listing of the records with one tag.
const TAGGED: &str = "SELECT id, version, record FROM ( \
        SELECT id, version, record, sum(octet_length(record)) OVER (ORDER BY id) - octet_length(record) AS before FROM ( \
            SELECT t.id, version, record FROM permafrost.tags t \
            JOIN permafrost.records r ON r.kind = t.kind AND r.id = t.id \
            WHERE t.kind = $1 AND t.tag = decode($6, 'hex') AND t.id >= $2 AND t.id < $3 ORDER BY t.id LIMIT $4 \
        ) AS found \
    ) AS measured WHERE before <= $5 ORDER BY id";

impl PostgresStore {
    pub(in crate::store) async fn get(
        &self,
        kind: &str,
        id: &str,
        known: Option<u64>,
    ) -> Result<Fetched, StoreError> {
        let row: Option<(i64, Option<Vec<u8>>)> = self
            .at_connection(async |connection| {
                sqlx::query_as(
                    "SELECT version, CASE WHEN version IS NOT DISTINCT FROM $3 THEN NULL ELSE record END \
                     FROM permafrost.records WHERE kind = $1 AND id = $2",
                )
                .bind(kind)
                .bind(id)
                .bind(known.and_then(|known| i64::try_from(known).ok()))
                .fetch_optional(&mut **connection)
                .await
            })
            .await
            .map_err(StoreError::reading)?;
        Ok(Fetched::of_row(row))
    }

    pub(in crate::store) async fn listing(
        &self,
        kind: &str,
        prefix: &str,
        tag: Option<&str>,
        after: &str,
        limit: usize,
    ) -> Result<Listing, StoreError> {
        let limit = limit.min(LISTING_MAX);
        let rows: Vec<(String, i64, Vec<u8>)> = self
            .at_connection(async |connection| {
                let IdRange { from, below } = IdRange::new(prefix, after);
                let query = sqlx::query_as(if tag.is_some() { TAGGED } else { ALL });
                let query = query.bind(kind).bind(from).bind(below);
                // One extra row shows whether there are more.
                let query = query.bind(limit as i64 + 1).bind(LISTING_BYTES_MAX as i64);
                let query = match tag {
                    Some(tag) => query.bind(tag),
                    None => query,
                };
                query.fetch_all(&mut **connection).await
            })
            .await
            .map_err(StoreError::reading)?;
        Ok(entries(rows, limit))
    }

    pub(in crate::store) async fn ready(&self) -> Result<(), StoreError> {
        self.at_connection(async |connection| {
            sqlx::query("SELECT FROM permafrost.records LIMIT 1")
                .execute(&mut **connection)
                .await
        })
        .await
        .map(drop)
        .map_err(StoreError::reading)
    }
}
