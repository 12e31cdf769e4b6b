//! The client: reads of one record, and what all calls share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use permafrost_common::table_arn::TableArn;
use serde_json::json;
use tokio::sync::Notify;

use super::call::{Answer, Called};
use super::error::Fault;
use super::item::{ITEM_TEXT_MAX, Item, key};
use crate::aws::{Connector, Credentials};
use crate::store::accepted::{check_place, check_version};
use crate::store::kept::Kept;
use crate::store::{Fetched, StoreClientError};

/// The most idle connections that are kept: a new one costs a handshake of TLS.
const IDLE_MAX: usize = 64;

/// A client of one table.
pub struct DynamoDb {
    pub(super) connector: Connector,
    pub(super) table: TableArn,
    pub(super) times: Times,
    pub(super) kept: Kept,
    pub(super) denied: Notify,
    credentials: Mutex<Arc<Credentials>>,
}

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// One attempt, from connecting to the last byte of the response.
    pub attempt: Duration,
    /// All attempts and the waits between them.
    pub whole: Duration,
}

impl DynamoDb {
    /// A client that connects when it is first used. `connector` is for [`service`](super::service).
    pub fn new(
        connector: Connector,
        table: TableArn,
        credentials: Credentials,
        times: Times,
    ) -> Self {
        Self {
            connector,
            table,
            times,
            kept: Kept::at_most(IDLE_MAX),
            denied: Notify::new(),
            credentials: Mutex::new(Arc::new(credentials)),
        }
    }

    /// Signs every further attempt with these: the earlier ones were rotated, or expire.
    pub fn replace_credentials(&self, credentials: Credentials) {
        *self
            .credentials
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(credentials);
    }

    /// Completes once DynamoDB has refused a call because of the credentials.
    pub async fn denied(&self) {
        self.denied.notified().await;
    }

    /// The newest version of a record, without its bytes if it is the `known` version. A strongly consistent read.
    ///
    /// # Errors
    ///
    /// [`StoreClientError::Invalid`] and [`StoreClientError::Failed`].
    pub async fn get(
        &self,
        kind: &str,
        id: &str,
        known: Option<u64>,
    ) -> Result<Fetched, StoreClientError> {
        check_place(kind, id)?;
        known.map_or(Ok(()), check_version)?;
        let item = self.item(kind, id).await.map_err(failed)?;
        Ok(match item {
            None => Fetched::Absent,
            Some(item) if known == Some(item.version) => Fetched::NotModified,
            Some(item) => Fetched::Record {
                version: item.version,
                bytes: item.record,
            },
        })
    }

    /// The item that the table has.
    pub(super) async fn item(&self, kind: &str, id: &str) -> Result<Option<Item>, Fault> {
        let body = json!({
            "TableName": self.table.name(),
            "Key": key(kind, id),
            "ConsistentRead": true,
        });
        let Called { outcome, .. } = self.call("GetItem", &body, ITEM_TEXT_MAX).await;
        match outcome? {
            Answer::Done(response) => Item::of(&response, kind, id),
            Answer::ConditionFailed(_) => Err(unconditional()),
        }
    }

    pub(super) fn credentials(&self) -> Arc<Credentials> {
        let credentials = self.credentials.lock();
        Arc::clone(&credentials.unwrap_or_else(PoisonError::into_inner))
    }
}

/// A read has no condition that could fail.
pub(super) fn unconditional() -> Fault {
    super::item::form("it says that a condition failed, but the call had none")
}

pub(super) fn failed(fault: Fault) -> StoreClientError {
    StoreClientError::Failed(Box::new(fault).into())
}
