//! One boot of the enclave: what it knows of itself, and what it serves with.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use permafrost_common::http_signature::{AttestationDigest, KeyError, SigningKey};
use permafrost_common::oblivious::GatewayKey;
use permafrost_common::problem::{Problem, ProblemType};

use crate::attestor::Attestor;
use crate::auth::Authenticator;
use crate::bootstrap::Bootstrap;
use crate::clock::Clock;
use crate::config::Config;
use crate::custody::{Custody, Derivation};
use crate::people::{People, PeopleConfig, PeopleRecords};
use crate::records::Records;
use crate::root::{ResealPass, Root};
use crate::store::Store;
use crate::waiting::WaitingFor;

/// What was made at boot.
#[derive(Debug)]
pub struct Boot {
    /// Signs every response.
    pub key: SigningKey,
    /// Opens requests that arrive by Oblivious HTTP.
    pub oblivious_key: GatewayKey,
    /// The attestation document made at boot, without a nonce.
    pub document: Vec<u8>,
    /// The digest of `document`, which every response carries as `X-Enclave-Attestation`.
    pub attestation: AttestationDigest,
}

/// One boot of the enclave.
pub struct Enclave {
    /// The measured configuration.
    pub config: Config,
    /// What was made at boot.
    pub boot: Boot,
    /// Makes attestation documents, and keeps the clock that the times of requests are compared with.
    pub attestor: Arc<Attestor>,
    /// Authenticates principals.
    pub authenticator: Authenticator,
    /// How many requests the enclave has answered.
    pub answered: AtomicU64,
    bootstrap: OnceLock<Arc<Bootstrap>>,
    thawed: OnceLock<Thawed>,
    waiting_for: Mutex<WaitingFor>,
}

/// What exists once the root secret is unsealed.
pub struct Thawed {
    /// The keys.
    pub custody: Custody,
    /// The epochs of the root secret.
    pub root: Arc<Root>,
    /// The records of people, also where the configuration has no people.
    pub people_records: Arc<PeopleRecords>,
    /// People, if the measured configuration has a section `[people]`.
    pub people: Option<People>,
    /// How far resealing has come.
    pub reseal_pass: Arc<ResealPass>,
}

impl Thawed {
    /// Everything that the enclave serves with this root secret and the records of this store.
    ///
    /// # Errors
    /// The cryptographic library fails to give random bytes.
    pub fn new(
        config: &Config,
        store: &Arc<Store>,
        root: Arc<Root>,
        clock: &Arc<Clock>,
    ) -> Result<Self, KeyError> {
        let secrets = root.secrets();
        let deployment = config.deployment.clone();
        let room = (config.limits.cache_bytes, config.limits.seen_records);
        let people_records = Arc::new(PeopleRecords::new(store, &secrets, &deployment, room));
        let of_people = |people: &PeopleConfig| {
            let (records, clock) = (Arc::clone(&people_records), Arc::clone(clock));
            People::new(
                people.clone(),
                deployment.clone(),
                config.limits,
                records,
                clock,
            )
        };
        let people = config.people.as_ref().map(of_people).transpose();
        let exceptions = Records::new(Arc::clone(store), secrets.clone(), deployment.clone(), room);
        let derivation = Derivation::new(
            exceptions,
            secrets.clone(),
            deployment.clone(),
            config.network,
        );
        let imports = Records::new(
            Arc::clone(store),
            secrets.clone(),
            deployment.clone(),
            (0, room.1),
        );
        let keys = Records::new(Arc::clone(store), secrets, deployment.clone(), room);
        let custody = Custody::new(
            keys,
            derivation,
            imports,
            deployment.clone(),
            config.network,
        );
        Ok(Self {
            custody,
            people: people.map_err(|_| KeyError::Library("give random bytes"))?,
            people_records,
            root,
            reseal_pass: Arc::default(),
        })
    }
}

impl Enclave {
    /// A boot that has no root secret yet: it serves only health and attestation.
    pub fn new(config: Config, boot: Boot, attestor: Attestor) -> Self {
        let authenticator =
            Authenticator::new(&config.principals, &config.limits, boot.attestation);
        Self {
            config,
            boot,
            attestor: Arc::new(attestor),
            authenticator,
            answered: AtomicU64::new(0),
            bootstrap: OnceLock::new(),
            thawed: OnceLock::new(),
            waiting_for: Mutex::new(WaitingFor::Start),
        }
    }

    /// Begins to serve keys. Only the first call of a boot has an effect.
    pub fn thaw(&self, thawed: Thawed) {
        let _ = self.thawed.set(thawed);
    }

    /// Begins to take credentials of the table. Only the first call of a boot has an effect.
    pub fn take_credentials(&self, bootstrap: Arc<Bootstrap>) {
        let _ = self.bootstrap.set(bootstrap);
    }

    /// What keeps the credentials of the table; a problem if the enclave has no table, or as long as nothing can be sealed.
    pub fn bootstrap(&self) -> Result<&Arc<Bootstrap>, Problem> {
        if self.config.table.is_none() {
            let detail = "the measured configuration has no section [store]";
            return Err(Problem::new(ProblemType::NoTable, detail));
        }
        self.bootstrap.get().ok_or_else(|| self.not_ready())
    }

    /// Records why the root secret is not unsealed yet, for health and problems to tell.
    pub fn waits_for(&self, reason: WaitingFor) {
        *self
            .waiting_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// What exists once the root secret is unsealed; a problem until then.
    pub fn thawed(&self) -> Result<&Thawed, Problem> {
        self.thawed.get().ok_or_else(|| self.not_ready())
    }

    /// The people, once the root secret is unsealed.
    pub fn people(&self) -> Result<&People, Problem> {
        self.thawed()?.people.as_ref().ok_or_else(|| {
            let detail = "the measured configuration has no section [people]";
            Problem::new(ProblemType::NoPeople, detail)
        })
    }

    /// The keys, once the root secret is unsealed.
    pub fn custody(&self) -> Result<&Custody, Problem> {
        Ok(&self.thawed()?.custody)
    }

    fn not_ready(&self) -> Problem {
        let reason = *self
            .waiting_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let detail = format!("the enclave has no root secret yet: {reason}");
        Problem::new(ProblemType::NotReady, detail).retry_after(1)
    }
}
