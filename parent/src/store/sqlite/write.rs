//! Writing and deleting records: one connection, many changes to a transaction.

use std::sync::Arc;

use permafrost_common::store::{Expected, VERSION_MAX};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::super::error::StoreError;
use super::super::outcome::{Change, Conflict};
use super::SqliteStore;

/// How many changes may wait for the writer; further ones wait to be queued.
const QUEUE: usize = 256;

/// How many changes one transaction has at most.
const BATCH: usize = 64;

impl SqliteStore {
    /// Carried out even if the returned future is dropped.
    pub(in crate::store) async fn change(
        &self,
        kind: &str,
        id: &str,
        change: Change,
    ) -> Result<Result<(), Conflict>, StoreError> {
        let (response, outcome) = oneshot::channel();
        let request = Request {
            kind: kind.to_owned(),
            id: id.to_owned(),
            change,
            response,
        };
        self.writer.send(request).await?;
        outcome.await.map_err(|_| StoreError::Closed)?
    }
}

/// The task that writes. An `fsync` costs milliseconds and a change microseconds: changes that arrive while a
/// transaction is being synced share the next one.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

#[derive(Debug)]
enum Message {
    Change(Request),
    Close,
}

#[derive(Debug)]
struct Request {
    kind: String,
    id: String,
    change: Change,
    response: oneshot::Sender<Result<Result<(), Conflict>, StoreError>>,
}

impl Writer {
    pub(super) fn start(connection: SqliteConnection) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE);
        Self {
            queue,
            task: Arc::new(Mutex::new(Some(tokio::spawn(run(connection, requests))))),
        }
    }

    async fn send(&self, request: Request) -> Result<(), StoreError> {
        self.queue
            .send(Message::Change(request))
            .await
            .map_err(|_| StoreError::Closed)
    }

    pub(super) async fn close(&self) {
        // Both fail only if the task has already ended.
        let _ = self.queue.send(Message::Close).await;
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }
}

/// Runs until every sender is gone or one asks it to stop.
async fn run(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Message>) {
    let mut messages = Vec::with_capacity(BATCH);
    let mut open = true;
    while open && queue.recv_many(&mut messages, BATCH).await > 0 {
        let batch: Vec<Request> = messages
            .drain(..)
            .filter_map(|message| match message {
                Message::Change(request) => Some(request),
                Message::Close => {
                    open = false;
                    None
                }
            })
            .collect();
        commit(&mut connection, batch).await;
    }
    // Checkpoints the write-ahead log, whose content is durable either way.
    let _ = connection.close().await;
}

/// Reports the outcome of each change of a batch, once all of them are durable or none of them has happened.
async fn commit(connection: &mut SqliteConnection, batch: Vec<Request>) {
    // The caller may have gone; then there is no one to tell.
    match write_all(connection, &batch).await {
        Ok(outcomes) => {
            for (request, outcome) in batch.into_iter().zip(outcomes) {
                let _ = request.response.send(Ok(outcome));
            }
        }
        Err(error) => {
            for request in batch {
                let _ = request
                    .response
                    .send(Err(StoreError::Write(error.to_string())));
            }
        }
    }
}

async fn write_all(
    connection: &mut SqliteConnection,
    batch: &[Request],
) -> Result<Vec<Result<(), Conflict>>, sqlx::Error> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut outcomes = Vec::with_capacity(batch.len());
    for request in batch {
        outcomes.push(write(&mut transaction, request).await?);
    }
    transaction.commit().await?;
    Ok(outcomes)
}

async fn write(
    connection: &mut SqliteConnection,
    request: &Request,
) -> Result<Result<(), Conflict>, sqlx::Error> {
    let Request { kind, id, .. } = request;
    let found: Option<(i64, String)> =
        sqlx::query_as("SELECT version, tags FROM records WHERE kind = ?1 AND id = ?2")
            .bind(kind)
            .bind(id)
            .fetch_optional(&mut *connection)
            .await?;
    let current = found.as_ref().map(|(version, _)| *version as u64);
    let (written, tags) = match (&request.change, current) {
        (Change::Put(Expected::Absent, record, tags), None) => (Some((1, record)), tags.as_str()),
        (
            Change::Put(Expected::Version(expected @ 1..VERSION_MAX), record, tags),
            Some(current),
        ) if *expected == current => (Some((current + 1, record)), tags.as_str()),
        (Change::Delete(version), Some(current)) if *version == current => (None, ""),
        _ => return Ok(Err(Conflict { current })),
    };
    let query = match written {
        Some((version, record)) => sqlx::query(
            "INSERT INTO records (kind, id, version, record, tags) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO UPDATE SET version = ?3, record = ?4, tags = ?5",
        )
        .bind(kind)
        .bind(id)
        .bind(version as i64)
        .bind(record.as_ref())
        .bind(tags),
        None => sqlx::query("DELETE FROM records WHERE kind = ?1 AND id = ?2")
            .bind(kind)
            .bind(id),
    };
    query.execute(&mut *connection).await?;
    let before = found.map(|(_, tags)| tags).unwrap_or_default();
    write_tags(connection, request, &before, tags).await?;
    Ok(Ok(()))
}

/// Makes the rows of a record's tags those of its new version.
async fn write_tags(
    connection: &mut SqliteConnection,
    request: &Request,
    before: &str,
    tags: &str,
) -> Result<(), sqlx::Error> {
    const DELETE: &str = "DELETE FROM tags WHERE kind = ?1 AND tag = unhex(?2) AND id = ?3";
    const INSERT: &str = "INSERT INTO tags (kind, tag, id) VALUES (?1, unhex(?2), ?3)";
    let (old, new) = (split(before), split(tags));
    let gone = old.iter().filter(|tag| !new.contains(tag));
    let added = new.iter().filter(|tag| !old.contains(tag));
    let changes = gone.map(|tag| (DELETE, tag));
    for (change, tag) in changes.chain(added.map(|tag| (INSERT, tag))) {
        let change = sqlx::query(change).bind(&request.kind).bind(*tag);
        change.bind(&request.id).execute(&mut *connection).await?;
    }
    Ok(())
}

fn split(tags: &str) -> Vec<&str> {
    tags.split(',').filter(|tag| !tag.is_empty()).collect()
}
