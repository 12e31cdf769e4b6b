//! What a parent can do to an enclave whose records are in a table: refuse service, and nothing else.

use permafrost_client::Error;
use permafrost_tests::dynamodb::{Front, HOST, dynalite, moto};
use permafrost_tests::{TableDeployment, credentials, message, refusal};

use crate::steps::{FIRST, key_of, signs};

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_rolls_back_the_credentials_gains_nothing() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let mut only = deployment.start_with_credentials("first").await;
        let alice = deployment.principal(&only, "alice").await;
        let key = key_of(&alice, "carol").await;
        alice
            .set_store_credentials(&credentials("SECOND"))
            .await
            .unwrap();
        deployment.front.deny(FIRST, "UnrecognizedClientException");
        let mut versions = only.store.versions_of("store-credentials", "newest");
        versions.truncate(1);
        only.store
            .put_back_of("store-credentials", "newest", versions);

        // This boot has seen the later version, and another boot has only what the table refuses.
        signs(&alice, &key).await;
        let refused = alice.set_store_credentials(&credentials("THIRD")).await;
        assert_eq!(refusal(refused), "record-rolled-back");
        signs(&alice, &key).await;
        only.enclave.restart_unready();
        only.enclave.refuses_with("UnrecognizedClientException");
        let told = only.enclave.waits_for().unwrap();
        assert!(told.contains("the table refuses the credentials"), "{told}");
        let given = deployment.give_credentials(&only, "FOURTH").await;
        assert_eq!(given.credentials_version, Some(2));
        only.enclave.wait_until_ready();
        let alice = deployment.principal(&only, "alice").await;
        signs(&alice, &key).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_another_parents_store_do_not_open() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let first = deployment.start_with_credentials("first").await;
        let mut second = deployment.start_with_credentials("second").await;
        let theirs = first.store.versions_of("store-credentials", "newest");
        second
            .store
            .put_back_of("store-credentials", "newest", theirs);
        second.enclave.restart_unready();
        let reason = second.enclave.refuses_with("store-credentials/newest");
        assert!(reason.contains("not sealed by this deployment"), "{reason}");

        // Nor does the root secret of the credentials pass for the deployment's.
        let root = first.store.versions_of("root-secret", "store-credentials");
        first.store.put_back_root_secret(root);
        assert_eq!(deployment.items("root-secret").await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_answers_for_the_table_from_a_copy_fails_at_tls() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let mut only = deployment.start_with_credentials("first").await;
        let alice = deployment.principal(&only, "alice").await;
        let key = key_of(&alice, "carol").await;
        signs(&alice, &key).await;

        // The same items, and a server with another certificate for the same name.
        let copy = Front::before(server).await;
        only.egress.route(HOST, copy.address());
        only.enclave.restart_unready();
        only.enclave.refuses_with("TLS with dynamodb.");
        let told = only.enclave.waits_for().unwrap();
        assert!(told.contains("TLS with the table fails"), "{told}");
        assert!(copy.take_seen().is_empty());

        only.egress.route(HOST, deployment.front.address());
        only.enclave.wait_until_ready();
        let alice = deployment.principal(&only, "alice").await;
        only.egress.route(HOST, copy.address());
        only.egress.end_all().await;
        let refused: Result<_, Error> = alice.sign(&key.id, &message()).await;
        let told = refused.as_ref().unwrap_err().to_string();
        assert!(told.contains("TLS with dynamodb."), "{told}");
        assert_eq!(refusal(refused), "store-unavailable");
        assert!(copy.take_seen().is_empty());
    }
}

/// The name of a table is one of an account: with credentials of another account, the same calls reach that account's table.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_another_account_is_refused_by_its_arn() {
    for server in [moto(), dynalite()] {
        let table = server.new_table(serde_json::json!({})).await.to_string();
        let account = table.split(':').nth(4).unwrap();
        let other = table.replace(account, "999999999999").parse().unwrap();
        let deployment = TableDeployment::of(server, other, "").await;
        let only = deployment.start("first");
        only.enclave.wait_until_it_takes_credentials();
        let alice = deployment.principal(&only, "alice").await;
        let refused = alice.set_store_credentials(&credentials("FIRST")).await;
        let told = refused.as_ref().unwrap_err().to_string();
        assert!(
            told.contains("TableArn") && told.contains("999999999999"),
            "{told}"
        );
        assert_eq!(refusal(refused), "store-credentials-refused");
        assert_eq!(only.store.count("store-credentials"), 0);
        assert!(only.enclave.waits_for().is_some());
    }
}
