//! What the client of a table makes of responses that are damaged, cut off, late, of another form, or a decision.

use std::time::Duration;

use permafrost_enclave::store::dynamodb::Times;
use permafrost_enclave::store::{Expected, PutOutcome, Range, Store, StoreClientError};
use serde_json::json;

use crate::cases::{put, read};
use crate::faults::unknown_outcome;
use crate::servers::{TIMES, Table};
use permafrost_tests::dynamodb::{Act, refusal};

pub(crate) async fn a_damaged_response_is_not_believed(table: &Table) {
    put(&table.store, "a", 0, &[b'x'; 3000]).await;
    table.front.take_seen();
    table.front.next([Act::Damage, Act::Damage]);
    assert_eq!(read(&table.store, "a").await, Some((1, vec![b'x'; 3000])));
    assert_eq!(table.front.take_seen().len(), 3);
    table.front.next([Act::Damage]);
    let listing = table
        .store
        .listing("key", Range::after("", 100))
        .await
        .unwrap();
    assert_eq!(listing.records[0].bytes, vec![b'x'; 3000]);
    let store = table.impatient();
    table.front.always(Act::Damage);
    let failed = store.get("key", "a", None).await.unwrap_err();
    assert!(matches!(failed, StoreClientError::Failed(_)), "{failed:?}");
    assert!(failed.to_string().contains("x-amz-crc32"), "{failed}");
    let unknown = store
        .put("key", "a", Expected::Version(1), b"mine", "")
        .await;
    unknown_outcome(unknown);
    table.front.always(Act::Carry);
    assert_eq!(read(&store, "a").await, Some((2, b"mine".to_vec())));
}

pub(crate) async fn a_response_that_was_cut_off_is_asked_for_again(table: &Table) {
    table.front.next([Act::CutOff]);
    assert_eq!(
        put(&table.store, "a", 0, b"mine").await,
        PutOutcome::Stored { version: 1 }
    );
    table.front.take_seen();
    table.front.next([Act::CutOff, Act::CutOff]);
    assert_eq!(read(&table.store, "a").await, Some((1, b"mine".to_vec())));
    assert_eq!(table.front.take_seen().len(), 3);
}

pub(crate) async fn a_response_that_takes_too_long_is_asked_for_again(table: &Table) {
    let times = Times {
        attempt: Duration::from_millis(500),
        ..TIMES
    };
    let store = Store::from(table.client(table.arn.clone(), times));
    table.front.next([Act::Stall]);
    let stored = store
        .put("key", "a", Expected::Absent, b"mine", "")
        .await
        .unwrap();
    assert_eq!(stored, PutOutcome::Stored { version: 1 });
    table.front.next([Act::Stall]);
    assert_eq!(read(&store, "a").await, Some((1, b"mine".to_vec())));
}

pub(crate) async fn a_response_of_another_form_is_refused(table: &Table) {
    let item =
        json!({"kind": {"S": "key"}, "id": {"S": "b"}, "version": {"N": "1"}, "record": {"B": ""}});
    let long = vec![b' '; 2 * 1024 * 1024];
    let bodies = [
        (b"".to_vec(), "not a JSON object"),
        (b"nothing".to_vec(), "not a JSON object"),
        (b"[]".to_vec(), "not a JSON object"),
        (b"{\"Item\":".to_vec(), "not a JSON object"),
        (b"{\"Item\":[]}".to_vec(), "not an object"),
        (b"{\"Item\":{}}".to_vec(), "no attribute"),
        (
            json!({"Item": item}).to_string().into_bytes(),
            "expected \"a\"",
        ),
        (long.clone(), "longer than"),
    ];
    put(&table.store, "a", 0, b"mine").await;
    for (body, rule) in bodies {
        table.front.take_seen();
        table.front.next([Act::ReplaceResponse(200, body)]);
        let failed = table.store.get("key", "a", None).await.unwrap_err();
        assert!(matches!(failed, StoreClientError::Failed(_)), "{failed:?}");
        assert!(failed.to_string().contains(rule), "{rule}: {failed}");
        assert_eq!(table.front.take_seen().len(), 1, "{rule}");
    }
    let outside = json!({"Items": [item]}).to_string().into_bytes();
    let two = json!({"Items": [item, item]}).to_string().into_bytes();
    let endless =
        json!({"Items": [], "LastEvaluatedKey": {"kind": {"S": "key"}, "id": {"S": "b"}}});
    for (body, rule) in [
        (b"{}".to_vec(), "no array Items"),
        (outside, "begins with \"a\""),
        (two, "greater than \"b\""),
        (endless.to_string().into_bytes(), "LastEvaluatedKey"),
        (long, "longer than"),
    ] {
        table.front.next([Act::ReplaceResponse(200, body)]);
        let prefix = if rule.starts_with("begins") { "a" } else { "" };
        let failed = table
            .store
            .listing("key", Range::after("", 100).under(prefix))
            .await
            .unwrap_err();
        assert!(failed.to_string().contains(rule), "{rule}: {failed}");
    }
    table
        .front
        .next([Act::ReplaceResponse(200, b"nothing".to_vec())]);
    let unknown = table
        .store
        .put("key", "a", Expected::Version(1), b"mine", "")
        .await;
    unknown_outcome(unknown);
}

pub(crate) async fn a_decision_is_not_asked_for_again(table: &Table) {
    for kind in [
        "AccessDeniedException",
        "ResourceNotFoundException",
        "ValidationException",
        "UnrecognizedClientException",
    ] {
        table.front.take_seen();
        table.front.next([refusal(400, kind)]);
        let failed = table
            .store
            .put("key", "a", Expected::Absent, b"x", "")
            .await
            .unwrap_err();
        assert!(matches!(failed, StoreClientError::Failed(_)), "{failed:?}");
        assert!(failed.to_string().contains(kind), "{failed}");
        table.front.next([refusal(400, kind)]);
        let failed = table.store.get("key", "a", None).await.unwrap_err();
        assert!(failed.to_string().contains(kind), "{failed}");
        assert_eq!(table.front.take_seen().len(), 2, "{kind}");
    }
    assert_eq!(read(&table.store, "a").await, None);
    // What an earlier attempt did is not known from the refusal of a later one.
    table
        .front
        .next([Act::LoseResponse, refusal(400, "AccessDeniedException")]);
    let unknown = table
        .store
        .put("key", "a", Expected::Absent, b"x", "")
        .await;
    unknown_outcome(unknown);
}
