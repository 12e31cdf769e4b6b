//! Where root secrets come from: the record in the store, KMS, and the NSM's statement on where they were generated.

use std::sync::Arc;

use super::provenance::{self, DOCUMENTS_MAX, Lineage};
use super::record::{KIND, Proven, RootName, RootRecord, RootRecordError};
use super::{RootConfig, RootError};
use crate::attestor::Attestor;
use crate::derivation::{Bucket, Place};
use crate::kms::Kms;
use crate::records::Record;
use crate::sealing::{self, DerivationRoot, Epoch, RootSecrets};
use crate::store::{Expected, Fetched, PutOutcome, Store, StoreClientError};

/// What unsealing needs.
pub(super) struct Source {
    pub(super) kms: Arc<Kms>,
    pub(super) attestor: Arc<Attestor>,
    pub(super) store: Arc<Store>,
    pub(super) name: RootName,
    pub(super) deployment: String,
    pub(super) lineage: Lineage,
    pub(super) config: RootConfig,
}

/// The record as it was last read or written.
pub(super) struct Known {
    pub(super) version: u64,
    pub(super) record: RootRecord,
}

/// What the store has, compared with a known version.
pub(super) enum Newer {
    Same,
    Gone,
    Record(Known),
}

impl Source {
    /// The store's record, unless it has the known version (0: none is known).
    pub(super) async fn read(&self, known: u64) -> Result<Newer, RootError> {
        let known = (known > 0).then_some(known);
        Ok(match self.store.get(KIND, self.name.id(), known).await? {
            Fetched::NotModified => Newer::Same,
            Fetched::Absent => Newer::Gone,
            Fetched::Record { version, bytes } => Newer::Record(Known {
                version,
                record: RootRecord::decode(&bytes)?,
            }),
        })
    }

    /// Makes the first root secret. If another enclave is first, unseals its secret instead.
    pub(super) async fn create(&self) -> Result<(Known, RootSecrets), RootError> {
        let config = &self.config;
        if !config.create_root_secret {
            return Err(RootError::Missing("root.create_root_secret = false"));
        }
        // A new one has another fingerprint.
        if config.derivation_root.is_some() {
            return Err(RootError::Missing("root.derivation_root names one"));
        }
        let epoch = config.oldest_epoch;
        let key = self.kms.generate_data_key(epoch).await?;
        let secrets = RootSecrets::new(epoch, key.secret, DerivationRoot::generate()?);
        let proven = self.prove(epoch, key.blob).await?;
        if self.name == RootName::Deployment {
            // Before the record: with it there are all of them, so that one that is missing was lost or hidden.
            self.write_buckets(&secrets).await?;
        }
        match self.write(&secrets, proven, 0).await {
            Ok(known) => {
                let id = self.name.id();
                tracing::info!(epoch, id, "made the first root secret of this deployment");
                Ok((known, secrets))
            }
            Err(RootError::Conflict) => match self.read(0).await? {
                Newer::Record(known) => {
                    let secrets = self.open(&known).await?;
                    Ok((known, secrets))
                }
                Newer::Same | Newer::Gone => Err(RootError::RolledBack { found: 0, seen: 1 }),
            },
            Err(error) => Err(error),
        }
    }

    /// Stores the empty records of derived keys' exceptions. Their ids follow from the derivation root, which is new.
    async fn write_buckets(&self, secrets: &RootSecrets) -> Result<(), RootError> {
        let plaintext = Bucket::default().encode().map_err(RootError::Internal)?;
        for id in Place::buckets(secrets.derivation()) {
            let place = sealing::Place {
                deployment: &self.deployment,
                kind: Bucket::KIND,
                id: &id,
                version: 1,
            };
            let sealed = sealing::seal(secrets, &place, &plaintext)?;
            match self
                .store
                .put(Bucket::KIND, &id, Expected::Absent, &sealed, "")
                .await?
            {
                PutOutcome::Stored { .. } => {}
                PutOutcome::Conflict { .. } => return Err(RootError::Conflict),
            }
        }
        Ok(())
    }

    /// Opens a record by one KMS call, if it is this deployment's and its secret was generated in an accepted enclave.
    pub(super) async fn open(&self, known: &Known) -> Result<RootSecrets, RootError> {
        let Known { version, record } = known;
        let oldest = self.config.oldest_epoch;
        record.check(&self.deployment, self.kms.key(), oldest)?;
        self.check_provenance(record).await?;
        let newest = self.kms.decrypt(record.epoch, &record.blob).await?;
        let secrets = record.open(self.name, newest, *version, oldest)?;
        if let Some(expected) = &self.config.derivation_root {
            check_derivation_root(&secrets, expected)?;
        }
        Ok(secrets)
    }

    /// Adds a statement of this enclave image to a record that has none yet, so that the next release has to trust only this one. If
    /// that fails, the record stays as it is and nothing is lost.
    pub(super) async fn adopt(&self, known: Known, secrets: &RootSecrets) -> Known {
        let record = &known.record;
        let statement = self.statement(record.epoch, &record.blob);
        let anchor = self.attestor.nsm.trust_anchor();
        if self.lineage.has_own(&record.documents, &statement, anchor) {
            return known;
        }
        match self.add_statement(&known, secrets).await {
            Ok(adopted) => {
                tracing::info!("took over the root secret of an earlier release");
                adopted
            }
            Err(error) => {
                tracing::warn!(%error, "only an earlier release vouches for the root secret");
                known
            }
        }
    }

    async fn add_statement(
        &self,
        known: &Known,
        secrets: &RootSecrets,
    ) -> Result<Known, RootError> {
        let record = &known.record;
        let own = self.prove(record.epoch, record.blob.clone()).await?;
        let mut documents = record.documents.clone();
        documents.extend(own.documents);
        let too_many = documents.len().saturating_sub(DOCUMENTS_MAX);
        documents.drain(..too_many);
        let proven = Proven {
            blob: own.blob,
            documents,
        };
        self.write(secrets, proven, known.version).await
    }

    /// Has the NSM sign that this blob's secret was generated here.
    pub(super) async fn prove(&self, epoch: Epoch, blob: Vec<u8>) -> Result<Proven, RootError> {
        let statement = self.statement(epoch, &blob);
        let attestor = Arc::clone(&self.attestor);
        let document =
            tokio::task::spawn_blocking(move || provenance::attest(&attestor, &statement))
                .await
                .map_err(|error| RootError::Internal(error.to_string()))??;
        Ok(Proven {
            blob,
            documents: vec![document],
        })
    }

    /// Stores the record as the version after `known` (0: as the first).
    pub(super) async fn write(
        &self,
        secrets: &RootSecrets,
        proven: Proven,
        known: u64,
    ) -> Result<Known, RootError> {
        let version = known + 1;
        let place = (self.name, self.deployment.as_str());
        let record = RootRecord::seal(secrets, place, self.kms.key(), proven, version)?;
        let expected = match known {
            0 => Expected::Absent,
            known => Expected::Version(known),
        };
        let encoded = record.encode();
        let put = self
            .store
            .put(KIND, self.name.id(), expected, &encoded, "")
            .await;
        let written = match put {
            Ok(PutOutcome::Stored { version: stored }) => stored == version,
            Ok(PutOutcome::Conflict { .. }) => false,
            // The response was lost, and perhaps the write.
            Err(StoreClientError::UnknownOutcome(_)) => matches!(
                self.read(known).await?,
                Newer::Record(there) if there.version == version && there.record == record
            ),
            Err(error) => return Err(error.into()),
        };
        match written {
            true => Ok(Known { version, record }),
            false => Err(RootError::Conflict),
        }
    }

    async fn check_provenance(&self, record: &RootRecord) -> Result<(), RootError> {
        let statement = self.statement(record.epoch, &record.blob);
        let documents = record.documents.clone();
        let (lineage, attestor) = (self.lineage.clone(), Arc::clone(&self.attestor));
        tokio::task::spawn_blocking(move || {
            lineage.check(&documents, &statement, attestor.nsm.trust_anchor())
        })
        .await
        .map_err(|error| RootError::Internal(error.to_string()))?
        .map_err(|reason| RootRecordError::Unproven(reason).into())
    }

    fn statement(&self, epoch: Epoch, blob: &[u8]) -> Vec<u8> {
        provenance::statement(&self.deployment, epoch, self.kms.key(), blob)
    }
}

/// Checks that the derivation root has this fingerprint.
pub(super) fn check_derivation_root(
    secrets: &RootSecrets,
    expected: &str,
) -> Result<(), RootRecordError> {
    let found = secrets.derivation().fingerprint();
    if found == expected {
        return Ok(());
    }
    let expected = expected.to_owned();
    Err(RootRecordError::DerivationRoot { found, expected })
}
