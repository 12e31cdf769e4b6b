//! The root secret of each epoch.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

use super::DerivationRoot;

/// The length of a root secret, in bytes.
pub const ROOT_SECRET_LEN: usize = 32;

/// The number of the period in which a root secret seals, from 1.
pub type Epoch = u32;

/// The secret that all of one epoch's record keys are derived from.
#[derive(Clone)]
pub struct RootSecret(Zeroizing<[u8; ROOT_SECRET_LEN]>);

impl RootSecret {
    /// Takes 32 bytes of full entropy.
    pub fn new(bytes: Zeroizing<[u8; ROOT_SECRET_LEN]>) -> Self {
        Self(bytes)
    }

    /// The bytes: for key derivation, for the record of the root secret, and for tests that search for them.
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootSecret(redacted)")
    }
}

/// The root secret of every epoch whose records still open, of which the newest seals, and the derivation root.
#[derive(Clone, Debug)]
pub struct RootSecrets {
    derivation: DerivationRoot,
    newest: (Epoch, RootSecret),
    older: BTreeMap<Epoch, RootSecret>,
}

impl RootSecrets {
    /// The root secret of one epoch, and the derivation root.
    pub fn new(epoch: Epoch, secret: RootSecret, derivation: DerivationRoot) -> Self {
        Self {
            derivation,
            newest: (epoch, secret),
            older: BTreeMap::new(),
        }
    }

    /// Adds an epoch. If it is later than those held, it is the one that seals from now on.
    pub fn insert(&mut self, epoch: Epoch, secret: RootSecret) {
        if epoch >= self.newest.0 {
            let (before, old) = std::mem::replace(&mut self.newest, (epoch, secret));
            if before != epoch {
                self.older.insert(before, old);
            }
        } else {
            self.older.insert(epoch, secret);
        }
    }

    /// The derivation root, which is the same in every epoch.
    pub fn derivation(&self) -> &DerivationRoot {
        &self.derivation
    }

    /// The epoch that seals, and its secret.
    pub fn newest(&self) -> (Epoch, &RootSecret) {
        (self.newest.0, &self.newest.1)
    }

    /// The secret of an epoch, if it is held.
    pub fn of_epoch(&self, epoch: Epoch) -> Option<&RootSecret> {
        if epoch == self.newest.0 {
            return Some(&self.newest.1);
        }
        self.older.get(&epoch)
    }

    /// The epochs before the newest, ascending, with their secrets.
    pub fn older(&self) -> impl Iterator<Item = (Epoch, &RootSecret)> {
        self.older.iter().map(|(epoch, secret)| (*epoch, secret))
    }

    /// Forgets the epochs before this one; never the newest.
    pub fn retire_before(&mut self, epoch: Epoch) {
        self.older.retain(|held, _| *held >= epoch);
    }

    /// Whether a secret is that of an epoch held.
    pub fn holds(&self, secret: &RootSecret) -> bool {
        let same =
            |held: &RootSecret| verify_slices_are_equal(held.expose(), secret.expose()).is_ok();
        same(&self.newest.1) || self.older.values().any(same)
    }

    /// The epochs held, ascending.
    pub fn numbers(&self) -> Vec<Epoch> {
        self.older
            .keys()
            .chain(std::iter::once(&self.newest.0))
            .copied()
            .collect()
    }

    /// The epochs held, ascending, comma-separated.
    pub fn epochs(&self) -> String {
        let numbers: Vec<String> = self.numbers().iter().map(ToString::to_string).collect();
        numbers.join(", ")
    }
}
