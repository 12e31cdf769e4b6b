//! Listings by tag, which a DynamoDB table does not have.

use permafrost_common::store::{LISTING_BYTES_MAX, RECORD_MAX, TAGS_MAX};
use permafrost_enclave::store::{Expected, PutOutcome, Range, Store};

use crate::cases::expected;

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

async fn put(store: &Store, id: &str, known: u64, tags: &[usize]) {
    let tags: Vec<String> = tags.iter().map(|number| tag(*number)).collect();
    let tags = tags.join(",");
    let put = store.put("key", id, expected(known), b"x", &tags);
    let stored = PutOutcome::Stored { version: known + 1 };
    assert_eq!(put.await.unwrap(), stored);
}

fn strings(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn tag(number: usize) -> String {
    format!("{number:032x}")
}

async fn listed(
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
