//! How the enclave comes to its own store: by credentials that only it has.
//!
//! The credentials of the table are a sealed record at the parent, under a root secret of their own that seals nothing else
//! ([`RootName::StoreCredentials`](crate::root::RootName)). An administrator seals them to the attested boot. Whoever copies, withholds
//! or rolls back what the parent has gains no access: everything else is in the table.

mod credentials;
mod error;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use permafrost_common::api::{StoreKind, StoreState};
use permafrost_common::problem::{Problem, ProblemType};
use tokio::sync::{Mutex, Notify};

pub use credentials::StoreCredentials;
pub use error::BootstrapError;

use crate::aws::{Connector, Credentials, Egress};
use crate::clock::Clock;
use crate::records::{PutError, Records};
use crate::store::dynamodb::DynamoDb;
use crate::store::{Lease, Store, TableConfig};

/// The id of the one record.
const ID: &str = "newest";

/// How often the enclave looks for credentials that another enclave of the same parent was given.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// The least time between two looks, however often the table refuses the credentials.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// How often a write of the record is tried, if other enclaves write it at the same time.
const WRITES: u32 = 4;

/// The credentials of the table, and the table with them.
pub struct Bootstrap {
    config: TableConfig,
    egress: Egress,
    clock: Arc<Clock>,
    records: Records<StoreCredentials>,
    in_use: RwLock<Option<InUse>>,
    /// One change of the credentials at a time.
    turn: Mutex<()>,
    changed: Notify,
}

#[derive(Clone)]
struct InUse {
    table: Arc<DynamoDb>,
    access_key_id: String,
    version: u64,
}

impl Bootstrap {
    /// Without credentials yet. `records` are at the parent.
    pub fn new(
        config: TableConfig,
        egress: Egress,
        clock: Arc<Clock>,
        records: Records<StoreCredentials>,
    ) -> Self {
        Self {
            config,
            egress,
            clock,
            records,
            in_use: RwLock::default(),
            turn: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// The table with the newest credentials that the parent's store has, once the table has accepted them.
    ///
    /// # Errors
    /// [`BootstrapError`]. Credentials that are in use stay in use.
    pub async fn table(&self) -> Result<Store, BootstrapError> {
        let _turn = self.turn.lock().await;
        let newest = self.records.get(ID).await.map_err(BootstrapError::Record)?;
        let newest = newest.ok_or(BootstrapError::Missing)?;
        let table = match self.in_use() {
            Some(known) if known.version == newest.version => known.table,
            _ => {
                let credentials = newest.value.credentials();
                let table = self.try_out(credentials).await?;
                self.adopt(table, credentials, newest.version)
            }
        };
        Ok(Store::DynamoDb(table, Lease(self.config.lease)))
    }

    /// Tries these credentials, keeps them as the newest, and uses them from now on.
    ///
    /// # Errors
    /// `store-credentials-refused` and `store-unavailable`, in which case nothing changed, and those of records.
    pub async fn replace(&self, credentials: Credentials) -> Result<StoreState, Problem> {
        let _turn = self.turn.lock().await;
        let table = self.try_out(&credentials).await?;
        let version = self.keep(&credentials).await?;
        self.adopt(table, &credentials, version);
        let access_key_id = &credentials.access_key_id;
        tracing::info!(access_key_id, version, "new credentials of the table");
        Ok(self.state())
    }

    /// Completes once other credentials are in use.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Looks for newer credentials whenever the table refuses those in use, and at intervals, for as long as the process lives.
    pub async fn follow(&self) {
        while let Some(InUse { table, .. }) = self.in_use() {
            let _denied_or_not = tokio::time::timeout(LOOK_INTERVAL, table.denied()).await;
            if let Err(error) = self.table().await {
                tracing::warn!(%error, "cannot learn the newest credentials of the table");
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// What an administrator may know of the store.
    pub fn state(&self) -> StoreState {
        let in_use = self.in_use();
        StoreState {
            access_key_id: in_use.as_ref().map(|known| known.access_key_id.clone()),
            credentials_version: in_use.map(|known| known.version),
            ..self.config.state()
        }
    }

    /// A client with these credentials, if the table is the one of the configuration and lets it read the record that all others need.
    async fn try_out(&self, credentials: &Credentials) -> Result<DynamoDb, BootstrapError> {
        let config = &self.config;
        let connector = Connector::new(
            config.service(),
            config.roots.clone(),
            self.egress.clone(),
            Arc::clone(&self.clock),
        )?;
        let (arn, times) = (config.table.clone(), config.times);
        let table = DynamoDb::new(connector, arn, credentials.clone(), times);
        if !table.check_table().await?.deletion_protection {
            tracing::warn!(table = %config.table, "the table is not protected against deletion");
        }
        table.get("root-secret", "newest", None).await?;
        Ok(table)
    }

    /// Writes the record as the version after the one that the parent's store has.
    async fn keep(&self, credentials: &Credentials) -> Result<u64, Problem> {
        let record = Arc::new(StoreCredentials::new(credentials.clone()));
        for _ in 0..WRITES {
            let known = self.records.get(ID).await?.map(|record| record.version);
            match self.records.put(ID, known, Arc::clone(&record)).await {
                Ok(kept) => return Ok(kept.version),
                Err(PutError::Conflict) => {}
                Err(PutError::Problem(problem)) => return Err(problem),
            }
        }
        let detail = "the record of the credentials changes all the time; repeat the request";
        Err(Problem::new(ProblemType::StoreUnavailable, detail).retry_after(1))
    }

    fn adopt(&self, fresh: DynamoDb, credentials: &Credentials, version: u64) -> Arc<DynamoDb> {
        let mut in_use = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
        let table = match in_use.take() {
            // What already serves records keeps its connections.
            Some(known) => {
                known.table.replace_credentials(credentials.clone());
                known.table
            }
            None => Arc::new(fresh),
        };
        *in_use = Some(InUse {
            table: Arc::clone(&table),
            access_key_id: credentials.access_key_id.clone(),
            version,
        });
        self.changed.notify_one();
        table
    }

    fn in_use(&self) -> Option<InUse> {
        let in_use = self.in_use.read();
        in_use.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl TableConfig {
    /// What the measured configuration says of the store.
    pub fn state(&self) -> StoreState {
        StoreState {
            store: StoreKind::DynamoDb,
            lease_ms: u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX),
            table_arn: Some(self.table.to_string()),
            access_key_id: None,
            credentials_version: None,
        }
    }
}
