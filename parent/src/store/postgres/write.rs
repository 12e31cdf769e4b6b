//! Writing and deleting records: each change is one statement, `permafrost.change` of `schema.sql`.

use bytes::Bytes;
use permafrost_common::store::Expected;

use super::super::error::StoreError;
use super::super::outcome::{Deletion, Put};
use super::PostgresStore;

impl PostgresStore {
    pub(in crate::store) async fn put(
        &self,
        kind: &str,
        id: &str,
        expected: Expected,
        record: Bytes,
        tags: &str,
    ) -> Result<Put, StoreError> {
        let expected = match expected {
            Expected::Absent => 0,
            Expected::Version(version) => version,
        };
        let change = Change {
            expected,
            record: Some(record),
            tags: tags.to_owned(),
        };
        Ok(match self.change(kind, id, change).await? {
            Ok(()) => Put::Stored {
                version: expected + 1,
            },
            Err(current) => Put::Conflict { current },
        })
    }

    pub(in crate::store) async fn delete(
        &self,
        kind: &str,
        id: &str,
        version: u64,
    ) -> Result<Deletion, StoreError> {
        let change = Change {
            expected: version,
            record: None,
            tags: String::new(),
        };
        Ok(match self.change(kind, id, change).await? {
            Ok(()) => Deletion::Deleted,
            Err(current) => Deletion::Conflict { current },
        })
    }

    /// Whether a change was made, or the version that there is instead. It is carried out even if the returned future is dropped.
    async fn change(
        &self,
        kind: &str,
        id: &str,
        change: Change,
    ) -> Result<Result<(), Option<u64>>, StoreError> {
        let (store, kind, id) = (self.clone(), kind.to_owned(), id.to_owned());
        let written = tokio::spawn(async move {
            store
                .at_connection(async |connection| {
                    sqlx::query_as(
                        "SELECT done, current FROM permafrost.change($1, $2, $3, $4, $5)",
                    )
                    .bind(kind)
                    .bind(id)
                    // No record has a version beyond.
                    .bind(i64::try_from(change.expected).unwrap_or(-1))
                    .bind(change.record.as_deref())
                    .bind(change.tags)
                    .fetch_one(&mut **connection)
                    .await
                })
                .await
        });
        let (done, current): (bool, Option<i64>) = written
            .await
            .map_err(|_| StoreError::Closed)?
            .map_err(|error| match error {
            sqlx::Error::PoolClosed => StoreError::Closed,
            error => StoreError::Write(error.to_string()),
        })?;
        Ok(match done {
            true => Ok(()),
            false => Err(current.map(|version| version as u64)),
        })
    }
}

/// The next version of a record with these tags, or without a record its deletion, if this is its version (0: there is none).
struct Change {
    expected: u64,
    record: Option<Bytes>,
    tags: String,
}
