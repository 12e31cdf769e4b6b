//! The root secrets that this boot holds now, shared by everything that seals and opens records.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::{Epoch, RootSecrets};

/// How long after a look at the store an epoch that the store did not have then is taken for an invention.
const MISSED_FOR: Duration = Duration::from_secs(10);

/// A handle on the root secrets; every clone sees a replacement at once.
#[derive(Clone, Debug)]
pub struct HeldSecrets(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    secrets: RwLock<Held>,
    search: Mutex<Search>,
    asked: Notify,
}

#[derive(Debug)]
struct Held {
    secrets: Arc<RootSecrets>,
    /// When this boot took up the newest of them.
    newest_since: Instant,
}

/// The search for epochs that another enclave of the deployment may have made.
#[derive(Debug, Default)]
struct Search {
    /// The latest epoch that a record has named since the last look at the store began; 0 if none did.
    wanted: Epoch,
    /// The latest epoch that the last look was for and did not find, and when that was.
    missed: Option<(Epoch, Instant)>,
}

impl HeldSecrets {
    /// Holds these secrets.
    pub fn new(secrets: RootSecrets) -> Self {
        Self(Arc::new(Shared {
            secrets: RwLock::new(Held {
                secrets: Arc::new(secrets),
                newest_since: Instant::now(),
            }),
            search: Mutex::default(),
            asked: Notify::new(),
        }))
    }

    /// The secrets as they are now.
    pub fn now(&self) -> Arc<RootSecrets> {
        Arc::clone(&self.held().secrets)
    }

    /// When this boot took up the newest epoch.
    pub fn newest_since(&self) -> Instant {
        self.held().newest_since
    }

    /// Seals and opens with other secrets from now on.
    pub fn replace(&self, secrets: RootSecrets) {
        let mut held = self
            .0
            .secrets
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if secrets.newest().0 != held.secrets.newest().0 {
            held.newest_since = Instant::now();
        }
        held.secrets = Arc::new(secrets);
    }

    /// Reports that a record names a later epoch than those held. True if another enclave may have made it, in which case a look is
    /// requested; false if the last look has just not found it, in which case the record can be refused.
    pub fn ask_for_later(&self, epoch: Epoch) -> bool {
        if epoch <= self.now().newest().0 {
            return false;
        }
        let mut search = self.search();
        let missed =
            |&(missed, at): &(Epoch, Instant)| epoch <= missed && at.elapsed() < MISSED_FOR;
        if search.missed.as_ref().is_some_and(missed) {
            return false;
        }
        search.wanted = search.wanted.max(epoch);
        self.0.asked.notify_one();
        true
    }

    /// Completes when a look is requested.
    pub async fn asked(&self) {
        self.0.asked.notified().await;
    }

    /// Begins a look at the store; gives what [`HeldSecrets::looked`] takes at its end.
    pub fn look(&self) -> Epoch {
        std::mem::take(&mut self.search().wanted)
    }

    /// Records that a look at the store for epochs up to this one has ended, and that every epoch it found is held.
    pub fn looked(&self, wanted: Epoch) {
        self.search().missed = Some((wanted, Instant::now()));
    }

    fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.0
            .secrets
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn search(&self) -> MutexGuard<'_, Search> {
        self.0.search.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::sealing::{DerivationRoot, RootSecret};

    fn held() -> HeldSecrets {
        let secret = RootSecret::new(Zeroizing::new([1; 32]));
        let derivation = DerivationRoot::new(Zeroizing::new([2; 32]));
        HeldSecrets::new(RootSecrets::new(3, secret, derivation))
    }

    #[test]
    fn a_later_epoch_is_looked_for_at_once_and_others_never() {
        let held = held();
        assert!(held.ask_for_later(4));
        assert!(!held.ask_for_later(3) && !held.ask_for_later(1));
    }

    #[test]
    fn what_a_look_did_not_bring_is_not_looked_for_again_just_then() {
        let held = held();
        assert!(held.ask_for_later(5));
        let wanted = held.look();
        // Requested during the look, so perhaps too late for it.
        assert!(held.ask_for_later(6));
        held.looked(wanted);
        assert!(!held.ask_for_later(4) && !held.ask_for_later(5));
        assert!(held.ask_for_later(6));
    }

    #[test]
    fn a_look_for_nothing_refutes_nothing() {
        let held = held();
        held.looked(held.look());
        assert!(held.ask_for_later(4));
    }

    #[test]
    fn what_was_missed_long_ago_is_looked_for_again() {
        let held = held();
        let Some(before) = Instant::now().checked_sub(MISSED_FOR) else {
            panic!("this machine was just started");
        };
        held.search().missed = Some((4, before));
        assert!(held.ask_for_later(4));
    }
}
