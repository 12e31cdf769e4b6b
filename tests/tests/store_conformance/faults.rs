//! What the client of a table does when calls fail, and what it says of them.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use permafrost_enclave::store::{
    DeleteOutcome, Expected, Fetched, PutOutcome, Range, Store, StoreClientError,
};
use permafrost_tests::{Random, seed};
use serde_json::{Value, json};

use crate::cases::{expected, put, read, together};
use crate::servers::Table;
use permafrost_tests::dynamodb::{Act, refusal};

const THROTTLED: [&str; 4] = [
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "Throttling",
];

pub(crate) async fn a_throttled_call_is_tried_again(table: &Table) {
    for (n, kind) in THROTTLED.into_iter().enumerate() {
        let version = n as u64 + 1;
        let twice = || [refusal(400, kind), refusal(400, kind)];
        table.front.take_seen();
        table.front.next(twice());
        let stored = put(&table.store, "a", version - 1, kind.as_bytes()).await;
        assert_eq!(stored, PutOutcome::Stored { version });
        table.front.next(twice());
        let found = read(&table.store, "a").await;
        assert_eq!(found, Some((version, kind.as_bytes().to_vec())));
        table.front.next(twice());
        let listing = table
            .store
            .listing("key", Range::after("", 1))
            .await
            .unwrap();
        assert_eq!(listing.records[0].version, version);
        assert_eq!(table.front.take_seen().len(), 9, "{kind}");
    }
}

pub(crate) async fn a_call_that_is_throttled_for_too_long_has_written_nothing(table: &Table) {
    let store = table.impatient();
    table.front.always(refusal(400, THROTTLED[0]));
    let started = Instant::now();
    let failed = store.put("key", "a", Expected::Absent, b"x", "").await;
    assert!(
        matches!(failed, Err(StoreClientError::Failed(_))),
        "{failed:?}"
    );
    let text = failed.unwrap_err().to_string();
    assert!(text.contains(THROTTLED[0]), "{text}");
    let attempts = table.front.take_seen().len();
    assert!((3..60).contains(&attempts), "{attempts} attempts");
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    let failed = store.get("key", "a", None).await;
    assert!(
        matches!(failed, Err(StoreClientError::Failed(_))),
        "{failed:?}"
    );
    table.front.always(Act::Carry);
    assert_eq!(read(&store, "a").await, None);
}

pub(crate) async fn a_put_whose_response_was_lost_is_no_conflict(table: &Table) {
    for version in 1..=3 {
        table.front.take_seen();
        table.front.next([Act::LoseResponse]);
        let stored = put(&table.store, "a", version - 1, b"mine").await;
        assert_eq!(stored, PutOutcome::Stored { version });
        assert!(table.front.take_seen().len() >= 2);
        assert_eq!(
            read(&table.store, "a").await,
            Some((version, b"mine".to_vec()))
        );
    }
}

pub(crate) async fn a_put_whose_request_was_lost_conflicts_with_anothers(table: &Table) {
    for version in 1..=3 {
        let rival = record(table, "a", version, b"theirs");
        table.front.next([Act::Rival("PutItem", rival)]);
        let conflict = put(&table.store, "a", version - 1, b"mine").await;
        assert_eq!(
            conflict,
            PutOutcome::Conflict {
                current: Some(version)
            }
        );
        assert_eq!(
            read(&table.store, "a").await,
            Some((version, b"theirs".to_vec()))
        );
    }
    // Without a rival it is simply sent again.
    table.front.next([Act::LoseRequest]);
    assert_eq!(
        put(&table.store, "a", 3, b"mine").await,
        PutOutcome::Stored { version: 4 }
    );
}

pub(crate) async fn a_put_that_was_overwritten_before_it_was_confirmed_has_an_unknown_outcome(
    table: &Table,
) {
    let rival = record(table, "a", 2, b"theirs, which follows mine");
    table.front.next([Act::ThenRival("PutItem", rival)]);
    let unknown = table
        .store
        .put("key", "a", Expected::Absent, b"mine", "")
        .await;
    let text = unknown_outcome(unknown);
    assert!(text.contains("version is now 2"), "{text}");
    let key =
        json!({"TableName": table.arn.name(), "Key": {"kind": {"S": "key"}, "id": {"S": "a"}}});
    table.front.next([Act::ThenRival("DeleteItem", key)]);
    let unknown = table
        .store
        .put("key", "a", Expected::Version(2), b"mine", "")
        .await;
    unknown_outcome(unknown);
}

pub(crate) async fn a_put_without_any_response_has_an_unknown_outcome(table: &Table) {
    let store = table.impatient();
    for (version, act) in [(1, Act::LoseResponse), (2, Act::Stall)] {
        table.front.always(act);
        let unknown = store
            .put("key", "a", expected(version - 1), b"mine", "")
            .await;
        unknown_outcome(unknown);
        table.front.always(Act::Carry);
        assert_eq!(read(&store, "a").await, Some((version, b"mine".to_vec())));
    }
    table.front.always(Act::LoseRequest);
    let unknown = store
        .put("key", "a", Expected::Version(2), b"mine", "")
        .await;
    unknown_outcome(unknown);
    table.front.always(Act::Carry);
    assert_eq!(read(&store, "a").await, Some((2, b"mine".to_vec())));
}

pub(crate) async fn a_deletion_whose_response_was_lost_has_an_unknown_outcome(table: &Table) {
    put(&table.store, "a", 0, b"mine").await;
    table.front.next([Act::LoseRequest]);
    assert_eq!(
        table.store.delete("key", "a", 1).await.unwrap(),
        DeleteOutcome::Deleted
    );
    put(&table.store, "a", 0, b"mine").await;
    table.front.next([Act::LoseResponse]);
    let unknown = table.store.delete("key", "a", 1).await;
    unknown_outcome(unknown);
    assert_eq!(read(&table.store, "a").await, None);
    put(&table.store, "a", 0, b"mine").await;
    let rival = record(table, "a", 2, b"theirs");
    table.front.next([Act::Rival("PutItem", rival)]);
    let conflict = table.store.delete("key", "a", 1).await.unwrap();
    assert_eq!(conflict, DeleteOutcome::Conflict { current: Some(2) });
}

pub(crate) async fn a_failing_dynamodb_is_asked_again_and_may_have_written(table: &Table) {
    let failing = |status| {
        let kind = if status == 500 {
            "InternalServerError"
        } else {
            "ServiceUnavailable"
        };
        let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}")});
        (
            refusal(status, kind),
            Act::ReplaceResponse(status, body.to_string().into_bytes()),
        )
    };
    for (version, status) in [(1, 500), (2, 503)] {
        let (before, after) = failing(status);
        table.front.next([before.clone(), after]);
        let stored = put(&table.store, "a", version - 1, b"mine").await;
        assert_eq!(stored, PutOutcome::Stored { version });
        table.front.next([before]);
        assert_eq!(
            read(&table.store, "a").await,
            Some((version, b"mine".to_vec()))
        );
    }
    let store = table.impatient();
    table.front.always(failing(500).1);
    let unknown = store
        .put("key", "a", Expected::Version(2), b"mine", "")
        .await;
    unknown_outcome(unknown);
    let failed = store.get("key", "a", None).await;
    assert!(
        matches!(failed, Err(StoreClientError::Failed(_))),
        "{failed:?}"
    );
    table.front.always(Act::Carry);
    assert_eq!(read(&store, "a").await, Some((3, b"mine".to_vec())));
}

/// Sixteen writers increment one record while requests and responses are lost: what each was told must fit what the record has.
pub(crate) async fn no_write_is_lost_or_told_wrongly_while_everything_fails(table: &Table) {
    let seed = seed();
    let mut random = Random::from_seed(seed);
    let acts: Vec<_> = (0..600)
        .map(|_| match random.below(10) {
            0 => refusal(400, THROTTLED[0]),
            1 => Act::LoseRequest,
            2 => Act::LoseResponse,
            3 => Act::CutOff,
            4 => refusal(500, "InternalServerError"),
            _ => Act::Carry,
        })
        .collect();
    table.front.next(acts);
    let writers = (0..16).map(|writer| increments(&table.store, writer));
    let mut told = Vec::new();
    for done in together(writers.collect()).await {
        told.extend(done);
    }
    table.front.always(Act::Carry);
    let (newest, _) = read(&table.store, "count").await.unwrap();
    let mut stored: Vec<_> = told.iter().filter_map(|told| told.ok()).collect();
    let unknown = told.iter().filter(|told| told.is_err()).count() as u64;
    let confirmed = stored.len() as u64;
    stored.sort_unstable();
    stored.dedup();
    assert_eq!(
        stored.len() as u64,
        confirmed,
        "seed {seed}: a version has two writers"
    );
    assert!(
        confirmed <= newest && newest <= confirmed + unknown,
        "seed {seed}: {newest} versions; {confirmed} confirmed, {unknown} unknown"
    );
    assert!(confirmed >= 16, "seed {seed}: {confirmed}");
}

/// Increments three times, and gives the versions that were written, or nothing where that is not known.
async fn increments(store: &Store, writer: u8) -> Vec<Result<u64, ()>> {
    let mut done = Vec::new();
    while done.len() < 3 {
        let known = match store.get("key", "count", None).await {
            Ok(Fetched::Record { version, .. }) => version,
            Ok(_) => 0,
            Err(_) => continue,
        };
        let record = [writer, done.len() as u8];
        match store
            .put("key", "count", expected(known), &record, "")
            .await
        {
            Ok(PutOutcome::Stored { version }) => done.push(Ok(version)),
            Ok(PutOutcome::Conflict { current }) => assert_ne!(current, Some(known)),
            Err(StoreClientError::UnknownOutcome(_)) => done.push(Err(())),
            Err(StoreClientError::Failed(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    done
}

/// What another enclave sends, without a condition.
fn record(table: &Table, id: &str, version: u64, record: &[u8]) -> Value {
    let record = STANDARD.encode(record);
    json!({
        "TableName": table.arn.name(),
        "Item": {
            "kind": {"S": "key"},
            "id": {"S": id},
            "version": {"N": version.to_string()},
            "record": {"B": record},
        },
    })
}

/// The text of the error after which a write may or may not have happened.
pub(crate) fn unknown_outcome<T: std::fmt::Debug>(result: Result<T, StoreClientError>) -> String {
    match result {
        Err(error @ StoreClientError::UnknownOutcome(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}
