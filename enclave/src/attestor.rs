//! Fresh attestation documents of this boot, and the clock that they move forward.

use std::sync::Arc;
use std::time::Duration;

use permafrost_common::attestation::{self, At, Document, Pcr};
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::nsm::{Nsm, NsmError};

/// How often the clock is compared with the NSM's. A virtual machine's own clock loses time when its host is busy; requests are
/// accepted only `clock_skew_s` (5 by default) ahead of it.
const CLOCK_INTERVAL: Duration = Duration::from_secs(2);

/// Makes attestation documents with the boot's `user_data`.
#[derive(Debug)]
pub struct Attestor {
    /// The NSM that attests.
    pub nsm: Nsm,
    /// The clock that the times of requests are compared with.
    pub clock: Arc<Clock>,
    /// PCR0 of this enclave, 48 bytes: all zero in debug mode.
    pub pcr0: Pcr,
    user_data: Vec<u8>,
    /// Documents for clients are made one at a time, so that strangers who ask for them do not keep the NSM and the blocking threads
    /// from what the enclave itself needs.
    turn: Semaphore,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum AttestError {
    /// The NSM refused, or its response is not one to this request.
    #[error(transparent)]
    Nsm(#[from] NsmError),
    /// The NSM's document does not verify under the trust anchor that belongs to this NSM.
    #[error("the NSM's own document does not verify: {0}")]
    Document(#[from] attestation::Error),
    /// The thread that asked the NSM ended.
    #[error("the thread that asked the NSM ended")]
    Panicked,
}

impl Attestor {
    /// Documents of this NSM with this `user_data`.
    pub fn new(nsm: Nsm, clock: Arc<Clock>, pcr0: Pcr, user_data: Vec<u8>) -> Self {
        Self {
            nsm,
            clock,
            pcr0,
            user_data,
            turn: Semaphore::new(1),
        }
    }

    /// A fresh document with a client's nonce (0 to 512 bytes), once it is this client's turn.
    pub async fn attest_in_turn(self: &Arc<Self>, nonce: Vec<u8>) -> Result<Vec<u8>, AttestError> {
        let _turn = self.turn.acquire().await;
        let attestor = Arc::clone(self);
        // The NSM call blocks in the kernel for milliseconds.
        tokio::task::spawn_blocking(move || attestor.attest(Some(&nonce), None))
            .await
            .map_err(|_| AttestError::Panicked)?
    }

    /// A fresh document with this nonce (0 to 512 bytes) and public key (1 to 1024 bytes). Blocks on the NSM.
    pub fn attest(
        &self,
        nonce: Option<&[u8]>,
        public_key: Option<&[u8]>,
    ) -> Result<Vec<u8>, AttestError> {
        let document = self.nsm.attest(Some(&self.user_data), nonce, public_key)?;
        let verified = Document::parse(&document)?.verify(self.nsm.trust_anchor(), At::Signed)?;
        self.clock.attested(verified.timestamp_ms());
        Ok(document)
    }

    /// Keeps the clock from falling behind the NSM's, for as long as the enclave runs.
    pub async fn keep_time(self: Arc<Self>) {
        loop {
            tokio::time::sleep(CLOCK_INTERVAL).await;
            let attestor = Arc::clone(&self);
            let attested = tokio::task::spawn_blocking(move || attestor.attest(None, None).err());
            if let Ok(Some(error)) = attested.await {
                tracing::warn!(%error, "cannot compare the clock with the NSM's");
            }
        }
    }
}
