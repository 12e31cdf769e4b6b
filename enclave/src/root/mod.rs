//! The root secret of each epoch, which comes from KMS alone.
//!
//! At boot one KMS call gives every epoch ([`RootRecord`] says how). No request makes a KMS call, except that [`Root::rotate`]
//! generates a new data key.

mod config;
mod provenance;
mod record;
mod reseal;
mod source;

use std::sync::Arc;
use std::time::{Duration, Instant};

use permafrost_common::api::RootState;
use permafrost_common::problem::{Problem, ProblemType};
use tokio::sync::Mutex;

pub use config::RootConfig;
pub(crate) use config::RootSection;
pub use provenance::{Lineage, statement};
pub use record::{Proven, RootName, RootRecord, RootRecordError};
pub use reseal::ResealPass;

use crate::attestor::{AttestError, Attestor};
use crate::kms::{Kms, KmsError};
use crate::sealing::{Epoch, HeldSecrets, RootSecrets, SealError};
use crate::store::{Store, StoreClientError};
use source::{Known, Newer, Source, check_derivation_root};

/// How often the enclave looks in the store for an epoch that another enclave of the deployment made.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// The least time between two looks, so that a store that invents epochs costs little.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// The epochs of one deployment.
pub struct Root {
    source: Source,
    secrets: HeldSecrets,
    known: Mutex<Known>,
}

/// Why an operation on the root secret failed.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The store did not respond, or not by its protocol.
    #[error("the record of the root secret: {0}")]
    Store(#[from] StoreClientError),
    /// The KMS call failed.
    #[error(transparent)]
    Kms(Box<KmsError>),
    /// The record from the store is not this deployment's.
    #[error("the record of the root secret is refused: {0}")]
    Record(#[from] RootRecordError),
    /// The store says that it has none, and the configuration forbids making one.
    #[error(
        "the store has no root secret, and the measured configuration forbids making one ({0})"
    )]
    Missing(&'static str),
    /// The store gave an older record than one seen before.
    #[error(
        "the store gave version {found} of the root secret's record; this enclave has seen {seen}"
    )]
    RolledBack {
        /// The version that came; 0 if there was no record.
        found: u64,
        /// The version known.
        seen: u64,
    },
    /// A new data key is one that is held already: a response was replayed.
    #[error("the data key of epoch {epoch} is that of another epoch: an old response was replayed")]
    Replayed {
        /// The epoch that it was to be for.
        epoch: Epoch,
    },
    /// Another request, or another enclave, changed the epochs.
    #[error("the newest epoch is {newest}, the request is for {expected}")]
    Epoch {
        /// The newest epoch.
        newest: Epoch,
        /// The newest epoch according to the request.
        expected: Epoch,
    },
    /// Another request, or another enclave, wrote the record first.
    #[error(
        "another request or enclave changed the record of the root secret meanwhile; nothing was done"
    )]
    Conflict,
    /// Records may still be sealed in an older epoch.
    #[error("{0}")]
    InUse(String),
    /// The NSM did not sign a statement.
    #[error("cannot make the attestation document about the root secret: {0}")]
    Attest(#[from] AttestError),
    /// The cryptographic library failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A failure inside the enclave that no input can cause.
    #[error("{0}")]
    Internal(String),
}

impl Root {
    /// Unseals the root secrets of this name, or makes the first one. One KMS call.
    ///
    /// If two enclaves make the first one at once, the store keeps one of them, and the other enclave unseals that one.
    pub async fn unseal(
        kms: Arc<Kms>,
        attestor: Arc<Attestor>,
        store: Arc<Store>,
        (name, deployment): (RootName, String),
        config: RootConfig,
    ) -> Result<Self, RootError> {
        let source = Source {
            lineage: Lineage {
                own: attestor.pcr0,
                predecessors: config.predecessors.clone(),
                any: config.any_predecessor,
            },
            kms,
            attestor,
            store,
            name,
            deployment,
            config,
        };
        let (known, secrets) = match source.read(0).await? {
            Newer::Record(known) => {
                let secrets = source.open(&known).await?;
                (source.adopt(known, &secrets).await, secrets)
            }
            Newer::Same | Newer::Gone => source.create().await?,
        };
        Ok(Self {
            source,
            secrets: HeldSecrets::new(secrets),
            known: Mutex::new(known),
        })
    }

    /// A handle on the secrets, with which records are sealed and opened.
    pub fn secrets(&self) -> HeldSecrets {
        self.secrets.clone()
    }

    /// The epochs as they are now.
    pub fn state(&self) -> RootState {
        let secrets = self.secrets.now();
        RootState {
            key_arn: self.source.kms.key().to_string(),
            epoch: secrets.newest().0,
            epochs: secrets.numbers(),
            oldest_epoch: self.source.config.oldest_epoch,
            derivation_root: secrets.derivation().fingerprint(),
        }
    }

    /// Makes the epoch after `newest`, in which everything is sealed from now on. One KMS call.
    ///
    /// # Errors
    /// [`RootError::Epoch`] if `newest` is not the newest epoch, so that a repeated request makes no second one.
    pub async fn rotate(&self, newest: Epoch) -> Result<RootState, RootError> {
        let mut known = self.known.lock().await;
        self.check_newest(newest)?;
        let epoch = newest.checked_add(1).ok_or_else(|| {
            RootError::Internal("epochs have reached their greatest number".to_owned())
        })?;
        let key = self.source.kms.generate_data_key(epoch).await?;
        let mut secrets = RootSecrets::clone(&self.secrets.now());
        if secrets.holds(&key.secret) {
            return Err(RootError::Replayed { epoch });
        }
        secrets.insert(epoch, key.secret);
        let proven = self.source.prove(epoch, key.blob).await?;
        // Stored first: secrets that are not kept must not seal anything.
        *known = self.source.write(&secrets, proven, known.version).await?;
        self.secrets.replace(secrets);
        tracing::info!(epoch, "made a new epoch of the root secret");
        Ok(self.state())
    }

    /// Forgets the epochs before `newest`. What is still sealed in one of them does not open again.
    ///
    /// # Errors
    /// [`RootError::Epoch`] if `newest` is not the newest epoch, and [`RootError::InUse`] unless `pass` shows that no record is
    /// sealed in an older one. Both are judged while no other request changes the epochs.
    pub async fn retire_before(
        &self,
        newest: Epoch,
        pass: &ResealPass,
    ) -> Result<RootState, RootError> {
        let mut known = self.known.lock().await;
        self.check_newest(newest)?;
        self.check_settled(pass.complete_since(newest))?;
        let mut secrets = RootSecrets::clone(&self.secrets.now());
        secrets.retire_before(newest);
        let proven = Proven {
            blob: known.record.blob.clone(),
            documents: known.record.documents.clone(),
        };
        *known = self.source.write(&secrets, proven, known.version).await?;
        self.secrets.replace(secrets);
        tracing::info!(epoch = newest, "retired the epochs before this one");
        Ok(self.state())
    }

    /// Looks for epochs whenever a record names a later one, and at intervals, for as long as the process lives.
    pub async fn follow(&self) {
        loop {
            let _asked_or_not = tokio::time::timeout(LOOK_INTERVAL, self.secrets.asked()).await;
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "cannot learn the newest epoch of the root secret");
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// Takes up the epochs that another enclave of the deployment made or retired. A KMS call only if there are some.
    pub async fn look(&self) -> Result<(), RootError> {
        let mut known = self.known.lock().await;
        let wanted = self.secrets.look();
        let seen = known.version;
        match self.source.read(seen).await? {
            Newer::Same => {}
            Newer::Gone => return Err(RootError::RolledBack { found: 0, seen }),
            Newer::Record(Known { version, .. }) if version <= seen => {
                return Err(RootError::RolledBack {
                    found: version,
                    seen,
                });
            }
            Newer::Record(newer) => {
                let secrets = self.take_up(&known, &newer).await?;
                tracing::info!(
                    epochs = secrets.epochs(),
                    "another enclave changed the record of the root secret"
                );
                self.secrets.replace(secrets);
                *known = newer;
            }
        }
        self.secrets.looked(wanted);
        Ok(())
    }

    async fn take_up(&self, known: &Known, newer: &Known) -> Result<RootSecrets, RootError> {
        let source = &self.source;
        let held = self.secrets.now();
        let (newest, secret) = held.newest();
        let oldest = source.config.oldest_epoch;
        let record = &newer.record;
        record.check(&source.deployment, source.kms.key(), oldest.max(newest))?;
        if record.epoch == newest && record.blob == known.record.blob {
            let secret = secret.clone();
            return Ok(record.open(source.name, secret, newer.version, oldest)?);
        }
        let secrets = source.open(newer).await?;
        check_derivation_root(&secrets, &held.derivation().fingerprint())?;
        Ok(secrets)
    }

    /// Checks that the pass of resealing that began at `began` shows that no record is sealed in an older epoch.
    ///
    /// # Errors
    /// [`RootError::InUse`] if there was no such pass, or if others may have sealed in an older epoch after it began.
    fn check_settled(&self, began: Option<Instant>) -> Result<(), RootError> {
        let epoch = self.secrets.now().newest().0;
        let Some(began) = began else {
            return Err(RootError::InUse(format!(
                "since this enclave started, no whole pass of /v1/root/reseal in epoch {epoch} has ended with nothing left"
            )));
        };
        let settle = self.source.config.epoch_settle_s;
        let after = began.saturating_duration_since(self.secrets.newest_since());
        if after >= Duration::from_secs(settle) {
            return Ok(());
        }
        Err(RootError::InUse(format!(
            "the last whole pass of /v1/root/reseal began {} s after this enclave took up epoch {epoch}, so others may have \
            sealed in an older one since; accepted: a pass that begins at least {settle} s after it (root.epoch_settle_s)",
            after.as_secs()
        )))
    }

    fn check_newest(&self, expected: Epoch) -> Result<(), RootError> {
        let newest = self.secrets.now().newest().0;
        if newest == expected {
            return Ok(());
        }
        Err(RootError::Epoch { newest, expected })
    }
}

impl From<KmsError> for RootError {
    fn from(error: KmsError) -> Self {
        Self::Kms(Box::new(error))
    }
}

impl From<RootError> for Problem {
    fn from(error: RootError) -> Self {
        let kind = match &error {
            RootError::Store(_) => ProblemType::StoreUnavailable,
            RootError::Kms(_) | RootError::Replayed { .. } => ProblemType::KmsUnavailable,
            RootError::Record(_) | RootError::Missing(_) => ProblemType::RecordInvalid,
            RootError::RolledBack { .. } => ProblemType::RecordRolledBack,
            RootError::Epoch { .. } | RootError::Conflict => ProblemType::EpochConflict,
            RootError::InUse(_) => ProblemType::EpochInUse,
            RootError::Attest(_) | RootError::Seal(_) | RootError::Internal(_) => {
                ProblemType::Internal
            }
        };
        Self::new(kind, error.to_string())
    }
}
