//! Listings by tag.

use std::collections::{BTreeMap, BTreeSet};

use permafrost_common::store::{LISTING_BYTES_MAX, RECORD_MAX, TAGS_MAX};
use permafrost_enclave::store::{DeleteOutcome, Expected, Fetched, PutOutcome, Range, Store};
use permafrost_tests::{Random, seed};

use crate::cases::{expected, read, together};

pub(crate) async fn a_listing_with_a_tag_has_the_records_that_have_it_now(store: &Store) {
    for (id, known, tags) in [
        ("b", 0, vec![1, 2]),
        ("a", 0, vec![1]),
        ("a-1", 0, (1..=TAGS_MAX).collect()),
        ("c", 0, vec![]),
        // One is kept, one goes, one comes.
        ("b", 1, vec![2, 3]),
        ("a", 1, vec![]),
        ("c", 1, vec![1]),
        ("d", 0, vec![1]),
    ] {
        put(store, id, known, &tags).await;
    }
    store.delete("key", "d", 1).await.unwrap();
    let first = Expected::Absent;
    let of_one = tag(1);
    let other = store.put("user", "b", first, b"of another kind", &of_one);
    other.await.unwrap();
    // A conflict changes no tag.
    let late = store.put("key", "a", Expected::Version(1), b"x", &of_one);
    assert_eq!(
        late.await.unwrap(),
        PutOutcome::Conflict { current: Some(2) }
    );
    for (number, ids) in [
        (1, vec!["a-1", "c"]),
        (2, vec!["a-1", "b"]),
        (3, vec!["a-1", "b"]),
        (TAGS_MAX, vec!["a-1"]),
        (TAGS_MAX + 1, vec![]),
    ] {
        assert_eq!(
            listed(store, number, "", "", 100).await,
            (strings(&ids), false)
        );
    }
    assert_eq!(listed(store, 1, "", "", 1).await, (strings(&["a-1"]), true));
    assert_eq!(
        listed(store, 1, "", "a-1", 1).await,
        (strings(&["c"]), false)
    );
    assert_eq!(
        listed(store, 1, "a", "", 100).await,
        (strings(&["a-1"]), false)
    );
    assert_eq!(listed(store, 1, "b", "", 100).await, (strings(&[]), false));
}

pub(crate) async fn a_tagged_listing_ends_early_rather_than_exceed_its_bytes(store: &Store) {
    let (record, of_one) = (vec![7; RECORD_MAX], tag(1));
    for n in 0..6 {
        let id = format!("r{n}");
        let put = store.put("key", &id, Expected::Absent, &record, &of_one);
        put.await.unwrap();
    }
    let fitting = LISTING_BYTES_MAX / RECORD_MAX;
    let (ids, more) = listed(store, 1, "", "", 100).await;
    assert_eq!((ids.len(), more), (fitting, true));
    let (ids, more) = listed(store, 1, "", &ids[fitting - 1], 100).await;
    assert_eq!((ids.len(), more), (6 - fitting, false));
}

pub(crate) async fn a_tagged_listing_has_many_records_in_pages(store: &Store) {
    let ids: Vec<String> = (0..130).map(|n| format!("r{n:03}")).collect();
    for (n, id) in ids.iter().enumerate() {
        put(store, id, 0, if n % 10 == 0 { &[1, 2] } else { &[1] }).await;
    }
    let (first, more) = listed(store, 1, "r", "", 100).await;
    assert_eq!((first.as_slice(), more), (&ids[..100], true));
    let (rest, more) = listed(store, 1, "r", "r099", 100).await;
    assert_eq!((rest.as_slice(), more), (&ids[100..], false));
    let (all, more) = listed(store, 2, "", "", 13).await;
    assert_eq!((all.len(), more), (13, false));
}

/// Sixteen writers change the tags of three records, and delete them, while a fourth keeps one of its tags.
pub(crate) async fn of_sixteen_writers_with_changing_tags_the_listings_are_those_of_the_last(
    store: &Store,
) {
    let seed = seed();
    let of_one = tag(1);
    let kept = store.put("key", "kept", Expected::Absent, &[1], &of_one);
    kept.await.unwrap();
    let writers = (0..16).map(|writer| changes(store, Random::from_seed(seed + writer)));
    together(writers.collect()).await;
    let mut expected: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for id in ["a", "b", "c", "kept"] {
        let record = read(store, id).await.map_or(Vec::new(), |found| found.1);
        // A record is its own tags.
        for number in record {
            expected.entry(number.into()).or_default().push(id.into());
        }
    }
    for number in 1..=TAGS_MAX {
        let ids = expected.remove(&number).unwrap_or_default();
        let found = listed(store, number, "", "", 100).await;
        assert_eq!(found, (ids, false), "seed {seed}: tag {number}");
    }
}

/// Twelve changes of random records, and after each a look for the record that always has the first tag.
async fn changes(store: &Store, mut random: Random) {
    for _ in 0..12 {
        let id = *random.one_of(&["a", "b", "c", "kept"]);
        let version = match store.get("key", id, None).await.unwrap() {
            Fetched::Record { version, .. } => version,
            _ => 0,
        };
        if id != "kept" && version > 0 && random.below(4) == 0 {
            let deleted = store.delete("key", id, version).await.unwrap();
            assert_ne!(
                deleted,
                DeleteOutcome::Conflict {
                    current: Some(version)
                }
            );
        } else {
            let most = TAGS_MAX as u64;
            let mut numbers: BTreeSet<u8> = (0..random.below(most))
                .map(|_| 1 + random.below(most) as u8)
                .collect();
            if id == "kept" {
                numbers.insert(1);
            }
            let record: Vec<u8> = numbers.into_iter().collect();
            let tags = joined(record.iter().map(|number| usize::from(*number)));
            let put = store.put("key", id, self::expected(version), &record, &tags);
            put.await.unwrap();
        }
        let (ids, _) = listed(store, 1, "k", "", 1).await;
        assert_eq!(ids, ["kept"]);
    }
}

pub(crate) async fn put(store: &Store, id: &str, known: u64, tags: &[usize]) {
    let tags = joined(tags.iter().copied());
    let put = store.put("key", id, expected(known), b"x", &tags);
    let stored = PutOutcome::Stored { version: known + 1 };
    assert_eq!(put.await.unwrap(), stored);
}

/// Tags as the store takes them.
pub(crate) fn joined(numbers: impl Iterator<Item = usize>) -> String {
    numbers.map(tag).collect::<Vec<_>>().join(",")
}

pub(crate) fn strings(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

pub(crate) fn tag(number: usize) -> String {
    format!("{number:032x}")
}

pub(crate) async fn listed(
    store: &Store,
    number: usize,
    prefix: &str,
    after: &str,
    limit: usize,
) -> (Vec<String>, bool) {
    let tag = tag(number);
    let range = Range {
        tag: Some(&tag),
        ..Range::after(after, limit).under(prefix)
    };
    let listing = store.listing("key", range).await.unwrap();
    let ids = listing.records.into_iter().map(|entry| entry.id);
    (ids.collect(), listing.more)
}
