//! The nonces of one principal's accepted requests, each kept for as long as a request with it could be accepted.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::digest::{SHA256, digest};

use super::Charge;

/// Nonces, bounded by the principal's rate.
#[derive(Debug)]
pub(super) struct ReplayMemory {
    capacity: usize,
    nonces: HashSet<Fingerprint>,
    by_expiry: BTreeSet<(u64, Fingerprint)>,
    /// The latest time that a request was judged at: what expired before it is forgotten.
    horizon: u64,
    room: NonceRoom,
}

/// How many nonces several principals may have remembered together.
#[derive(Clone, Debug)]
pub(crate) struct NonceRoom {
    most: usize,
    taken: Arc<AtomicUsize>,
}

/// How many more nonces are remembered of requests with a reserve.
const RESERVE: usize = 64;

/// Which part of a shared room is kept for them besides.
const RESERVE_PART: usize = 8;

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
    pub(super) fn for_rate(per_minute: u32, window_s: u64, room: &NonceRoom) -> Self {
        let in_window = u64::from(per_minute).saturating_mul(window_s).div_ceil(60);
        Self {
            capacity: usize::try_from(in_window.saturating_mul(2).saturating_add(64))
                .unwrap_or(usize::MAX),
            nonces: HashSet::new(),
            by_expiry: BTreeSet::new(),
            horizon: 0,
            room: room.clone(),
        }
    }

    /// Remembers a nonce until after `expires`; both times in seconds since 1970.
    pub(super) fn remember(&mut self, nonce: &str, expires: u64, now: u64, charge: Charge) -> Seen {
        self.horizon = self.horizon.max(now);
        self.forget_before(self.horizon);
        if expires < self.horizon {
            return Seen::Forgotten;
        }
        let print = fingerprint(nonce);
        if self.nonces.contains(&print) {
            return Seen::Before;
        }
        let reserve = match charge {
            Charge::Rate => 0,
            Charge::Reserve => RESERVE,
        };
        if self.nonces.len() >= self.capacity + reserve || !self.room.take(charge) {
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
            self.room.give_back(1);
        }
        // The memory of a busy minute is given back.
        if self.nonces.capacity() > 8 * self.nonces.len() + 64 {
            self.nonces.shrink_to(2 * self.nonces.len());
        }
    }
}

impl Drop for ReplayMemory {
    fn drop(&mut self) {
        self.room.give_back(self.nonces.len());
    }
}

impl NonceRoom {
    /// Room for this many.
    pub(crate) fn of(most: usize) -> Self {
        Self {
            most,
            taken: Arc::default(),
        }
    }

    fn take(&self, charge: Charge) -> bool {
        let most = match charge {
            Charge::Rate => self.most,
            Charge::Reserve => self.most.saturating_add(self.most / RESERVE_PART),
        };
        let more = |taken: usize| (taken < most).then_some(taken + 1);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    fn give_back(&self, count: usize) {
        self.taken.fetch_sub(count, Ordering::Relaxed);
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

    fn memory(per_minute: u32) -> ReplayMemory {
        ReplayMemory::for_rate(per_minute, 60, &NonceRoom::of(usize::MAX))
    }

    #[test]
    fn a_nonce_is_new_once_until_it_expires() {
        let mut memory = memory(60);
        assert_eq!(memory.remember("a", 100, 50, Charge::Rate), Seen::New);
        assert_eq!(memory.remember("a", 100, 50, Charge::Rate), Seen::Before);
        assert_eq!(memory.remember("a", 100, 100, Charge::Rate), Seen::Before);
        assert_eq!(memory.remember("b", 100, 50, Charge::Rate), Seen::New);
        assert_eq!(memory.remember("a", 200, 101, Charge::Rate), Seen::New);
    }

    #[test]
    fn a_nonce_that_may_be_forgotten_is_refused_however_early_its_request_was_judged() {
        let mut memory = memory(60);
        assert_eq!(memory.remember("a", 100, 50, Charge::Rate), Seen::New);
        assert_eq!(memory.remember("b", 200, 101, Charge::Rate), Seen::New);
        assert_eq!(
            memory.remember("a", 100, 100, Charge::Rate),
            Seen::Forgotten
        );
        assert_eq!(memory.remember("c", 100, 99, Charge::Rate), Seen::Forgotten);
        assert_eq!(memory.remember("d", 101, 99, Charge::Rate), Seen::New);
    }

    #[test]
    fn memory_is_bounded_and_room_returns() {
        let mut memory = memory(1);
        for n in 0..memory.capacity {
            assert_eq!(
                memory.remember(&n.to_string(), 100, 50, Charge::Rate),
                Seen::New
            );
        }
        assert_eq!(
            memory.remember("more", 100, 50, Charge::Rate),
            Seen::Full { retry_after: 51 }
        );
        assert_eq!(memory.remember("0", 100, 50, Charge::Rate), Seen::Before);
        assert_eq!(memory.remember("more", 161, 101, Charge::Rate), Seen::New);
        assert_eq!(memory.nonces.len(), 1);
    }

    #[test]
    fn a_full_memory_has_a_reserve_for_what_ends_anothers_access() {
        let mut memory = memory(1);
        for n in 0..memory.capacity {
            memory.remember(&n.to_string(), 100, 50, Charge::Rate);
        }
        for n in 0..RESERVE {
            let nonce = format!("reserve {n}");
            assert_eq!(memory.remember(&nonce, 100, 50, Charge::Reserve), Seen::New);
        }
        let full = memory.remember("more", 100, 50, Charge::Reserve);
        assert_eq!(full, Seen::Full { retry_after: 51 });
    }

    #[test]
    fn a_full_room_has_a_reserve_for_what_ends_anothers_access() {
        let room = NonceRoom::of(RESERVE_PART);
        let mut flood = ReplayMemory::for_rate(60, 60, &room);
        for n in 0..RESERVE_PART {
            let nonce = n.to_string();
            assert_eq!(flood.remember(&nonce, 100, 50, Charge::Rate), Seen::New);
        }
        let mut other = ReplayMemory::for_rate(60, 60, &room);
        let full = other.remember("a", 100, 50, Charge::Rate);
        assert_eq!(full, Seen::Full { retry_after: 1 });
        assert_eq!(other.remember("a", 100, 50, Charge::Reserve), Seen::New);
        let full = other.remember("b", 100, 50, Charge::Reserve);
        assert_eq!(full, Seen::Full { retry_after: 51 });
    }

    #[test]
    fn a_shared_room_is_bounded_and_given_back() {
        let room = NonceRoom::of(2);
        let mut one = ReplayMemory::for_rate(60, 60, &room);
        let mut other = ReplayMemory::for_rate(60, 60, &room);
        assert_eq!(one.remember("a", 100, 50, Charge::Rate), Seen::New);
        assert_eq!(one.remember("b", 100, 50, Charge::Rate), Seen::New);
        let full = other.remember("c", 100, 50, Charge::Rate);
        assert_eq!(full, Seen::Full { retry_after: 1 });
        assert_eq!(one.remember("d", 200, 101, Charge::Rate), Seen::New);
        assert_eq!(other.remember("c", 200, 101, Charge::Rate), Seen::New);
        drop(one);
        assert_eq!(other.remember("e", 200, 101, Charge::Rate), Seen::New);
    }
}
