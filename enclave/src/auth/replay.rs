//! The nonces of one principal's accepted requests, each kept for as long as a request with it could be accepted.

use std::collections::{BTreeSet, HashSet};

use aws_lc_rs::digest::{SHA256, digest};

/// Nonces, bounded by the principal's rate.
#[derive(Debug)]
pub(super) struct ReplayMemory {
    capacity: usize,
    nonces: HashSet<Fingerprint>,
    by_expiry: BTreeSet<(u64, Fingerprint)>,
    /// The latest time that a request was judged at: what expired before it is forgotten.
    horizon: u64,
}

/// The result of remembering a nonce.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Seen {
    /// It is new, and now remembered.
    New,
    /// It was used before.
    Before,
    /// It expired before another request was judged, so it may have been used and be forgotten.
    Forgotten,
    /// There is no room: the principal has sent more than twice the requests of its rate.
    Full {
        /// Seconds until there is room.
        retry_after: u64,
    },
}

/// 16 bytes of SHA-256: the principal chooses its nonces, and a second preimage is of no use to anyone.
type Fingerprint = [u8; 16];

impl ReplayMemory {
    /// With room for twice the requests that the rate allows while a nonce is kept.
    ///
    /// Requests beyond the rate are remembered as well, so that a request refused for its rate is not accepted later.
    pub(super) fn for_rate(per_minute: u32, window_s: u64) -> Self {
        let in_window = u64::from(per_minute).saturating_mul(window_s).div_ceil(60);
        Self {
            capacity: usize::try_from(in_window.saturating_mul(2).saturating_add(64))
                .unwrap_or(usize::MAX),
            nonces: HashSet::new(),
            by_expiry: BTreeSet::new(),
            horizon: 0,
        }
    }

    /// Remembers a nonce until after `expires`; both times in seconds since 1970.
    pub(super) fn remember(&mut self, nonce: &str, expires: u64, now: u64) -> Seen {
        self.horizon = self.horizon.max(now);
        self.forget_before(self.horizon);
        if expires < self.horizon {
            return Seen::Forgotten;
        }
        let print = fingerprint(nonce);
        if self.nonces.contains(&print) {
            return Seen::Before;
        }
        if self.nonces.len() >= self.capacity {
            let first = self.by_expiry.first().map_or(now, |(expiry, _)| *expiry);
            return Seen::Full {
                retry_after: first.saturating_sub(now) + 1,
            };
        }
        self.nonces.insert(print);
        self.by_expiry.insert((expires, print));
        Seen::New
    }

    fn forget_before(&mut self, now: u64) {
        while let Some((expires, print)) = self.by_expiry.first().copied() {
            if expires >= now {
                break;
            }
            self.by_expiry.remove(&(expires, print));
            self.nonces.remove(&print);
        }
        // The memory of a busy minute is given back.
        if self.nonces.capacity() > 8 * self.nonces.len() + 64 {
            self.nonces.shrink_to(2 * self.nonces.len());
        }
    }
}

fn fingerprint(nonce: &str) -> Fingerprint {
    let digest = digest(&SHA256, nonce.as_bytes());
    let mut print = Fingerprint::default();
    for (to, from) in print.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    print
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_new_once_until_it_expires() {
        let mut memory = ReplayMemory::for_rate(60, 60);
        assert_eq!(memory.remember("a", 100, 50), Seen::New);
        assert_eq!(memory.remember("a", 100, 50), Seen::Before);
        assert_eq!(memory.remember("a", 100, 100), Seen::Before);
        assert_eq!(memory.remember("b", 100, 50), Seen::New);
        assert_eq!(memory.remember("a", 200, 101), Seen::New);
    }

    #[test]
    fn a_nonce_that_may_be_forgotten_is_refused_however_early_its_request_was_judged() {
        let mut memory = ReplayMemory::for_rate(60, 60);
        assert_eq!(memory.remember("a", 100, 50), Seen::New);
        assert_eq!(memory.remember("b", 200, 101), Seen::New);
        assert_eq!(memory.remember("a", 100, 100), Seen::Forgotten);
        assert_eq!(memory.remember("c", 100, 99), Seen::Forgotten);
        assert_eq!(memory.remember("d", 101, 99), Seen::New);
    }

    #[test]
    fn memory_is_bounded_and_room_returns() {
        let mut memory = ReplayMemory::for_rate(1, 60);
        for n in 0..memory.capacity {
            assert_eq!(memory.remember(&n.to_string(), 100, 50), Seen::New);
        }
        assert_eq!(
            memory.remember("more", 100, 50),
            Seen::Full { retry_after: 51 }
        );
        assert_eq!(memory.remember("0", 100, 50), Seen::Before);
        assert_eq!(memory.remember("more", 161, 101), Seen::New);
        assert_eq!(memory.nonces.len(), 1);
    }
}
