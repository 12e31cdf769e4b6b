//! The root secret of each epoch: from KMS and from nowhere else.
//!
//! One KMS call brings every epoch at boot ([`record`] says how); none is made for a request, except that
//! [`Root::rotate`] asks for a new data key.

mod record;
mod reseal;

use std::sync::Arc;
use std::time::Duration;

use permafrost_common::api::RootState;
use permafrost_common::problem::{Problem, ProblemType};
use tokio::sync::Mutex;

pub use record::{RootRecord, RootRecordError};
pub use reseal::ResealPass;

use crate::kms::{Kms, KmsError};
use crate::sealing::{Epoch, HeldSecrets, RootSecrets, SealError};
use crate::store::{Expected, Fetched, PutOutcome, StoreClient, StoreClientError};
use record::{ID, KIND};

/// How often the store is looked at for an epoch that another enclave of the deployment made.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// The epochs of one deployment.
pub struct Root {
    kms: Arc<Kms>,
    store: Arc<StoreClient>,
    deployment: String,
    secrets: HeldSecrets,
    known: Mutex<Known>,
}

/// The record as it was last read or written.
struct Known {
    version: u64,
    record: RootRecord,
}

/// Why there is no root secret.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The store does not answer, or not as it should.
    #[error("the record of the root secret: {0}")]
    Store(#[from] StoreClientError),
    /// KMS does not give it.
    #[error(transparent)]
    Kms(#[from] KmsError),
    /// What the store gave is not this deployment's.
    #[error("the record of the root secret is refused: {0}")]
    Record(#[from] RootRecordError),
    /// The store says that there is none, and none may be made.
    #[error(
        "the store has no root secret, and the measured configuration lets none be made (kms.create_root_secret = false)"
    )]
    Missing,
    /// The store gave an older record than was seen.
    #[error(
        "the store gave version {found} of the root secret's record; this enclave has seen {seen}"
    )]
    RolledBack {
        /// The version that came; 0 where none did.
        found: u64,
        /// The version known.
        seen: u64,
    },
    /// A new data key is one that is held already: an answer was replayed.
    #[error("the data key of epoch {epoch} is that of another epoch: an old answer was replayed")]
    Replayed {
        /// The epoch that it was to be for.
        epoch: Epoch,
    },
    /// Another request, or another enclave, changed the epochs.
    #[error("the newest epoch is {newest}, the request is for {expected}")]
    Epoch {
        /// The newest epoch.
        newest: Epoch,
        /// What the request took it for.
        expected: Epoch,
    },
    /// The cryptographic library failed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Root {
    /// Unseals the root secrets of the deployment, or makes the first one. One KMS call.
    ///
    /// Where two enclaves make the first one at once, the store decides, and the second asks KMS again.
    pub async fn unseal(
        kms: Arc<Kms>,
        store: Arc<StoreClient>,
        deployment: String,
    ) -> Result<Self, RootError> {
        let (known, secrets) = match read(&store, None).await? {
            Some((version, record)) => {
                let secrets = open(&kms, &deployment, &record, version).await?;
                (Known { version, record }, secrets)
            }
            None => create(&kms, &store, &deployment).await?,
        };
        Ok(Self {
            kms,
            store,
            deployment,
            secrets: HeldSecrets::new(secrets),
            known: Mutex::new(known),
        })
    }

    /// A handle on the secrets, for whoever seals and opens.
    pub fn secrets(&self) -> HeldSecrets {
        self.secrets.clone()
    }

    /// The epochs as they are now.
    pub fn state(&self) -> RootState {
        let secrets = self.secrets.now();
        RootState {
            key_arn: self.kms.key().to_string(),
            epoch: secrets.newest().0,
            epochs: secrets.numbers(),
            oldest_epoch: self.kms.config().oldest_epoch,
        }
    }

    /// Makes the epoch after `newest`, under which everything is sealed from now on. One KMS call.
    ///
    /// # Errors
    /// [`RootError::Epoch`] if `newest` is not the newest epoch, so that a repeated request makes no second one.
    pub async fn rotate(&self, newest: Epoch) -> Result<RootState, RootError> {
        let mut known = self.known.lock().await;
        self.check_newest(newest)?;
        let epoch = newest.checked_add(1).ok_or(RootError::Epoch {
            newest,
            expected: newest,
        })?;
        let key = self.kms.generate_data_key(epoch).await?;
        let mut secrets = RootSecrets::clone(&self.secrets.now());
        if secrets.holds(&key.secret) {
            return Err(RootError::Replayed { epoch });
        }
        secrets.insert(epoch, key.secret);
        self.write(&mut known, secrets, key.blob).await?;
        tracing::info!(epoch, "a new epoch of the root secret");
        Ok(self.state())
    }

    /// Forgets the epochs before `epoch`. What is still sealed in one of them does not open again.
    pub async fn retire(&self, newest: Epoch, epoch: Epoch) -> Result<RootState, RootError> {
        let mut known = self.known.lock().await;
        self.check_newest(newest)?;
        let mut secrets = RootSecrets::clone(&self.secrets.now());
        secrets.retire_before(epoch);
        let blob = known.record.blob.clone();
        self.write(&mut known, secrets, blob).await?;
        tracing::info!(
            before = epoch,
            "older epochs of the root secret are retired"
        );
        Ok(self.state())
    }

    /// Looks whenever a record asks for a later epoch, and now and then, for as long as the process lives.
    pub async fn follow(&self) {
        loop {
            let _asked_or_not = tokio::time::timeout(LOOK_INTERVAL, self.secrets.asked()).await;
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "the newest epoch of the root secret is not known");
            }
        }
    }

    /// Takes up the epochs that another enclave of the deployment made or retired. No KMS call unless there are some.
    pub async fn look(&self) -> Result<(), RootError> {
        let mut known = self.known.lock().await;
        let seen = known.version;
        match read_newer(&self.store, seen).await? {
            Newer::Same => {}
            Newer::Gone => return Err(RootError::RolledBack { found: 0, seen }),
            Newer::Record(version, _) if version <= seen => {
                return Err(RootError::RolledBack {
                    found: version,
                    seen,
                });
            }
            Newer::Record(version, record) => {
                let held = self.secrets.now();
                let (newest, secret) = held.newest();
                let oldest = self.kms.config().oldest_epoch;
                record.check(&self.deployment, self.kms.key(), oldest.max(newest))?;
                let secrets = match record.blob == known.record.blob {
                    true => record.open(secret.clone(), version, oldest)?,
                    false => open(&self.kms, &self.deployment, &record, version).await?,
                };
                tracing::info!(
                    epochs = secrets.epochs(),
                    "the epochs were changed elsewhere"
                );
                self.secrets.replace(secrets);
                *known = Known { version, record };
            }
        }
        self.secrets.looked();
        Ok(())
    }

    fn check_newest(&self, expected: Epoch) -> Result<(), RootError> {
        let newest = self.secrets.now().newest().0;
        if newest == expected {
            return Ok(());
        }
        Err(RootError::Epoch { newest, expected })
    }

    /// Stores first: secrets that are not kept must not seal anything.
    async fn write(
        &self,
        known: &mut Known,
        secrets: RootSecrets,
        blob: Vec<u8>,
    ) -> Result<(), RootError> {
        let version = known.version + 1;
        let record = RootRecord::seal(&secrets, &self.deployment, self.kms.key(), blob, version)?;
        let expected = Expected::Version(known.version);
        let bytes = record.encode();
        match self.store.put(KIND, ID, expected, &bytes).await {
            Ok(PutOutcome::Stored { version: stored }) if stored == version => {}
            Err(StoreClientError::UnknownOutcome(_)) => {
                let there = read(&self.store, Some(known.version)).await?;
                if !there.is_some_and(|(found, there)| found == version && there == record) {
                    return Err(self.changed_meanwhile());
                }
            }
            Ok(_) => return Err(self.changed_meanwhile()),
            Err(error) => return Err(error.into()),
        }
        *known = Known { version, record };
        self.secrets.replace(secrets);
        Ok(())
    }

    fn changed_meanwhile(&self) -> RootError {
        let newest = self.secrets.now().newest().0;
        RootError::Epoch {
            newest: newest.saturating_add(1),
            expected: newest,
        }
    }
}

impl From<RootError> for Problem {
    fn from(error: RootError) -> Self {
        let kind = match &error {
            RootError::Store(_) => ProblemType::StoreUnavailable,
            RootError::Kms(_) | RootError::Replayed { .. } => ProblemType::KmsUnavailable,
            RootError::Record(_) | RootError::Missing => ProblemType::RecordInvalid,
            RootError::RolledBack { .. } => ProblemType::RecordRolledBack,
            RootError::Epoch { .. } => ProblemType::EpochConflict,
            RootError::Seal(_) => ProblemType::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

enum Newer {
    Same,
    Gone,
    Record(u64, RootRecord),
}

async fn create(
    kms: &Kms,
    store: &StoreClient,
    deployment: &str,
) -> Result<(Known, RootSecrets), RootError> {
    let config = kms.config();
    if !config.create_root_secret {
        return Err(RootError::Missing);
    }
    let epoch = config.oldest_epoch;
    let key = kms.generate_data_key(epoch).await?;
    let secrets = RootSecrets::new(epoch, key.secret);
    let version = 1;
    let record = RootRecord::seal(&secrets, deployment, kms.key(), key.blob, version)?;
    let put = store
        .put(KIND, ID, Expected::Absent, &record.encode())
        .await;
    match put {
        Ok(PutOutcome::Stored { version: 1 }) => {
            tracing::info!(epoch, "the first root secret of this deployment");
            return Ok((Known { version, record }, secrets));
        }
        Ok(_) | Err(StoreClientError::UnknownOutcome(_)) => {}
        Err(error) => return Err(error.into()),
    }
    // Another enclave was first, or this one was and does not know it.
    let (version, record) = read(store, None).await?.ok_or(RootError::RolledBack {
        found: 0,
        seen: version,
    })?;
    let secrets = open(kms, deployment, &record, version).await?;
    Ok((Known { version, record }, secrets))
}

async fn open(
    kms: &Kms,
    deployment: &str,
    record: &RootRecord,
    version: u64,
) -> Result<RootSecrets, RootError> {
    let oldest = kms.config().oldest_epoch;
    record.check(deployment, kms.key(), oldest)?;
    let newest = kms.decrypt(record.epoch, &record.blob).await?;
    Ok(record.open(newest, version, oldest)?)
}

async fn read(
    store: &StoreClient,
    known: Option<u64>,
) -> Result<Option<(u64, RootRecord)>, RootError> {
    match read_newer(store, known.unwrap_or(0)).await? {
        Newer::Record(version, record) => Ok(Some((version, record))),
        Newer::Same | Newer::Gone => Ok(None),
    }
}

async fn read_newer(store: &StoreClient, known: u64) -> Result<Newer, RootError> {
    let known = (known > 0).then_some(known);
    Ok(match store.get(KIND, ID, known).await? {
        Fetched::NotModified => Newer::Same,
        Fetched::Absent => Newer::Gone,
        Fetched::Record { version, bytes } => Newer::Record(version, RootRecord::decode(&bytes)?),
    })
}
