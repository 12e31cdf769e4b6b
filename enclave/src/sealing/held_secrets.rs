//! The root secrets that this boot holds now, shared by all who seal and open.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::{Epoch, RootSecrets};

/// How long after a look at the store an epoch that was not there then is taken for an invention.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// A handle on the root secrets; every clone sees a replacement at once.
#[derive(Clone, Debug)]
pub struct HeldSecrets(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    secrets: RwLock<Arc<RootSecrets>>,
    looked: Mutex<Instant>,
    asked: Notify,
}

impl HeldSecrets {
    /// Holds these secrets, which were just looked up.
    pub fn new(secrets: RootSecrets) -> Self {
        Self(Arc::new(Shared {
            secrets: RwLock::new(Arc::new(secrets)),
            looked: Mutex::new(Instant::now()),
            asked: Notify::new(),
        }))
    }

    /// The secrets as they are now.
    pub fn now(&self) -> Arc<RootSecrets> {
        let secrets = self
            .0
            .secrets
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&secrets)
    }

    /// Seals and opens with other secrets from now on.
    pub fn replace(&self, secrets: RootSecrets) {
        let mut held = self
            .0
            .secrets
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *held = Arc::new(secrets);
    }

    /// Says that a record names a later epoch than those held. True if another enclave may have made it since the last
    /// look, which is then asked for; false if the look was just now, so that a store which invents epochs costs nothing.
    pub fn ask_for_later(&self, epoch: Epoch) -> bool {
        let looked = *self.0.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let may_be = epoch > self.now().newest().0 && looked.elapsed() >= LOOK_INTERVAL;
        if may_be {
            self.0.asked.notify_one();
        }
        may_be
    }

    /// Completes when somebody has asked for a look.
    pub async fn asked(&self) {
        self.0.asked.notified().await;
    }

    /// Notes that the store was looked at just now.
    pub fn looked(&self) {
        *self.0.looked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}
