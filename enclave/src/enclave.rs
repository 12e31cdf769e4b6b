//! One boot of the enclave: what it knows of itself, and what it serves with.

use std::sync::OnceLock;

use permafrost_common::attestation::{At, Document};
use permafrost_common::problem::{Problem, ProblemType};

use crate::auth::Authenticator;
use crate::boot::Boot;
use crate::clock::Clock;
use crate::config::Config;
use crate::custody::Custody;
use crate::nsm::Nsm;

/// One boot of the enclave.
pub struct Enclave {
    /// The measured configuration.
    pub config: Config,
    /// What was made at boot.
    pub boot: Boot,
    /// The NSM that attests.
    pub nsm: Nsm,
    /// The clock that requests are judged by.
    pub clock: Clock,
    /// Who may ask.
    pub authenticator: Authenticator,
    custody: OnceLock<Custody>,
}

impl Enclave {
    /// A boot that has no root secret yet: it serves health and attestation.
    pub fn new(config: Config, boot: Boot, nsm: Nsm, clock: Clock) -> Self {
        let authenticator =
            Authenticator::new(&config.principals, &config.limits, boot.attestation);
        Self {
            config,
            boot,
            nsm,
            clock,
            authenticator,
            custody: OnceLock::new(),
        }
    }

    /// Begins to serve keys. Only the first call of a boot has an effect.
    pub fn thaw(&self, custody: Custody) {
        let _ = self.custody.set(custody);
    }

    /// The keys, once the root secret is there.
    pub fn custody(&self) -> Result<&Custody, Problem> {
        self.custody.get().ok_or_else(|| {
            Problem::new(ProblemType::NotReady, "the enclave has no root secret yet").retry_after(1)
        })
    }

    /// A fresh attestation document with this nonce, which also moves the clock forward. Blocks on the NSM.
    pub fn attest(&self, nonce: Vec<u8>) -> Result<Vec<u8>, Problem> {
        let unavailable = |error: String| Problem::new(ProblemType::AttestationUnavailable, error);
        let document = self
            .nsm
            .attest(Some(&self.boot.user_data), Some(&nonce), None)
            .map_err(|error| unavailable(error.to_string()))?;
        let verified = Document::parse(&document)
            .and_then(|parsed| parsed.verify(self.nsm.trust_anchor(), At::Signed))
            .map_err(|error| unavailable(error.to_string()))?;
        self.clock.attested(verified.timestamp_ms());
        Ok(document)
    }
}
