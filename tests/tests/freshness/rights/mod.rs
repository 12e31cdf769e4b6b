//! Rights that can be taken away.

mod keys;
mod people;

use permafrost_client::{Enclave, Error, Principal, RecordVersions};
use permafrost_tests::{EnclaveProcess, LyingParent};

pub(crate) use keys::{Deleted, DerivedDisabled, Disabled, OldShare, Replaced, Signing, carol};
pub(crate) use people::{
    CancelledRecovery, EndedSession, NarrowedPolicy, RevokedPasskey, UsedLink, UsedRecoveryCode,
};

/// One of the enclaves of a deployment, and what its client has seen of keys' records.
pub(crate) struct Side<'a> {
    pub(crate) parent: &'a LyingParent,
    pub(crate) enclave: &'a EnclaveProcess,
    pub(crate) seen: RecordVersions,
}

impl<'a> Side<'a> {
    /// As a client sees it that has seen nothing yet.
    pub(crate) fn new(parent: &'a LyingParent, enclave: &'a EnclaveProcess) -> Self {
        Self {
            parent,
            enclave,
            seen: RecordVersions::new(),
        }
    }

    pub(crate) async fn verified(&self) -> Enclave {
        self.parent.verified_at(self.enclave).await
    }

    pub(crate) async fn alice(&self) -> Principal {
        let alice = self.parent.principal_at(self.enclave, "alice").await;
        alice.with_record_versions(self.seen.clone())
    }
}

/// A right that someone has, and then has no longer.
pub(crate) trait Right: Sized {
    /// How an enclave refuses its use once it is taken away.
    const REFUSAL: &'static str;

    /// Gives it to someone.
    async fn granted(at: &Side<'_>) -> Self;

    /// Takes it away; the enclave has acknowledged that.
    async fn take_away(&self, at: &Side<'_>);

    /// Uses it.
    async fn used(&mut self, at: &Side<'_>) -> Result<(), Error>;
}

/// A right to use a key.
pub(crate) trait KeyRight: Right {
    fn key_id(&self) -> &str;
}
