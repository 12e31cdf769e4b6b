//! One record store, whichever it is.

use std::sync::Arc;
use std::time::Duration;

use super::accepted::Range;
use super::client::StoreClient;
use super::dynamodb::DynamoDb;
use super::error::StoreClientError;
use super::listing::Entries;
use super::response::{DeleteOutcome, Fetched, PutOutcome};
use permafrost_common::store::Expected;

/// The store of a deployment. What each call means is the same for all of them.
pub enum Store {
    /// The parent's, over HTTP ([`permafrost_common::store`]).
    Parent(StoreClient),
    /// A table, which the enclave reaches itself.
    DynamoDb(Arc<DynamoDb>, Lease),
}

/// How long a record is believed after the store last confirmed it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lease(pub Duration);

impl Store {
    /// The newest version of a record, according to the store, without its bytes if it is the `known` version.
    ///
    /// # Errors
    ///
    /// [`StoreClientError::Invalid`], [`StoreClientError::Unreachable`] and [`StoreClientError::Failed`].
    pub async fn get(
        &self,
        kind: &str,
        id: &str,
        known: Option<u64>,
    ) -> Result<Fetched, StoreClientError> {
        match self {
            Self::Parent(store) => store.get(kind, id, known).await,
            Self::DynamoDb(store, _) => store.get(kind, id, known).await,
        }
    }

    /// Stores the next version of a record, with these tags (as in the header, or empty), if the store has the expected one.
    ///
    /// # Errors
    ///
    /// After [`StoreClientError::UnknownOutcome`] the record may have been written; after the others it was not.
    pub async fn put(
        &self,
        kind: &str,
        id: &str,
        expected: Expected,
        bytes: &[u8],
        tags: &str,
    ) -> Result<PutOutcome, StoreClientError> {
        match self {
            Self::Parent(store) => store.put(kind, id, expected, bytes, tags).await,
            Self::DynamoDb(store, _) => store.put(kind, id, expected, bytes, tags).await,
        }
    }

    /// Deletes a record if the store has this version of it.
    ///
    /// # Errors
    ///
    /// After [`StoreClientError::UnknownOutcome`] the record may have been deleted; after the others it was not.
    pub async fn delete(
        &self,
        kind: &str,
        id: &str,
        version: u64,
    ) -> Result<DeleteOutcome, StoreClientError> {
        match self {
            Self::Parent(store) => store.delete(kind, id, version).await,
            Self::DynamoDb(store, _) => store.delete(kind, id, version).await,
        }
    }

    /// How long a record is believed after this store last confirmed it. What the parent has confirmed is not believed at all: it may change
    /// behind the enclave's back.
    pub fn lease(&self) -> Lease {
        match self {
            Self::Parent(_) => Lease::default(),
            Self::DynamoDb(_, lease) => *lease,
        }
    }

    /// The records of a range, in ascending byte order of id. The store may end a listing early, but then says that there are more. Nothing
    /// here shows whether the records have the tag.
    ///
    /// # Errors
    ///
    /// [`StoreClientError::Invalid`], [`StoreClientError::Unreachable`] and [`StoreClientError::Failed`].
    pub async fn listing(&self, kind: &str, range: Range<'_>) -> Result<Entries, StoreClientError> {
        match self {
            Self::Parent(store) => store.listing(kind, range).await,
            Self::DynamoDb(store, _) => store.listing(kind, range).await,
        }
    }
}

impl From<StoreClient> for Store {
    fn from(store: StoreClient) -> Self {
        Self::Parent(store)
    }
}

impl From<DynamoDb> for Store {
    fn from(store: DynamoDb) -> Self {
        Self::DynamoDb(Arc::new(store), Lease::default())
    }
}
