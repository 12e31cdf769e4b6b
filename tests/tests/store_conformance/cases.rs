//! What every store must do.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;

use permafrost_common::store::{LISTING_BYTES_MAX, RECORD_MAX, VERSION_MAX};
use permafrost_enclave::store::{
    DeleteOutcome, Expected, Fetched, PutOutcome, Range, Store, StoreClientError,
};
use tokio::sync::Barrier;

const WRITERS: u8 = 16;

pub(crate) async fn versions_count_from_one_without_a_gap(store: &Store) {
    assert_eq!(store.get("key", "a", None).await.unwrap(), Fetched::Absent);
    assert_eq!(
        store.get("key", "a", Some(3)).await.unwrap(),
        Fetched::Absent
    );
    for version in 1..=12 {
        let record = format!("version {version}");
        let stored = put(store, "a", version - 1, record.as_bytes()).await;
        assert_eq!(stored, PutOutcome::Stored { version });
        assert_eq!(
            read(store, "a").await,
            Some((version, record.clone().into_bytes()))
        );
        let known = store.get("key", "a", Some(version)).await.unwrap();
        assert_eq!(known, Fetched::NotModified);
        let other = store.get("key", "a", Some(version + 1)).await.unwrap();
        assert!(matches!(other, Fetched::Record { version: found, .. } if found == version));
    }
}

pub(crate) async fn a_put_with_another_condition_writes_nothing_and_names_the_version(
    store: &Store,
) {
    for expected in [1, 2, VERSION_MAX - 1] {
        let conflict = put(store, "a", expected, b"too early").await;
        assert_eq!(conflict, PutOutcome::Conflict { current: None });
        assert_eq!(read(store, "a").await, None);
    }
    put(store, "a", 0, b"first").await;
    put(store, "a", 1, b"second").await;
    for expected in [0, 1, 3, VERSION_MAX - 1] {
        let conflict = put(store, "a", expected, b"other").await;
        assert_eq!(conflict, PutOutcome::Conflict { current: Some(2) });
        assert_eq!(read(store, "a").await, Some((2, b"second".to_vec())));
    }
    // Its own bytes, too: only a lost response could make them this very write.
    let conflict = put(store, "a", 1, b"second").await;
    assert_eq!(conflict, PutOutcome::Conflict { current: Some(2) });
}

pub(crate) async fn of_sixteen_writers_exactly_one_wins_each_version(store: &Store) {
    for version in 1..=6 {
        let start = Barrier::new(WRITERS.into());
        let outcomes = all(|writer| {
            let start = &start;
            async move {
                start.wait().await;
                put(store, "a", version - 1, &[writer]).await
            }
        })
        .await;
        let mut winners = Vec::new();
        for (writer, outcome) in (0..).zip(outcomes) {
            match outcome {
                PutOutcome::Stored { version: stored } => {
                    assert_eq!(stored, version);
                    winners.push(vec![writer]);
                }
                PutOutcome::Conflict { current } => assert_eq!(current, Some(version)),
            }
        }
        assert_eq!(winners.len(), 1, "version {version}: {winners:?}");
        assert_eq!(read(store, "a").await, Some((version, winners.remove(0))));
    }
}

pub(crate) async fn of_sixteen_deletions_exactly_one_succeeds(store: &Store) {
    put(store, "a", 0, b"record").await;
    let outcomes = all(|_| async move { store.delete("key", "a", 1).await.unwrap() }).await;
    let deleted = outcomes
        .iter()
        .filter(|outcome| **outcome == DeleteOutcome::Deleted);
    assert_eq!(deleted.count(), 1, "{outcomes:?}");
    let others = DeleteOutcome::Conflict { current: None };
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == others)
            .count(),
        15
    );
    assert_eq!(read(store, "a").await, None);
}

pub(crate) async fn a_record_is_deleted_only_at_its_version(store: &Store) {
    let none = DeleteOutcome::Conflict { current: None };
    assert_eq!(store.delete("key", "a", 1).await.unwrap(), none);
    put(store, "a", 0, b"first").await;
    put(store, "a", 1, b"second").await;
    for other in [1, 3] {
        let conflict = store.delete("key", "a", other).await.unwrap();
        assert_eq!(conflict, DeleteOutcome::Conflict { current: Some(2) });
    }
    assert_eq!(read(store, "a").await, Some((2, b"second".to_vec())));
    assert_eq!(
        store.delete("key", "a", 2).await.unwrap(),
        DeleteOutcome::Deleted
    );
    assert_eq!(read(store, "a").await, None);
    assert_eq!(store.delete("key", "a", 2).await.unwrap(), none);
    assert_eq!(
        put(store, "a", 0, b"again").await,
        PutOutcome::Stored { version: 1 }
    );
}

pub(crate) async fn a_listing_has_exactly_the_ids_of_its_range_in_order(store: &Store) {
    let mut model = BTreeMap::new();
    let ids = [
        "-", "0", "a", "a-", "a-0", "a-1", "a-1-x", "a-10", "a-2", "a-a", "a0", "aa", "b", "z",
    ];
    // Not in their order, and some at a later version.
    for (n, id) in ids.iter().rev().chain(&ids[3..6]).enumerate() {
        let version = model.get(*id).map_or(1, |(version, _)| version + 1);
        let record = format!("record {n}").into_bytes();
        put(store, id, version - 1, &record).await;
        model.insert(*id, (version, record));
    }
    store
        .put("user", "a-11", Expected::Absent, b"of another kind", "")
        .await
        .unwrap();
    for prefix in ["", "a", "a-", "a-1", "c", "zz"] {
        for after in ["", "-", "Z", "a", "a-", "a-1", "a-1-", "a-9", "b", "zz"] {
            if after == "Z" {
                let refused = store
                    .listing("key", Range::after(after, 1).under(prefix))
                    .await;
                assert!(matches!(refused, Err(StoreClientError::Invalid(_))));
                continue;
            }
            for limit in [1, 2, 3, 100] {
                let matching: Vec<_> = model
                    .iter()
                    .filter(|(id, _)| id.starts_with(prefix) && **id > after)
                    .map(|(id, (version, record))| ((*id).to_owned(), *version, record.clone()))
                    .collect();
                let listing = store
                    .listing("key", Range::after(after, limit).under(prefix))
                    .await
                    .unwrap();
                let found: Vec<_> = listing
                    .records
                    .into_iter()
                    .map(|entry| (entry.id, entry.version, entry.bytes.to_vec()))
                    .collect();
                let place = format!("prefix {prefix:?}, after {after:?}, limit {limit}");
                assert_eq!(found, matching[..limit.min(matching.len())], "{place}");
                assert_eq!(listing.more, matching.len() > limit, "{place}");
            }
        }
    }
}

pub(crate) async fn a_listing_ends_early_rather_than_exceed_its_bytes(store: &Store) {
    let sizes = [
        RECORD_MAX,
        RECORD_MAX,
        1,
        RECORD_MAX,
        RECORD_MAX - 1,
        RECORD_MAX,
        0,
        RECORD_MAX,
    ];
    for (n, size) in sizes.iter().enumerate() {
        put(store, &format!("r{n}"), 0, &vec![n as u8; *size]).await;
    }
    let (mut after, mut found) = (String::new(), Vec::new());
    loop {
        let listing = store
            .listing("key", Range::after(&after, 100).under("r"))
            .await
            .unwrap();
        let bytes: usize = listing.records.iter().map(|entry| entry.bytes.len()).sum();
        assert!(bytes <= LISTING_BYTES_MAX, "{bytes}");
        found.extend(listing.records.iter().map(|entry| entry.bytes.len()));
        match listing.records.last() {
            Some(last) if listing.more => after.clone_from(&last.id),
            _ => break,
        }
    }
    assert_eq!(found, sizes);
    // What fits exactly is not divided: four records of a quarter MiB each, one of them a byte shorter, and one byte.
    let whole = store
        .listing("key", Range::after("", 100).under("r"))
        .await
        .unwrap();
    assert_eq!(whole.records.len(), 5);
}

pub(crate) async fn records_of_other_kinds_are_other_records(store: &Store) {
    let longest = "z".repeat(32);
    for (n, kind) in ["key", "key-", "k", &longest].into_iter().enumerate() {
        let record = [n as u8];
        let stored = store
            .put(kind, "same", Expected::Absent, &record, "")
            .await
            .unwrap();
        assert_eq!(stored, PutOutcome::Stored { version: 1 });
    }
    store.delete("k", "same", 1).await.unwrap();
    assert_eq!(read(store, "same").await, Some((1, vec![0])));
    assert_eq!(store.get("k", "same", None).await.unwrap(), Fetched::Absent);
    let listing = store.listing("key-", Range::after("", 100)).await.unwrap();
    assert_eq!(listing.records.len(), 1);
    assert_eq!(listing.records[0].bytes, [1].as_slice());
}

pub(crate) async fn records_of_every_size_come_back_as_they_were(store: &Store) {
    let longest_id = "-".repeat(128);
    for size in [0, 1, 2, 3, 255, 4096, 65_537, RECORD_MAX - 1, RECORD_MAX] {
        let record: Vec<u8> = (0..size).map(|n| (n % 251 + n / 251) as u8).collect();
        let id = format!("size-{size}");
        assert_eq!(
            put(store, &id, 0, &record).await,
            PutOutcome::Stored { version: 1 }
        );
        assert!(read(store, &id).await == Some((1, record)), "{size} bytes");
    }
    assert_eq!(
        put(store, &longest_id, 0, b"x").await,
        PutOutcome::Stored { version: 1 }
    );
}

pub(crate) async fn what_no_store_takes_is_not_sent(store: &Store) {
    let long = vec![0; RECORD_MAX + 1];
    for (kind, id, record) in [
        ("key", "a", long.as_slice()),
        ("Key", "a", b"x"),
        ("", "a", b"x"),
        ("key1", "a", b"x"),
        ("key", "", b"x"),
        ("key", "A", b"x"),
        ("key", "a/b", b"x"),
        ("key", &"a".repeat(129), b"x"),
    ] {
        let refused = store.put(kind, id, Expected::Absent, record, "").await;
        assert!(
            matches!(refused, Err(StoreClientError::Invalid(_))),
            "{refused:?}"
        );
    }
    for version in [0, VERSION_MAX, u64::MAX] {
        let refused = store
            .put("key", "a", Expected::Version(version), b"x", "")
            .await;
        assert!(
            matches!(refused, Err(StoreClientError::Invalid(_))),
            "{refused:?}"
        );
        let refused = store.get("key", "a", Some(version)).await;
        assert!(
            matches!(refused, Err(StoreClientError::Invalid(_))),
            "{refused:?}"
        );
        let refused = store.delete("key", "a", version).await;
        assert!(
            matches!(refused, Err(StoreClientError::Invalid(_))),
            "{refused:?}"
        );
    }
    for limit in [0, 101] {
        let refused = store.listing("key", Range::after("", limit)).await;
        assert!(
            matches!(refused, Err(StoreClientError::Invalid(_))),
            "{refused:?}"
        );
    }
    assert_eq!(read(store, "a").await, None);
}

/// Puts the version after `known`, of which 0 means none.
pub(crate) async fn put(store: &Store, id: &str, known: u64, record: &[u8]) -> PutOutcome {
    store
        .put("key", id, expected(known), record, "")
        .await
        .unwrap()
}

pub(crate) fn expected(known: u64) -> Expected {
    match known {
        0 => Expected::Absent,
        known => Expected::Version(known),
    }
}

pub(crate) async fn read(store: &Store, id: &str) -> Option<(u64, Vec<u8>)> {
    match store.get("key", id, None).await.unwrap() {
        Fetched::Record { version, bytes } => Some((version, bytes.to_vec())),
        Fetched::Absent => None,
        Fetched::NotModified => panic!("not modified since nothing"),
    }
}

/// Runs a task for each of the writers, all at once, and gives their results in order.
async fn all<F: Future>(task: impl Fn(u8) -> F) -> Vec<F::Output> {
    together((0..WRITERS).map(task).collect()).await
}

/// Runs tasks at once, and gives their results in order.
pub(crate) async fn together<F: Future>(tasks: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = tasks.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (task, done) in running.iter_mut().zip(&mut done) {
            if done.is_none()
                && let Poll::Ready(output) = task.as_mut().poll(context)
            {
                *done = Some(output);
            }
        }
        match done.iter().all(Option::is_some) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
