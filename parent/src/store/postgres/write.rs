//! Writing and deleting records: each change is one statement, `permafrost.change` of `schema.sql`.

use permafrost_common::store::Expected;

use super::super::error::StoreError;
use super::super::outcome::{Change, Conflict};
use super::PostgresStore;

impl PostgresStore {
    /// Carried out even if the returned future is dropped.
    pub(in crate::store) async fn change(
        &self,
        kind: &str,
        id: &str,
        change: Change,
    ) -> Result<Result<(), Conflict>, StoreError> {
        let (store, kind, id) = (self.clone(), kind.to_owned(), id.to_owned());
        let (expected, record, tags) = match change {
            Change::Put(Expected::Absent, record, tags) => (0, Some(record), tags),
            Change::Put(Expected::Version(version), record, tags) => (version, Some(record), tags),
            Change::Delete(version) => (version, None, String::new()),
        };
        let written = tokio::spawn(async move {
            store
                .at_connection(async |connection| {
                    sqlx::query_as(
                        "SELECT done, current FROM permafrost.change($1, $2, $3, $4, $5)",
                    )
                    .bind(kind)
                    .bind(id)
                    // No record has a version beyond.
                    .bind(i64::try_from(expected).unwrap_or(-1))
                    .bind(record.as_deref())
                    .bind(tags)
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
            false => Err(Conflict {
                current: current.map(|version| version as u64),
            }),
        })
    }
}
