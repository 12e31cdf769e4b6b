//! One boot of the enclave: what it knows of itself, and what it serves with.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use permafrost_common::problem::{Problem, ProblemType};

use crate::attestor::Attestor;
use crate::auth::Authenticator;
use crate::boot::Boot;
use crate::config::Config;
use crate::custody::Custody;
use crate::root::{ResealPass, Root};

/// One boot of the enclave.
pub struct Enclave {
    /// The measured configuration.
    pub config: Config,
    /// What was made at boot.
    pub boot: Boot,
    /// The NSM that attests, and the clock that requests are judged by.
    pub attestor: Arc<Attestor>,
    /// Who may ask.
    pub authenticator: Authenticator,
    /// How many requests were answered.
    pub answered: AtomicU64,
    thawed: OnceLock<Thawed>,
    waiting_for: Mutex<String>,
}

/// What there is once the root secret is.
pub struct Thawed {
    /// The keys.
    pub custody: Custody,
    /// The epochs of the root secret.
    pub root: Arc<Root>,
    /// How far resealing has come.
    pub reseal_pass: ResealPass,
}

impl Enclave {
    /// A boot that has no root secret yet: it serves health and attestation.
    pub fn new(config: Config, boot: Boot, attestor: Attestor) -> Self {
        let authenticator =
            Authenticator::new(&config.principals, &config.limits, boot.attestation);
        Self {
            config,
            boot,
            attestor: Arc::new(attestor),
            authenticator,
            answered: AtomicU64::new(0),
            thawed: OnceLock::new(),
            waiting_for: Mutex::new("it has just been started".to_owned()),
        }
    }

    /// Begins to serve keys. Only the first call of a boot has an effect.
    pub fn thaw(&self, custody: Custody, root: Arc<Root>) {
        let reseal_pass = ResealPass::default();
        let _ = self.thawed.set(Thawed {
            custody,
            root,
            reseal_pass,
        });
    }

    /// Notes why there is no root secret yet, for whoever asks.
    pub fn waits_for(&self, reason: String) {
        *self
            .waiting_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// What there is once the root secret is.
    pub fn thawed(&self) -> Result<&Thawed, Problem> {
        self.thawed.get().ok_or_else(|| {
            let reason = self
                .waiting_for
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let detail = format!("the enclave has no root secret yet: {reason}");
            Problem::new(ProblemType::NotReady, detail).retry_after(1)
        })
    }

    /// The keys, once the root secret is there.
    pub fn custody(&self) -> Result<&Custody, Problem> {
        Ok(&self.thawed()?.custody)
    }
}
