//! From a boot to a served root secret, however long that takes. Until then the enclave serves only health, attestation, and the
//! credentials of its table; health says what it waits for.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use permafrost_enclave::aws::{Egress, TlsSetupError};
use permafrost_enclave::bootstrap::{Bootstrap, BootstrapError, Sealed};
use permafrost_enclave::enclave::{Enclave, Thawed};
use permafrost_enclave::kms::recipient::PendingRecipientKey;
use permafrost_enclave::kms::{Connector, Kms};
use permafrost_enclave::root::{Root, RootConfig, RootName};
use permafrost_enclave::store::{Store, StoreClient, TableConfig};
use permafrost_enclave::waiting::WaitingFor;
use tokio::time::sleep;

use crate::arguments::Arguments;

/// The wait before the second attempt; each further wait is twice as long.
const WAIT: Duration = Duration::from_millis(250);

/// The longest wait between two attempts.
const WAIT_MAX: Duration = Duration::from_secs(15);

/// Unseals the root secret and serves with it, then follows its epochs, and the credentials of the table if there is one.
pub(super) async fn thaw(
    enclave: Arc<Enclave>,
    arguments: Arguments,
    recipient: PendingRecipientKey,
) {
    let timeout = Duration::from_millis(enclave.config.limits.store_timeout_ms);
    let parent = StoreClient::new(arguments.store.clone(), timeout);
    let egress = Egress::new(arguments.egress.clone());
    let kms = match kms(&enclave, egress.clone(), recipient) {
        Ok(kms) => Arc::new(kms),
        Err(error) => {
            tracing::error!(%error, "cannot make a KMS client");
            return enclave.waits_for(WaitingFor::Internal);
        }
    };
    let thawing = Thawing { enclave, kms };
    let parent = Arc::new(Store::from(parent));
    let store = match thawing.enclave.config.table.clone() {
        None => parent,
        Some(table) => thawing.reach(table, &parent, egress).await,
    };
    let config = thawing.enclave.config.root.clone();
    let root = thawing.root(RootName::Deployment, &store, &config).await;
    thawing.serve(&store, root).await;
}

struct Thawing {
    enclave: Arc<Enclave>,
    kms: Arc<Kms>,
}

impl Thawing {
    /// The table, once it accepts the credentials that the parent keeps for the enclave.
    async fn reach(&self, table: TableConfig, parent: &Arc<Store>, egress: Egress) -> Arc<Store> {
        let config = self.enclave.config.root.of_store_credentials();
        let name = RootName::StoreCredentials;
        let root = self.root(name, parent, &config).await;
        let deployment = self.enclave.config.deployment.clone();
        let sealed = Sealed {
            store: Arc::clone(parent),
            secrets: root.secrets(),
            deployment,
        };
        let clock = Arc::clone(&self.enclave.attestor.clock);
        let bootstrap = Arc::new(Bootstrap::new(table, egress, clock, &sealed));
        self.enclave.take_credentials(Arc::clone(&bootstrap));
        let mut wait = WAIT;
        let store = loop {
            match bootstrap.table().await {
                Ok(store) => break Arc::new(store),
                // Nothing fails: the administrator has not come yet.
                Err(BootstrapError::Missing) => {
                    tracing::warn!("{}", BootstrapError::Missing);
                    self.enclave.waits_for(WaitingFor::StoreCredentials);
                }
                Err(error) => self.note(&error, WaitingFor::from(&error), wait),
            }
            tokio::select! {
                () = sleep(wait) => wait = WAIT_MAX.min(wait * 2),
                () = bootstrap.changed() => {}
            }
        };
        tokio::spawn(async move { bootstrap.follow().await });
        store
    }

    /// The root secret of this name.
    async fn root(&self, name: RootName, store: &Arc<Store>, config: &RootConfig) -> Arc<Root> {
        let mut wait = WAIT;
        loop {
            let unsealed = Root::unseal(
                Arc::clone(&self.kms),
                Arc::clone(&self.enclave.attestor),
                Arc::clone(store),
                (name, self.enclave.config.deployment.clone()),
                config.clone(),
            );
            match unsealed.await {
                Ok(root) => return Arc::new(root),
                Err(error) => self.note(&error, WaitingFor::from(&error), wait),
            }
            sleep(wait).await;
            wait = WAIT_MAX.min(wait * 2);
        }
    }

    fn note(&self, error: &dyn Display, reason: WaitingFor, wait: Duration) {
        let retry_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::error!(%error, retry_ms, "cannot obtain the root secret");
        self.enclave.waits_for(reason);
    }

    async fn serve(&self, store: &Arc<Store>, root: Arc<Root>) {
        let config = &self.enclave.config;
        let clock = &self.enclave.attestor.clock;
        match Thawed::new(config, store, Arc::clone(&root), clock) {
            Ok(thawed) => {
                let records = Arc::clone(&thawed.people_records);
                let interval = Duration::from_millis(config.limits.sweep_interval_ms);
                tokio::spawn(records.keep_swept(Arc::clone(clock), interval));
                self.enclave.thaw(thawed);
            }
            Err(error) => {
                tracing::error!(%error, "cannot serve with the root secret");
                return self.enclave.waits_for(WaitingFor::Internal);
            }
        }
        tracing::info!(epochs = root.secrets().now().epochs(), "ready");
        root.follow().await;
    }
}

fn kms(
    enclave: &Enclave,
    egress: Egress,
    recipient: PendingRecipientKey,
) -> Result<Kms, TlsSetupError> {
    let (config, attestor) = (&enclave.config, &enclave.attestor);
    let connector = Connector::new(config.kms.clone(), egress, Arc::clone(&attestor.clock))?;
    let deployment = config.deployment.clone();
    let attestor = Arc::clone(attestor);
    Ok(Kms::new(connector, deployment, attestor, recipient))
}
