//! How the enclave comes to its own store: by credentials that only it has.
//!
//! The credentials of the table are a sealed record at the parent, under a root secret of their own that seals nothing else
//! ([`RootName::StoreCredentials`](crate::root::RootName)). An administrator seals them to the attested boot. Whoever copies, withholds
//! or rolls back what the parent has gains no access: everything else is in the table.
//!
//! Or the record has the key of an authority instead, and IAM Roles Anywhere gives temporary credentials to those whom it vouches for
//! ([`roles_anywhere`](crate::aws::roles_anywhere)): then there is no access key.

mod authority;
mod credentials;
mod error;
mod sessions;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use permafrost_common::api::{StoreKind, StoreState};
use permafrost_common::problem::{Problem, ProblemType};
use tokio::sync::{Mutex, Notify};

pub use authority::StoreAuthority;
pub use credentials::StoreCredentials;
pub use error::BootstrapError;
use sessions::{Life, Sessions};

use crate::aws::{Connector, Credentials, Egress};
use crate::clock::Clock;
use crate::records::{PutError, Record, Records};
use crate::sealing::HeldSecrets;
use crate::store::dynamodb::DynamoDb;
use crate::store::{Lease, Store, TableConfig};

/// The id of the one record.
const ID: &str = "newest";

/// How often the enclave looks for credentials that another enclave of the same parent was given.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// The least time between two looks, however often the table refuses the credentials.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// The memory for the one record, in bytes, and how many versions are remembered.
const ROOM: (usize, usize) = (64 * 1024, 1);

/// How often a write of the record is tried, if other enclaves write it at the same time.
const WRITES: u32 = 4;

/// The credentials of the table, and the table with them.
pub struct Bootstrap {
    config: TableConfig,
    egress: Egress,
    clock: Arc<Clock>,
    source: Source,
    in_use: RwLock<Option<InUse>>,
    /// One change of the credentials at a time.
    turn: Mutex<()>,
    changed: Notify,
}

/// Where credentials come from.
enum Source {
    /// An administrator gave an access key.
    AccessKey(Box<Records<StoreCredentials>>),
    /// IAM Roles Anywhere.
    Sessions(Box<Sessions>),
}

/// What seals the records at the parent.
pub struct Sealed {
    /// The parent's store.
    pub store: Arc<Store>,
    /// The root secret of the table's credentials.
    pub secrets: HeldSecrets,
    /// The deployment.
    pub deployment: String,
}

#[derive(Clone)]
struct InUse {
    table: Arc<DynamoDb>,
    access_key_id: String,
    version: u64,
    life: Option<Life>,
}

impl Sealed {
    fn records<T: Record>(&self) -> Records<T> {
        let store = Arc::clone(&self.store);
        Records::new(store, self.secrets.clone(), self.deployment.clone(), ROOM)
    }
}

impl Bootstrap {
    /// Without credentials yet.
    pub fn new(config: TableConfig, egress: Egress, clock: Arc<Clock>, sealed: &Sealed) -> Self {
        let source = match config.roles_anywhere.clone() {
            None => Source::AccessKey(Box::new(sealed.records())),
            Some(from) => Source::Sessions(Box::new(Sessions::new(from, sealed))),
        };
        Self {
            config,
            egress,
            clock,
            source,
            in_use: RwLock::default(),
            turn: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// The table with the newest credentials, once the table has accepted them.
    ///
    /// # Errors
    /// [`BootstrapError`]. Credentials that are in use stay in use.
    pub async fn table(&self) -> Result<Store, BootstrapError> {
        let table = self.newest(false).await?;
        Ok(Store::DynamoDb(table, Lease(self.config.lease)))
    }

    /// The same; temporary credentials that the table has `denied` are not the newest, whenever they expire.
    async fn newest(&self, denied: bool) -> Result<Arc<DynamoDb>, BootstrapError> {
        let _turn = self.turn.lock().await;
        let in_use = self.in_use();
        match &self.source {
            Source::AccessKey(records) => {
                let newest = records.get(ID).await.map_err(BootstrapError::Record)?;
                let newest = newest.ok_or(BootstrapError::Missing)?;
                if let Some(known) = in_use.filter(|known| known.version == newest.version) {
                    return Ok(known.table);
                }
                let credentials = newest.value.credentials();
                let table = self.try_out(credentials).await?;
                Ok(self.adopt(table, credentials, newest.version, None))
            }
            Source::Sessions(sessions) => {
                let left = in_use.as_ref().map(|known| self.until_renewal(known));
                if let Some(known) = in_use.filter(|_| !denied && left > Some(Duration::ZERO)) {
                    return Ok(known.table);
                }
                let (session, life, version) = sessions
                    .create(&self.config, &self.egress, &self.clock)
                    .await?;
                let credentials = &session.credentials;
                let table = self.try_out(credentials).await?;
                let (access_key_id, expires_at) = (&credentials.access_key_id, life.expires_at);
                tracing::info!(
                    access_key_id,
                    expires_at,
                    "temporary credentials of the table"
                );
                Ok(self.adopt(table, credentials, version, Some(life)))
            }
        }
    }

    /// How long until credentials are to be renewed; access keys never are.
    fn until_renewal(&self, known: &InUse) -> Duration {
        known.life.map_or(Duration::MAX, |life| {
            Duration::from_secs(life.renew_at).saturating_sub(self.clock.now())
        })
    }

    /// Tries these credentials, keeps them as the newest, and uses them from now on.
    ///
    /// # Errors
    /// `no-access-keys` where credentials come from IAM Roles Anywhere; `store-credentials-refused` and `store-unavailable`, in which case
    /// nothing changed; and those of records.
    pub async fn replace(&self, credentials: Credentials) -> Result<StoreState, Problem> {
        let Source::AccessKey(records) = &self.source else {
            let detail = "the measured configuration has a trust anchor, so that IAM Roles Anywhere gives the table's credentials";
            return Err(Problem::new(ProblemType::NoAccessKeys, detail));
        };
        let _turn = self.turn.lock().await;
        let table = self.try_out(&credentials).await?;
        let version = keep(records, &credentials).await?;
        self.adopt(table, &credentials, version, None);
        let access_key_id = &credentials.access_key_id;
        tracing::info!(access_key_id, version, "new credentials of the table");
        Ok(self.state())
    }

    /// Completes once other credentials are in use.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Obtains newer credentials whenever the table refuses those in use, when they are to be renewed, and looks for them at intervals, for as
    /// long as the process lives.
    pub async fn follow(&self) {
        let mut pause = LOOK_PAUSE;
        while let Some(known) = self.in_use() {
            let wait = LOOK_INTERVAL.min(self.until_renewal(&known));
            let denied = tokio::time::timeout(wait, known.table.denied()).await;
            match self.newest(denied.is_ok()).await {
                Ok(_) => pause = LOOK_PAUSE,
                Err(error) => {
                    tracing::warn!(%error, "cannot obtain the newest credentials of the table");
                    pause = LOOK_INTERVAL.min(pause * 2);
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// What an administrator may know of the store.
    pub fn state(&self) -> StoreState {
        let in_use = self.in_use();
        StoreState {
            access_key_id: in_use.as_ref().map(|known| known.access_key_id.clone()),
            credentials_version: in_use.as_ref().map(|known| known.version),
            credentials_expire_at: in_use.and_then(|known| Some(known.life?.expires_at)),
            authority: match &self.source {
                Source::AccessKey(_) => None,
                Source::Sessions(sessions) => sessions.describe(),
            },
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

    fn adopt(
        &self,
        fresh: DynamoDb,
        credentials: &Credentials,
        version: u64,
        life: Option<Life>,
    ) -> Arc<DynamoDb> {
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
            life,
        });
        self.changed.notify_one();
        table
    }

    fn in_use(&self) -> Option<InUse> {
        let in_use = self.in_use.read();
        in_use.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Writes the record as the version after the one that the parent's store has.
async fn keep(
    records: &Records<StoreCredentials>,
    credentials: &Credentials,
) -> Result<u64, Problem> {
    let record = Arc::new(StoreCredentials::new(credentials.clone()));
    for _ in 0..WRITES {
        let known = records.get(ID).await?.map(|record| record.version);
        match records.put(ID, known, Arc::clone(&record)).await {
            Ok(kept) => return Ok(kept.version),
            Err(PutError::Conflict) => {}
            Err(PutError::Problem(problem)) => return Err(problem),
        }
    }
    let detail = "the record of the credentials changes all the time; repeat the request";
    Err(Problem::new(ProblemType::StoreUnavailable, detail).retry_after(1))
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
            credentials_expire_at: None,
            authority: None,
        }
    }
}
