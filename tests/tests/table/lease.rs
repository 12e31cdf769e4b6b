//! How long an enclave believes what the table has last confirmed.

use std::time::{Duration, Instant};

use permafrost_tests::dynamodb::{dynalite, moto};
use permafrost_tests::{TableDeployment, message, refusal};

use crate::steps::{key_of, signs};

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_believed_while_its_lease_runs_and_costs_no_call() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::with(server, "lease_ms = 60000").await;
        let first = deployment.start_with_credentials("first").await;
        let second = deployment.start_with_credentials("second").await;
        let here = deployment.principal(&first, "alice").await;
        let there = deployment.principal(&second, "alice").await;
        assert_eq!(there.store().await.unwrap().lease_ms, 60_000);
        let key = key_of(&here, "carol").await;
        signs(&there, &key).await;
        deployment.front.take_seen();
        signs(&there, &key).await;
        assert!(deployment.front.take_seen().is_empty());
        here.disable(&key.id).await.unwrap();
        assert_eq!(
            refusal(here.sign(&key.id, &message()).await),
            "key-disabled"
        );
        // This is what a lease costs, and why the default is none.
        signs(&there, &key).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_ends() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::with(server, "lease_ms = 500").await;
        let first = deployment.start_with_credentials("first").await;
        let second = deployment.start_with_credentials("second").await;
        let here = deployment.principal(&first, "alice").await;
        let there = deployment.principal(&second, "alice").await;
        let key = key_of(&here, "carol").await;
        signs(&there, &key).await;
        here.disable(&key.id).await.unwrap();
        // However often it is used meanwhile: use does not prolong it.
        let given_up = Instant::now() + Duration::from_secs(60);
        loop {
            match there.sign(&key.id, &message()).await {
                Ok(_) => assert!(Instant::now() < given_up, "the lease does not end"),
                refused => {
                    assert_eq!(refusal(refused), "key-disabled");
                    break;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enclave_believes_its_own_write_at_once_and_a_conflict_ends_the_lease() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::with(server, "lease_ms = 60000").await;
        let first = deployment.start_with_credentials("first").await;
        let second = deployment.start_with_credentials("second").await;
        let here = deployment.principal(&first, "alice").await;
        let there = deployment.principal(&second, "alice").await;
        let key = key_of(&here, "carol").await;
        signs(&there, &key).await;
        here.disable(&key.id).await.unwrap();
        // The second changes what it still believes, loses, and then knows better.
        let lost = there.rotate(&key.id).await;
        assert_eq!(refusal(lost), "key-disabled");
        assert_eq!(
            refusal(there.sign(&key.id, &message()).await),
            "key-disabled"
        );
    }
}
