//! Secrets that only the verified boot opens.

use permafrost_common::{
    oblivious::KeyConfiguration,
    problem::{Problem, ProblemType},
};

use crate::{AttestationRefused, Boot, Error, Principal};

impl Principal {
    /// Sends a request with a secret that is sealed to the verified boot; once more if the enclave has restarted since it was verified.
    /// `not_opened` is what an enclave makes of a secret for another boot.
    pub(crate) async fn seal_and_send<T>(
        &self,
        not_opened: ProblemType,
        request: impl AsyncFn(&Boot, KeyConfiguration) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let boot = self.enclave().boot();
        let attempt = async |boot: &Boot| {
            let key = self.enclave().key_to_seal_to(boot).await?;
            request(boot, key).await
        };
        let sent = attempt(&boot).await;
        let Err(error) = &sent else {
            return sent;
        };
        let is_of_another_boot = match error {
            Error::AttestationRefused(AttestationRefused::ObliviousKeys { .. }) => true,
            error => error.problem().and_then(Problem::kind) == Some(not_opened),
        };
        if !is_of_another_boot {
            return sent;
        }
        let newest = self.enclave().verify_again().await?;
        match newest.attestation() == boot.attestation() {
            true => sent,
            false => attempt(&newest).await,
        }
    }
}
