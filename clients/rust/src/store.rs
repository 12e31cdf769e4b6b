//! The record store of a deployment, for its administrators.

use permafrost_common::{
    api::StoreState, egress::Credentials, problem::ProblemType,
    store_credentials::CredentialsContext,
};

use crate::{Error, Principal};

impl Principal {
    /// Which store has the records, and the access key in use.
    pub async fn store(&self) -> Result<StoreState, Error> {
        self.get("/v1/store").await
    }

    /// Gives the enclave the access key of its own store: seals it to the verified boot, which uses it once the table accepts it. Also
    /// possible while the enclave waits for it and serves nothing else.
    ///
    /// # Errors
    /// Also [`Error::AttestationRefused`] if the document does not vouch for the key that the parent gives to seal to: nothing was sealed.
    pub async fn set_store_credentials(
        &self,
        credentials: &Credentials,
    ) -> Result<StoreState, Error> {
        self.seal_and_send(ProblemType::StoreCredentialsNotOpened, async |boot, key| {
            let context = CredentialsContext {
                deployment: &boot.binding().deployment,
                boot: boot.attestation(),
                principal: self.name(),
                access_key_id: &credentials.access_key_id,
            };
            let sealed = context.seal(&key, credentials)?;
            self.post("/v1/store/credentials", &sealed).await
        })
        .await
    }
}
