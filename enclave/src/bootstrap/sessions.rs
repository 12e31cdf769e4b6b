//! Temporary credentials from IAM Roles Anywhere, for an authority whose key is a sealed record at the parent.

use std::sync::{Arc, PoisonError, RwLock};

use permafrost_common::api::StoreAuthority as Described;
use permafrost_common::problem::{Problem, ProblemType};

use super::authority::StoreAuthority;
use super::error::BootstrapError;
use super::{Sealed, WRITES};
use crate::aws::roles_anywhere::{Authority, RolesAnywhere, Session, renew_at};
use crate::aws::{Connector, Egress};
use crate::clock::Clock;
use crate::pem;
use crate::records::{PutError, Records, Versioned};
use crate::store::{RolesAnywhereConfig, TableConfig};

/// What credentials are obtained with.
pub(super) struct Sessions {
    config: RolesAnywhereConfig,
    deployment: String,
    records: Records<StoreAuthority>,
    known: RwLock<Option<Arc<StoreAuthority>>>,
}

/// When credentials end, and when the next are obtained, in seconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Life {
    pub(super) renew_at: u64,
    pub(super) expires_at: u64,
}

impl Sessions {
    pub(super) fn new(config: RolesAnywhereConfig, sealed: &Sealed) -> Self {
        Self {
            config,
            deployment: sealed.deployment.clone(),
            records: sealed.records(),
            known: RwLock::default(),
        }
    }

    /// New credentials, with the version of the authority's record.
    pub(super) async fn create(
        &self,
        table: &TableConfig,
        egress: &Egress,
        clock: &Arc<Clock>,
    ) -> Result<(Session, Life, u64), BootstrapError> {
        let now = || clock.now().as_secs();
        let authority = self.authority(now()).await;
        let authority = authority.map_err(BootstrapError::Authority)?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) =
            Some(Arc::clone(&authority.value));
        let connector = Connector::new(
            self.config.service(),
            table.roots.clone(),
            egress.clone(),
            Arc::clone(clock),
        )?;
        let resources = self.config.resources.clone();
        let client = RolesAnywhere::new(connector, resources, table.times.attempt);
        let session = client.create_session(&authority.value.0).await;
        let session = session.map_err(BootstrapError::Session)?;
        let expires_at = session.expires_at;
        let life = Life {
            renew_at: renew_at(now(), expires_at),
            expires_at,
        };
        Ok((session, life, authority.version))
    }

    /// What an administrator makes the trust anchor of; absent until the enclave has read or made it.
    pub(super) fn describe(&self) -> Option<Described> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let StoreAuthority(authority) = &**known.as_ref()?;
        let resources = &self.config.resources;
        Some(Described {
            certificate: pem::of_certificate(authority.certificate()),
            valid_until: authority.valid_until(),
            trust_anchor_arn: resources.trust_anchor().to_owned(),
            profile_arn: resources.profile().to_owned(),
            role_arn: resources.role().to_owned(),
        })
    }

    /// The authority of this trust anchor: that of the record, renewed in its last year; or a new one, if there is no record.
    async fn authority(&self, now: u64) -> Result<Versioned<StoreAuthority>, Problem> {
        let id = self.config.resources.trust_anchor_id();
        for _ in 0..WRITES {
            let kept = self.records.get(id).await?;
            let version = kept.as_ref().map(|kept| kept.version);
            let made = match kept {
                Some(kept) if !kept.value.0.is_to_be_renewed(now) => return Ok(kept),
                Some(kept) => kept.value.0.renewed(now),
                None => Authority::create(&self.deployment, now),
            };
            let made =
                made.map_err(|error| Problem::new(ProblemType::Internal, error.to_string()))?;
            let record = Arc::new(StoreAuthority(made));
            match self.records.put(id, version, record).await {
                Ok(kept) => {
                    let version = kept.version;
                    tracing::info!(
                        id,
                        version,
                        "a new certificate of the store's authority; make it the trust anchor"
                    );
                    return Ok(kept);
                }
                Err(PutError::Conflict) => {}
                Err(PutError::Problem(problem)) => return Err(problem),
            }
        }
        let detail = "the record of the authority changes all the time";
        Err(Problem::new(ProblemType::StoreUnavailable, detail))
    }
}
