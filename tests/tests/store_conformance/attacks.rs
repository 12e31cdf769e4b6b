//! What a parent can do to the connection between the enclave and its table, which it carries.

use std::time::{Duration, Instant};

use permafrost_enclave::store::dynamodb::Times;
use permafrost_enclave::store::{Expected, PutOutcome, Range, Store, StoreClientError};
use permafrost_tests::Cut;

use crate::cases::{put, read};
use crate::servers::{TIMES, Table, dynalite, moto};
use crate::tag_faults::assert_tags_are_those_of_records;
use crate::tagged::tag;
use permafrost_tests::dynamodb::Front;

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_answers_from_a_copy_of_the_table_fails_at_tls() {
    for server in [moto(), dynalite()] {
        let table = Table::new(server).await;
        put(&table.store, "a", 0, b"granted").await;
        // The same items, and a server with another certificate for the same name.
        let copy = Front::before(table.server).await;
        table.egress.redirect(copy.address());
        let store = Store::from(table.client(table.arn.clone(), TIMES));
        let started = Instant::now();
        for failed in [
            store.get("key", "a", None).await.map(|_| ()),
            store
                .put("key", "a", Expected::Version(1), b"x", "")
                .await
                .map(|_| ()),
            store.listing("key", Range::after("", 1)).await.map(|_| ()),
            store.delete("key", "a", 1).await.map(|_| ()),
        ] {
            let failed = failed.unwrap_err();
            assert!(matches!(failed, StoreClientError::Failed(_)), "{failed:?}");
            assert!(
                failed.to_string().contains("TLS with dynamodb."),
                "{failed}"
            );
        }
        // A server that did not prove to be DynamoDB is not tried again.
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{:?}",
            started.elapsed()
        );
        assert!(copy.take_seen().is_empty());
        table.egress.be_honest();
        assert_eq!(read(&store, "a").await, Some((1, b"granted".to_vec())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_cuts_the_connection_to_the_table_makes_no_write_look_like_anothers() {
    let table = Table::new(dynalite()).await;
    let (mut unknown, mut failed) = (0, 0);
    for n in 0..40 {
        let cut = match n % 2 {
            0 => Cut::AfterReceiving(n * 60),
            _ => Cut::AfterSending(n * 60),
        };
        table.egress.cut(cut);
        let times = Times {
            attempt: Duration::from_millis(300),
            whole: Duration::from_millis(600),
        };
        let client = table.client(table.arn.clone(), times);
        let id = format!("cut-{n}");
        // Alone, and as a transaction.
        let tags = tag(n % 3);
        let tags = if n % 4 < 2 { "" } else { tags.as_str() };
        let told = client
            .put("key", &id, Expected::Absent, b"mine", tags)
            .await;
        table.egress.be_honest();
        let found = read(&table.store, &id).await;
        let ours = Some((1, b"mine".to_vec()));
        match told {
            Ok(PutOutcome::Stored { version: 1 }) => assert_eq!(found, ours, "{cut:?}"),
            Err(StoreClientError::Failed(_)) => {
                assert_eq!(found, None, "{cut:?}");
                failed += 1;
            }
            Err(StoreClientError::UnknownOutcome(_)) => {
                assert!(found.is_none() || found == ours, "{cut:?}");
                unknown += 1;
            }
            other => panic!("{cut:?}: {other:?}"),
        }
    }
    assert!(
        unknown > 2 && failed > 2,
        "{unknown} unknown, {failed} failed"
    );
    assert_tags_are_those_of_records(&table).await;
}
