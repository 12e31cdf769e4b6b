//! A cache of opened records, which drops the least recently used first when they weigh too much.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::Versioned;

/// Opened records of one kind, up to a total weight.
pub(super) struct Cache<T> {
    capacity: usize,
    weight: usize,
    clock: u64,
    entries: HashMap<String, Entry<T>>,
    by_use: BTreeMap<u64, String>,
}

struct Entry<T> {
    record: Versioned<T>,
    weight: usize,
    used: u64,
    /// When the store was last asked that then gave or confirmed this version.
    confirmed: Instant,
}

impl<T> Cache<T> {
    /// `capacity` is the most that all entries may weigh together.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            weight: 0,
            clock: 0,
            entries: HashMap::new(),
            by_use: BTreeMap::new(),
        }
    }

    /// The record, which counts as used now.
    pub(super) fn get(&mut self, id: &str) -> Option<Versioned<T>> {
        let entry = self.entries.get_mut(id)?;
        self.clock += 1;
        if let Some(id) = self.by_use.remove(&entry.used) {
            self.by_use.insert(self.clock, id);
        }
        entry.used = self.clock;
        Some(entry.record.clone())
    }

    /// The record, if the store was asked for it less than `lease` ago.
    pub(super) fn leased(&mut self, id: &str, lease: Duration) -> Option<Versioned<T>> {
        let confirmed = self.entries.get(id)?.confirmed;
        (confirmed.elapsed() < lease)
            .then(|| self.get(id))
            .flatten()
    }

    /// Notes that the store, asked at this time, has confirmed this version.
    pub(super) fn confirm(&mut self, id: &str, version: u64, asked: Instant) {
        let entry = self.entries.get_mut(id);
        if let Some(entry) = entry.filter(|entry| entry.record.version == version) {
            entry.confirmed = entry.confirmed.max(asked);
        }
    }

    /// Keeps a record in place of any other version of it, if it is not heavier than the whole cache. The store, asked at this time, has
    /// given it.
    pub(super) fn insert(&mut self, id: &str, record: Versioned<T>, weight: usize, asked: Instant) {
        self.remove(id);
        if weight > self.capacity {
            return;
        }
        while self.weight + weight > self.capacity {
            let Some((_, oldest)) = self.by_use.pop_first() else {
                return;
            };
            self.remove(&oldest);
        }
        self.clock += 1;
        self.weight += weight;
        self.by_use.insert(self.clock, id.to_owned());
        let entry = Entry {
            record,
            weight,
            used: self.clock,
            confirmed: asked,
        };
        self.entries.insert(id.to_owned(), entry);
    }

    /// Forgets a record.
    pub(super) fn remove(&mut self, id: &str) {
        if let Some(entry) = self.entries.remove(id) {
            self.by_use.remove(&entry.used);
            self.weight -= entry.weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn record(version: u64) -> Versioned<u64> {
        Versioned {
            version,
            value: Arc::new(version),
        }
    }

    #[test]
    fn the_least_recently_used_leaves_first() {
        let mut cache = Cache::new(3);
        for id in ["a", "b", "c"] {
            cache.insert(id, record(1), 1, Instant::now());
        }
        assert!(cache.get("a").is_some());
        cache.insert("d", record(1), 1, Instant::now());
        assert!(cache.get("b").is_none());
        for id in ["a", "c", "d"] {
            assert!(cache.get(id).is_some(), "{id}");
        }
    }

    #[test]
    fn weights_are_bounded_and_given_back() {
        let mut cache = Cache::new(10);
        for n in 0..1000 {
            cache.insert(&(n % 7).to_string(), record(n), 3, Instant::now());
            assert!(cache.weight <= 10);
            assert_eq!(cache.entries.len(), cache.by_use.len());
            assert_eq!(cache.weight, 3 * cache.entries.len());
        }
        cache.insert("heavy", record(1), 11, Instant::now());
        assert!(cache.get("heavy").is_none());
        assert_eq!(cache.entries.len(), 3);
    }

    #[test]
    fn a_new_version_replaces_the_old() {
        let mut cache = Cache::new(10);
        cache.insert("a", record(1), 5, Instant::now());
        cache.insert("a", record(2), 5, Instant::now());
        assert_eq!(cache.get("a").map(|record| record.version), Some(2));
        assert_eq!(cache.weight, 5);
    }

    #[test]
    fn a_record_is_leased_from_when_the_store_was_last_asked_for_this_version() {
        let hour = Duration::from_secs(3600);
        let now = Instant::now();
        let before = now.checked_sub(2 * hour).unwrap_or(now);
        let mut cache = Cache::new(10);
        cache.insert("a", record(1), 5, before);
        assert!(cache.leased("a", hour).is_none() && cache.get("a").is_some());
        cache.confirm("a", 2, now);
        assert!(cache.leased("a", hour).is_none(), "another version");
        cache.confirm("a", 1, now);
        assert!(cache.leased("a", hour).is_some());
        cache.confirm("a", 1, before);
        assert!(cache.leased("a", hour).is_some(), "an older answer");
        assert!(cache.leased("a", Duration::ZERO).is_none());
        cache.remove("a");
        assert!(cache.leased("a", hour).is_none());
    }
}
