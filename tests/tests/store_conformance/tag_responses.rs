//! What the client of a table makes of responses about tagged records.

use permafrost_enclave::store::dynamodb::item;
use permafrost_enclave::store::{Range, Store, StoreClientError};
use serde_json::{Value, json};

use crate::servers::Table;
use crate::tag_faults::place;
use crate::tagged::{listed, put, strings, tag};
use permafrost_tests::dynamodb::Act;

const BATCH: &str = "BatchGetItem";

pub(crate) async fn records_that_were_left_unread_are_asked_for_again(table: &Table) {
    for id in ["a", "b", "c"] {
        put(&table.store, id, 0, &[1]).await;
    }
    table.front.take_seen();
    table.front.at(
        BATCH,
        [
            answer(table, json!([]), &["a", "b", "c"]),
            answer(table, json!([record("b", 1)]), &["c", "a"]),
            // What is neither given nor left unread is not there: the last.
            answer(table, json!([]), &["a"]),
        ],
    );
    let listing = listed(&table.store, 1, "", "", 100).await;
    assert_eq!(listing, (strings(&["a", "b"]), false));
    let seen = table.front.take_seen();
    let asked: Vec<usize> = seen
        .iter()
        .filter(|seen| seen.call() == BATCH)
        .map(|seen| {
            let request = &seen.body["RequestItems"][table.arn.name()];
            assert_eq!(request["ConsistentRead"], true);
            request["Keys"].as_array().unwrap().len()
        })
        .collect();
    assert_eq!(asked, [3, 3, 2, 1]);
}

pub(crate) async fn records_that_are_left_unread_for_too_long_fail_the_listing(table: &Table) {
    put(&table.store, "a", 0, &[1]).await;
    let unread = vec![answer(table, json!([]), &["a"]); 200];
    table.front.at(BATCH, unread);
    let failed = failure(&table.impatient()).await;
    assert!(failed.contains("1 records of a listing unread"), "{failed}");
    let asked = table.front.take_seen();
    assert!((3..100).contains(&asked.len()), "{}", asked.len());
}

/// As if each had lost its tag, or gone, between the two reads.
pub(crate) async fn an_entry_whose_record_has_not_the_tag_is_left_out(table: &Table) {
    for (id, tags) in [
        ("b", vec![1]),
        ("m-1", vec![2]),
        ("s", vec![1]),
        ("t", vec![1]),
    ] {
        put(&table.store, id, 0, &tags).await;
    }
    for id in ["a", "c", "d", "e", "f", "g", "m-1", "u", "v", "w"] {
        stale(table, id).await;
    }
    for (after, limit, ids, more) in [
        ("", 100, &["b", "s", "t"][..], false),
        ("", 3, &["b", "s", "t"], false),
        ("", 2, &["b", "s"], true),
        ("", 1, &["b"], true),
        ("b", 1, &["s"], true),
        ("s", 1, &["t"], false),
        ("t", 1, &[], false),
        ("t", 100, &[], false),
    ] {
        let found = listed(&table.store, 1, "", after, limit).await;
        assert_eq!(found, (strings(ids), more), "after {after:?}, {limit}");
    }
    // Not for ever: a page is two entries here.
    let mut stale = Vec::new();
    for n in 0..600 {
        stale.push(json!({"PutRequest": {"Item": place(3, &format!("r{n:03}"))}}));
    }
    for stale in stale.chunks(25) {
        let stale = json!({"RequestItems": {table.arn.name(): stale}});
        table.server.call("BatchWriteItem", &stale).await;
    }
    let tag = tag(3);
    let range = Range {
        tag: Some(&tag),
        ..Range::after("", 1)
    };
    let failed = table.store.listing("key", range).await.unwrap_err();
    assert!(failed.to_string().contains("page after page"), "{failed}");
}

pub(crate) async fn a_response_about_tagged_records_of_another_form_is_refused(table: &Table) {
    put(&table.store, "a", 0, &[1]).await;
    put(&table.store, "b", 0, &[1]).await;
    let name = table.arn.name();
    let page = |items: Value| (json!({ "Items": items }), "Query");
    let mut owned = place(1, "a");
    owned["owner"] = json!({"S": "someone"});
    let given = |items: Value| (json!({"Responses": {name: items}}), BATCH);
    let unread = |keys: Value| (json!({"UnprocessedKeys": {name: keys}}), BATCH);
    let key = |id: &str| json!({"kind": {"S": "key"}, "id": {"S": id}});
    let mut of_user = record("a", 1);
    of_user["kind"]["S"] = json!("user");
    for ((body, call), rule) in [
        (page(json!([place(2, "a")])), "is not only the kind"),
        (page(json!([owned])), "is not only the kind"),
        (page(json!([place(1, "A")])), "is not only the kind"),
        (page(json!([record("a", 1)])), "is not only the kind"),
        (page(json!([[]])), "not an object"),
        (
            page(json!([place(1, "b"), place(1, "a")])),
            "greater than \"b\"",
        ),
        (
            page(json!([place(1, "a"), place(1, "a")])),
            "greater than \"a\"",
        ),
        (page(json!({})), "no array Items"),
        (
            (
                json!({"Items": [place(1, "a")], "LastEvaluatedKey": key("a")}),
                "Query",
            ),
            "LastEvaluatedKey",
        ),
        (given(json!([record("c", 1)])), "the id \"c\""),
        (
            given(json!([record("a", 1), record("a", 1)])),
            "at most once",
        ),
        (given(json!([of_user])), "expected \"key\""),
        (given(json!([place(1, "a")])), "kind"),
        (given(json!({})), "not an array"),
        (
            (json!({"Responses": {"other": []}}), BATCH),
            "Responses are not those of the table",
        ),
        (
            (json!({"Responses": {name: [], "other": []}}), BATCH),
            "Responses are not those of the table",
        ),
        (
            (json!({"UnprocessedKeys": []}), BATCH),
            "UnprocessedKeys are not those of the table",
        ),
        (unread(json!({"Keys": [key("c")]})), "the id \"c\""),
        (
            unread(json!({"Keys": [key("a"), key("a")]})),
            "at most once",
        ),
        (
            unread(json!({"Keys": [place(1, "a")]})),
            "is not only the kind",
        ),
        (unread(json!([])), "no array Keys"),
        (
            (
                json!({
                    "Responses": {name: [record("a", 1)]},
                    "UnprocessedKeys": {name: {"Keys": [key("a")]}},
                }),
                BATCH,
            ),
            "at most once",
        ),
    ] {
        let body = body.to_string().into_bytes();
        table.front.at(call, [Act::ReplaceResponse(200, body)]);
        let failed = failure(&table.store).await;
        assert!(failed.contains(rule), "{rule}: {failed}");
        table.front.be_honest();
    }
}

async fn failure(store: &Store) -> String {
    let tag = tag(1);
    let range = Range {
        tag: Some(&tag),
        ..Range::after("", 100)
    };
    let failed = store.listing("key", range).await.unwrap_err();
    assert!(matches!(failed, StoreClientError::Failed(_)), "{failed:?}");
    failed.to_string()
}

/// A response to a `BatchGetItem`.
fn answer(table: &Table, records: Value, unread: &[&str]) -> Act {
    let keys = unread
        .iter()
        .map(|id| json!({"kind": {"S": "key"}, "id": {"S": id}}));
    let name = table.arn.name();
    let body = json!({
        "Responses": {name: records},
        "UnprocessedKeys": {name: {"Keys": keys.collect::<Vec<_>>(), "ConsistentRead": true}},
    });
    Act::ReplaceResponse(200, body.to_string().into_bytes())
}

fn record(id: &str, number: usize) -> Value {
    item("key", id, 1, b"x", &tag(number))
}

async fn stale(table: &Table, id: &str) {
    let stale = json!({"TableName": table.arn.name(), "Item": place(1, id)});
    table.server.call("PutItem", &stale).await;
}
