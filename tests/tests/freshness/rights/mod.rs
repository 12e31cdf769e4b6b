//! Rights that can be taken away.

mod keys;
mod people;

use permafrost_client::{
    Client, Enclave, Error, Expectation, Principal, RecordVersions, RootCertificate, SigningKey,
};
use permafrost_tests::EnclaveProcess;

pub(crate) use keys::{Deleted, DerivedDisabled, Disabled, OldShare, Replaced, Signing, carol};
pub(crate) use people::{
    CancelledRecovery, EndedSession, NarrowedPolicy, RevokedPasskey, UsedLink, UsedRecoveryCode,
};

/// One of the enclaves of a deployment, and what its client has seen of keys' records.
pub(crate) struct Side<'a> {
    pub(crate) enclave: &'a EnclaveProcess,
    pub(crate) seen: RecordVersions,
    alice: SigningKey,
}

impl<'a> Side<'a> {
    /// As a client sees it that has seen nothing yet, and has the key of alice, a principal of the configuration.
    pub(crate) fn new(enclave: &'a EnclaveProcess, alice: SigningKey) -> Self {
        Self {
            enclave,
            seen: RecordVersions::new(),
            alice,
        }
    }

    pub(crate) async fn verified(&self) -> Enclave {
        let root = RootCertificate::from_pem(&self.enclave.root_pem()).unwrap();
        let expectation = Expectation::any_measurements().root_certificate(root);
        let client = Client::new(self.enclave.address().parse().unwrap());
        client.verify(&expectation).await.unwrap()
    }

    pub(crate) async fn alice(&self) -> Principal {
        let key = SigningKey::from_pkcs8(&self.alice.to_pkcs8().unwrap()).unwrap();
        let alice = self.verified().await.as_principal("alice", key).unwrap();
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
