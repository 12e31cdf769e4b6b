//! Reading records.

use permafrost_common::store::{LISTING_MAX, Listing};

use super::super::error::StoreError;
use super::super::listing::{IdRange, entries};
use super::super::outcome::Fetched;
use super::SqliteStore;

/// A listing of records.
const ALL: &str = "SELECT id, version, record FROM records \
    WHERE kind = ?1 AND id >= ?2 AND id < ?3 ORDER BY id LIMIT ?4";

/// A listing of the records with one tag. SQLite keeps the order of a cross join: the ids of the tag, and a record for each.
const TAGGED: &str = "SELECT records.id, version, record FROM tags CROSS JOIN records \
    ON records.kind = tags.kind AND records.id = tags.id \
    WHERE tags.kind = ?1 AND tags.tag = unhex(?5) AND tags.id >= ?2 AND tags.id < ?3 \
    ORDER BY tags.id LIMIT ?4";

impl SqliteStore {
    pub(in crate::store) async fn get(
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
        let IdRange { from, below } = IdRange::new(prefix, after);
        let query = sqlx::query_as(if tag.is_some() { TAGGED } else { ALL });
        let query = query.bind(kind).bind(from).bind(below);
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
        Ok(entries(rows, limit))
    }

    pub(in crate::store) async fn ready(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1 FROM records LIMIT 1")
            .execute(&self.readers)
            .await
            .map(drop)
            .map_err(StoreError::reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SQLite does for a query: one line for each table that it reads.
    async fn plan(query: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("store.db"))
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
