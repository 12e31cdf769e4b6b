//! What the client of a table does when writes of tagged records fail, and what the table then has.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use permafrost_enclave::store::dynamodb::{Times, item};
use permafrost_enclave::store::{
    DeleteOutcome, Expected, Fetched, PutOutcome, Store, StoreClientError,
};
use permafrost_tests::{Random, seed};
use serde_json::{Value, json};

use crate::cases::{expected, read, together};
use crate::faults::unknown_outcome;
use crate::servers::Table;
use crate::tagged::{joined, listed, put, tag};
use permafrost_tests::dynamodb::{Act, refusal};

const TRANSACTION: &str = "TransactWriteItems";

pub(crate) async fn a_put_of_the_same_tags_is_one_call_and_of_others_a_transaction(table: &Table) {
    let store = &table.store;
    let (alone, with_others) = (vec!["PutItem"], vec!["PutItem", TRANSACTION]);
    for (known, tags, calls) in [
        (0, vec![], &alone),
        (1, vec![], &alone),
        (2, vec![1, 2], &with_others),
        (3, vec![1, 2], &alone),
        (4, vec![2, 3], &with_others),
        (5, vec![], &with_others),
    ] {
        put(store, "a", known, &tags).await;
        assert_eq!(&calls_of(table), calls, "after version {known}");
        assert_tags_are_those_of_records(table).await;
    }
    put(store, "b", 0, &[1]).await;
    assert_eq!(calls_of(table), [TRANSACTION]);
    store.delete("key", "b", 1).await.unwrap();
    assert_eq!(calls_of(table), ["DeleteItem", TRANSACTION]);
    store.delete("key", "a", 6).await.unwrap();
    assert_eq!(calls_of(table), ["DeleteItem"]);
    assert_eq!(items(table).await, Vec::<Value>::new());
}

/// The enclave ends in the middle of each call: nothing after it reaches the table.
pub(crate) async fn a_write_that_is_broken_off_in_any_call_leaves_each_tag_with_its_record(
    table: &Table,
) {
    let times = Times {
        attempt: Duration::from_millis(300),
        whole: Duration::from_millis(500),
    };
    let short = Store::from(table.client(table.arn.clone(), times));
    let mut broken = 0;
    for act in [Act::LoseRequest, Act::LoseResponse] {
        for call in 0..3 {
            for (n, (before, after)) in [
                (None, Some(vec![1, 2])),
                (Some(vec![1, 2]), Some(vec![2, 3])),
                (Some(vec![3]), Some(vec![])),
                (Some(vec![1, 3]), None),
            ]
            .into_iter()
            .enumerate()
            {
                let id = format!("r-{broken}-{call}-{n}");
                if let Some(tags) = &before {
                    put(&table.store, &id, 0, tags).await;
                }
                table.front.next(vec![Act::Carry; call]);
                table.front.next([act.clone()]);
                table.front.always(Act::LoseRequest);
                let known = u64::from(before.is_some());
                let done = change(&short, &id, known, after.as_deref()).await;
                table.front.be_honest();
                broken += usize::from(done.is_err());
                assert_tags_are_those_of_records(table).await;
            }
        }
    }
    assert!(broken >= 12, "{broken} of 24 were broken off");
}

pub(crate) async fn a_change_of_tags_whose_response_was_lost_is_no_conflict(table: &Table) {
    for (known, tags) in [(0, vec![1, 2]), (1, vec![2, 3]), (2, vec![])] {
        table.front.at(TRANSACTION, [Act::LoseResponse]);
        put(&table.store, "a", known, &tags).await;
        let sent = calls_of(table)
            .iter()
            .filter(|c| **c == TRANSACTION)
            .count();
        assert_eq!(sent, 2);
        assert_tags_are_those_of_records(table).await;
    }
}

pub(crate) async fn a_change_of_tags_whose_request_was_lost_conflicts_with_anothers(table: &Table) {
    put(&table.store, "a", 0, &[1]).await;
    let rival = rival(table, 2, b"theirs", &[1]);
    table.front.at(TRANSACTION, [Act::Rival("PutItem", rival)]);
    let conflict = change(&table.store, "a", 1, Some(&[2])).await.unwrap();
    assert_eq!(conflict, Some(2));
    assert_tags_are_those_of_records(table).await;
    // Without a rival it is simply sent again.
    table.front.at(TRANSACTION, [Act::LoseRequest]);
    assert_eq!(
        change(&table.store, "a", 2, Some(&[2])).await.unwrap(),
        None
    );
    assert_tags_are_those_of_records(table).await;
}

pub(crate) async fn a_deletion_of_a_tagged_record_whose_response_was_lost_is_never_a_conflict(
    table: &Table,
) {
    for act in [Act::LoseRequest, Act::LoseResponse] {
        put(&table.store, "a", 0, &[1, 2]).await;
        table.front.at(TRANSACTION, [act]);
        // DynamoDB and the stand-in know the attempt by its token; moto does not.
        match table.store.delete("key", "a", 1).await {
            Ok(DeleteOutcome::Deleted) | Err(StoreClientError::UnknownOutcome(_)) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(items(table).await, Vec::<Value>::new());
    }
}

pub(crate) async fn tags_that_change_under_the_same_version_are_followed(table: &Table) {
    put(&table.store, "a", 0, &[1]).await;
    // Another enclave deletes the record, and makes it again with other tags, while this one sends its transaction.
    let name = table.arn.name();
    let gone = json!({"TableName": name, "Key": place(1, "a")});
    table.server.call("DeleteItem", &gone).await;
    let new = json!({"TableName": name, "Item": place(2, "a")});
    table.server.call("PutItem", &new).await;
    let again = Act::Rival("PutItem", rival(table, 1, b"again", &[2]));
    table.front.at(TRANSACTION, [again]);
    let done = change(&table.store, "a", 1, Some(&[3])).await.unwrap();
    assert_eq!(done, None);
    assert_tags_are_those_of_records(table).await;
    // Not for ever.
    let other = |number| Act::Rival("PutItem", rival(table, 2, b"again", &[number]));
    let others = (4..12).flat_map(|number| [other(number), Act::Carry]);
    table.front.at(TRANSACTION, others);
    let unknown = unknown_outcome(change(&table.store, "a", 2, Some(&[1])).await);
    assert!(unknown.contains("other tags each time"), "{unknown}");
}

pub(crate) async fn a_cancelled_transaction_is_tried_again_only_if_that_may_help(table: &Table) {
    let first = Expected::Absent;
    let of_one = tag(1);
    let put = async |id: &str| table.store.put("key", id, first, b"x", &of_one).await;
    for (n, passing) in [
        cancelled(&["None", "TransactionConflict"]),
        cancelled(&["ThrottlingError", "None"]),
        cancelled(&["TransactionConflict", "ProvisionedThroughputExceeded"]),
        refusal(400, "TransactionInProgressException"),
        refusal(400, "TransactionConflictException"),
    ]
    .into_iter()
    .enumerate()
    {
        table.front.take_seen();
        table.front.next([passing.clone(), passing]);
        let stored = put(&format!("r{n}")).await.unwrap();
        assert_eq!(stored, PutOutcome::Stored { version: 1 });
        let seen = table.front.take_seen();
        assert_eq!(seen.len(), 3, "{seen:?}");
        // The token, too: DynamoDB knows by it what it has executed.
        assert!(seen.iter().all(|one| one.body == seen[0].body));
    }
    for code in ["ValidationError", "ItemCollectionSizeLimitExceeded"] {
        table
            .front
            .next([cancelled(&["TransactionConflict", code])]);
        let failed = put("a").await.unwrap_err();
        assert!(matches!(failed, StoreClientError::Failed(_)), "{failed:?}");
        assert!(failed.to_string().contains(code), "{failed}");
    }
    for codes in [
        &["None", "None"][..],
        &["None"],
        &["None", "ConditionalCheckFailed"],
        &["Other", "None"],
    ] {
        table.front.next([cancelled(codes)]);
        unknown_outcome(put("a").await);
    }
    assert_eq!(read(&table.store, "a").await, None);
    // A write of the record alone meets transactions of others, too.
    let conflict = refusal(400, "TransactionConflictException");
    table.front.next([conflict.clone(), conflict]);
    self::put(&table.store, "r0", 1, &[1]).await;
}

/// Sixteen writers change the tags of three records while requests and responses are lost.
pub(crate) async fn the_tags_are_right_while_everything_fails(table: &Table) {
    let seed = seed();
    let mut random = Random::from_seed(seed);
    let acts: Vec<_> = (0..500)
        .map(|_| match random.below(10) {
            0 => refusal(400, "ThrottlingException"),
            1 => Act::LoseRequest,
            2 => Act::LoseResponse,
            3 => Act::CutOff,
            _ => Act::Carry,
        })
        .collect();
    table.front.next(acts);
    let writers = (0..16).map(|writer| changes(&table.store, seed + writer));
    together(writers.collect()).await;
    table.front.be_honest();
    assert_tags_are_those_of_records(table).await;
}

/// Six changes; those that fail are no error.
async fn changes(store: &Store, seed: u64) {
    let mut random = Random::from_seed(seed);
    for _ in 0..6 {
        let id = *random.one_of(&["a", "b", "c"]);
        let known = match store.get("key", id, None).await {
            Ok(Fetched::Record { version, .. }) => version,
            Ok(_) => 0,
            Err(_) => continue,
        };
        let tags: Vec<usize> = (1..6).filter(|_| random.happens(40)).collect();
        let tags = Some(tags.as_slice()).filter(|_| known == 0 || random.happens(80));
        match change(store, id, known, tags).await {
            Ok(current) => assert!(current.is_none_or(|current| current != known)),
            Err(StoreClientError::Failed(_) | StoreClientError::UnknownOutcome(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Puts the version after `known` with these tags, or deletes it. Gives the version of a conflict, 0 for none.
async fn change(
    store: &Store,
    id: &str,
    known: u64,
    tags: Option<&[usize]>,
) -> Result<Option<u64>, StoreClientError> {
    let current = match tags {
        Some(tags) => {
            let tags = joined(tags.iter().copied());
            match store.put("key", id, expected(known), b"x", &tags).await? {
                PutOutcome::Stored { version } => {
                    assert_eq!(version, known + 1);
                    return Ok(None);
                }
                PutOutcome::Conflict { current } => current,
            }
        }
        None => match store.delete("key", id, known).await? {
            DeleteOutcome::Deleted => return Ok(None),
            DeleteOutcome::Conflict { current } => current,
        },
    };
    Ok(Some(current.unwrap_or_default()))
}

/// Every tag of a record has its item and there is no other, and listings say the same.
pub(crate) async fn assert_tags_are_those_of_records(table: &Table) {
    let (mut expected, mut found) = (BTreeSet::new(), BTreeSet::new());
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for item in items(table).await {
        let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
        if text("kind") != "key" {
            assert_eq!(item.as_object().unwrap().len(), 2, "{item}");
            found.insert((text("kind"), text("id")));
            continue;
        }
        for tag in item["tags"]["SS"].as_array().unwrap_or(&Vec::new()) {
            let tag = tag.as_str().unwrap().to_owned();
            expected.insert((format!("key#{tag}"), text("id")));
            ids.entry(tag).or_default().push(text("id"));
        }
    }
    assert_eq!(found, expected);
    for number in 0..6 {
        let mut ids = ids.remove(&tag(number)).unwrap_or_default();
        ids.sort_unstable();
        assert_eq!(
            listed(&table.store, number, "", "", 100).await,
            (ids, false)
        );
    }
    table.front.take_seen();
}

async fn items(table: &Table) -> Vec<Value> {
    let all = json!({"TableName": table.arn.name(), "ConsistentRead": true});
    let mut found = table.server.call("Scan", &all).await;
    serde_json::from_value(found["Items"].take()).unwrap()
}

/// The calls that were made, without the reads of a client whose server does not name the item that did not meet a condition.
fn calls_of(table: &Table) -> Vec<String> {
    let seen = table.front.take_seen();
    let calls = seen.iter().map(|seen| seen.call().to_owned());
    calls.filter(|call| call != "GetItem").collect()
}

fn cancelled(codes: &[&str]) -> Act {
    let reasons: Vec<_> = codes.iter().map(|code| json!({"Code": code})).collect();
    Act::Refuse(
        400,
        json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "the front says so",
            "CancellationReasons": reasons,
        }),
    )
}

/// What another enclave sends, without a condition.
fn rival(table: &Table, version: u64, record: &[u8], tags: &[usize]) -> Value {
    let tags = joined(tags.iter().copied());
    json!({"TableName": table.arn.name(), "Item": item("key", "a", version, record, &tags)})
}

/// A tag's item.
pub(crate) fn place(number: usize, id: &str) -> Value {
    json!({"kind": {"S": format!("key#{}", tag(number))}, "id": {"S": id}})
}
