//! The highest number seen of each record, a version or an expiry, of as many records as there is room for.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Numbers by a keyed hash of the record's id: callers choose ids but not the key, so no caller can make two ids collide.
///
/// They are kept in two generations. When the newer one is full, the older one is forgotten: the records that were not used for
/// longest. So a store that wants a number forgotten has to bring on as many other records first.
pub(super) struct Seen {
    /// The most records of one generation.
    most: usize,
    newer: HashMap<u64, u64>,
    older: HashMap<u64, u64>,
    hasher: RandomState,
}

impl Seen {
    /// With room for `records` in each of both generations.
    pub(super) fn with_room_for(records: usize) -> Self {
        Self {
            most: records.max(1),
            newer: HashMap::new(),
            older: HashMap::new(),
            hasher: RandomState::new(),
        }
    }

    /// The highest number seen of a record; 0 if none was seen, or if it is forgotten.
    pub(super) fn highest(&self, id: &str) -> u64 {
        let hash = self.hasher.hash_one(id);
        let highest = self.newer.get(&hash).or_else(|| self.older.get(&hash));
        highest.copied().unwrap_or(0)
    }

    /// Remembers that a number was seen; whether no higher one was seen before.
    pub(super) fn see(&mut self, id: &str, number: u64) -> bool {
        let hash = self.hasher.hash_one(id);
        let before = match self.newer.get(&hash) {
            Some(highest) => *highest,
            None => self.older.remove(&hash).unwrap_or(0),
        };
        if !self.newer.contains_key(&hash) && self.newer.len() >= self.most {
            self.older = std::mem::take(&mut self.newer);
            tracing::debug!(
                records = self.older.len(),
                "what was seen of the records that were not used for longest is forgotten"
            );
        }
        self.newer.insert(hash, before.max(number));
        number >= before
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.newer.len() + self.older.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_number_stays() {
        let mut seen = Seen::with_room_for(10);
        assert!(seen.see("a", 3));
        assert!(!seen.see("a", 2));
        assert!(seen.see("a", 3));
        assert_eq!((seen.highest("a"), seen.highest("b")), (3, 0));
    }

    #[test]
    fn memory_is_bounded_and_what_is_used_is_not_forgotten() {
        let mut seen = Seen::with_room_for(100);
        for number in 0..10_000_u64 {
            assert!(seen.see(&number.to_string(), number + 1));
            assert!(seen.see("used", 7));
            assert!(seen.len() <= 200, "{}", seen.len());
        }
        assert_eq!(seen.highest("used"), 7);
        assert_eq!(seen.highest("9999"), 10_000);
        assert_eq!(seen.highest("9950"), 9_951, "one of the latest hundred");
        assert_eq!(seen.highest("0"), 0);
    }

    #[test]
    fn a_number_that_moves_to_the_newer_generation_stays_the_highest() {
        let mut seen = Seen::with_room_for(2);
        seen.see("a", 9);
        seen.see("b", 1);
        seen.see("c", 1);
        assert!(!seen.see("a", 8));
        assert_eq!(seen.highest("a"), 9);
    }
}
