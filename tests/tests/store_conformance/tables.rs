//! The table itself: its items, its description, and who signs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use permafrost_common::store::VERSION_MAX;
use permafrost_enclave::store::dynamodb::TableState;
use permafrost_enclave::store::{Expected, PutOutcome, Range, StoreClientError};
use serde_json::{Value, json};

use crate::cases::{put, read};
use crate::servers::{TIMES, Table, credentials};
use permafrost_tests::dynamodb::Act;

pub(crate) async fn the_table_has_the_documented_items(table: &Table) {
    put(&table.store, "a-1", 0, b"first").await;
    put(&table.store, "a-1", 1, b"sealed").await;
    let all = json!({"TableName": table.arn.name()});
    let items = table.server.call("Scan", &all).await["Items"].clone();
    let expected = json!([{
        "kind": {"S": "key"},
        "id": {"S": "a-1"},
        "version": {"N": "2"},
        "record": {"B": STANDARD.encode(b"sealed")},
    }]);
    assert_eq!(items, expected);
    table
        .store
        .listing("key", Range::after("", 100).under("a"))
        .await
        .unwrap();
    read(&table.store, "a-1").await.unwrap();
    table.store.delete("key", "a-1", 2).await.unwrap();
    let seen = table.front.take_seen();
    assert_eq!(seen.len(), 5);
    for seen in seen {
        let reads = ["GetItem", "Query"].iter().any(|call| {
            let target = seen.headers["x-amz-target"].to_str().unwrap();
            target.ends_with(call)
        });
        assert_eq!(
            seen.body["ConsistentRead"] == json!(true),
            reads,
            "{seen:?}"
        );
        assert_eq!(
            seen.body["ConditionExpression"].is_string(),
            !reads,
            "{seen:?}"
        );
    }
}

pub(crate) async fn the_greatest_version_is_exact(table: &Table) {
    write(
        table,
        "a",
        json!({"version": {"N": (VERSION_MAX - 1).to_string()}}),
    )
    .await;
    let stored = put(&table.store, "a", VERSION_MAX - 1, b"last").await;
    assert_eq!(
        stored,
        PutOutcome::Stored {
            version: VERSION_MAX
        }
    );
    assert_eq!(
        read(&table.store, "a").await,
        Some((VERSION_MAX, b"last".to_vec()))
    );
    let conflict = put(&table.store, "a", VERSION_MAX - 1, b"other").await;
    assert_eq!(
        conflict,
        PutOutcome::Conflict {
            current: Some(VERSION_MAX)
        }
    );
}

pub(crate) async fn an_item_that_is_not_a_record_is_refused(table: &Table) {
    for (attributes, named) in [
        (json!({"version": {"N": "0"}}), "version"),
        (json!({"version": {"N": "1.5"}}), "version"),
        (json!({"version": {"S": "1"}}), "version"),
        (json!({"version": {"N": "9223372036854775808"}}), "version"),
        (json!({"record": {"S": "text"}}), "record"),
        (json!({"owner": {"S": "someone"}}), "owner"),
    ] {
        write(table, "a", attributes).await;
        let refused = table.store.get("key", "a", None).await.unwrap_err();
        assert!(refused.to_string().contains(named), "{refused}");
        let refused = table
            .store
            .listing("key", Range::after("", 100))
            .await
            .unwrap_err();
        assert!(refused.to_string().contains(named), "{refused}");
        let refused = table
            .store
            .put("key", "a", Expected::Absent, b"x", "")
            .await;
        assert!(
            matches!(refused, Err(StoreClientError::Failed(_))),
            "{refused:?}"
        );
    }
}

pub(crate) async fn a_table_of_another_form_is_refused(table: &Table) {
    let client = table.client(table.arn.clone(), TIMES);
    let protected = TableState {
        deletion_protection: false,
    };
    assert_eq!(client.check_table().await.unwrap(), protected);

    let arn = table.arn.to_string();
    let account = arn.split(':').nth(4).unwrap();
    let other = arn.replace(account, "999999999999").parse().unwrap();
    let refused = table.client(other, TIMES).check_table().await.unwrap_err();
    assert!(refused.to_string().contains("TableArn"), "{refused}");
    let missing = arn.replace(":table/", ":table/no-").parse().unwrap();
    let refused = table
        .client(missing, TIMES)
        .check_table()
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("ResourceNotFoundException"),
        "{refused}"
    );

    for (differing, named) in [
        (
            json!({
                "KeySchema": [
                    {"AttributeName": "id", "KeyType": "HASH"},
                    {"AttributeName": "kind", "KeyType": "RANGE"},
                ],
            }),
            "KeySchema",
        ),
        (
            json!({
                "AttributeDefinitions": [
                    {"AttributeName": "kind", "AttributeType": "S"},
                    {"AttributeName": "id", "AttributeType": "B"},
                ],
            }),
            "a key id that is not of the type S",
        ),
        (
            json!({
                "AttributeDefinitions": [
                    {"AttributeName": "kind", "AttributeType": "S"},
                    {"AttributeName": "id", "AttributeType": "S"},
                    {"AttributeName": "version", "AttributeType": "N"},
                ],
                "LocalSecondaryIndexes": [{
                    "IndexName": "by-version",
                    "KeySchema": [
                        {"AttributeName": "kind", "KeyType": "HASH"},
                        {"AttributeName": "version", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }],
            }),
            "LocalSecondaryIndexes",
        ),
    ] {
        let other = Table::with(table.server, differing).await;
        let refused = other.client(other.arn.clone(), TIMES).check_table().await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(named), "{refused}");
    }
}

pub(crate) async fn a_table_in_another_state_is_refused(table: &Table) {
    let client = table.client(table.arn.clone(), TIMES);
    let named = json!({"TableName": table.arn.name()});
    let good = table.server.call("DescribeTable", &named).await;
    let describe = async |member: &str, value: Value| {
        let mut other = good.clone();
        other["Table"][member] = value;
        let other = other.to_string().into_bytes();
        table.front.next([Act::ReplaceResponse(200, other)]);
        client.check_table().await
    };
    let protected = describe("DeletionProtectionEnabled", json!(true))
        .await
        .unwrap();
    assert!(protected.deletion_protection);
    describe("Replicas", json!([])).await.unwrap();
    describe("SomethingNew", json!({"Its": "value"}))
        .await
        .unwrap();
    for (member, value) in [
        (
            "Replicas",
            json!([{"RegionName": "us-west-2", "ReplicaStatus": "ACTIVE"}]),
        ),
        ("Replicas", json!("us-west-2")),
        ("TableStatus", json!("DELETING")),
        ("TableStatus", Value::Null),
        (
            "KeySchema",
            json!([{"AttributeName": "kind", "KeyType": "HASH"}]),
        ),
    ] {
        let refused = describe(member, value).await.unwrap_err().to_string();
        assert!(refused.contains(member), "{refused}");
    }
    table
        .front
        .next([Act::ReplaceResponse(200, b"{}".to_vec())]);
    let refused = client.check_table().await.unwrap_err().to_string();
    assert!(refused.contains("TableArn"), "{refused}");
}

pub(crate) async fn a_request_is_signed_for_dynamodb_with_the_newest_credentials(table: &Table) {
    let client = table.client(table.arn.clone(), TIMES);
    client.get("key", "a", None).await.unwrap();
    client.replace_credentials(credentials("ROTATION"));
    client.get("key", "a", None).await.unwrap();
    let seen = table.front.take_seen();
    // Never with those of the parent, which its egress proxy would give.
    for (seen, whose) in seen.iter().zip(["ENCLAVES", "ROTATION"]) {
        let authorization = seen.headers["authorization"].to_str().unwrap();
        let names = "SignedHeaders=content-type;host;x-amz-date;x-amz-target,";
        assert!(authorization.contains(&format!("Credential=AKIAEXAMPLEOF{whose}/")));
        assert!(
            authorization.contains("/us-east-1/dynamodb/aws4_request,"),
            "{authorization}"
        );
        assert!(authorization.contains(names), "{authorization}");
        assert_eq!(seen.headers["x-amz-target"], "DynamoDB_20120810.GetItem");
        assert_eq!(seen.headers["content-type"], "application/x-amz-json-1.0");
    }
    assert_eq!(seen.len(), 2);
}

/// Puts an item as no enclave does: a record of version 1 with these attributes instead.
async fn write(table: &Table, id: &str, attributes: Value) {
    let mut item = json!({
        "kind": {"S": "key"},
        "id": {"S": id},
        "version": {"N": "1"},
        "record": {"B": STANDARD.encode(b"sealed")},
    });
    for (name, value) in attributes.as_object().unwrap() {
        item[name] = value.clone();
    }
    let put = json!({"TableName": table.arn.name(), "Item": item});
    table.server.call("PutItem", &put).await;
}
