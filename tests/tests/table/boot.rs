//! From an empty table to keys, and back to them after a crash.

use std::time::Duration;

use permafrost_client::Principal;
use permafrost_common::api::{KeyStatus, StoreKind};
use permafrost_tests::dynamodb::{dynalite, moto};
use permafrost_tests::{TableDeployment, TableEnclave, message, new_key, refusal};

use crate::steps::{FIRST, signs};

#[tokio::test(flavor = "multi_thread")]
async fn an_enclave_without_credentials_waits_for_them_and_then_serves_from_the_table() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let only = deployment.start("first");
        only.enclave.wait_until_it_takes_credentials();
        let reason = only.enclave.waits_for().unwrap();
        assert!(
            reason.contains("it has no credentials of its table"),
            "{reason}"
        );

        // It attests, shows its store, and serves nothing else.
        let alice = deployment.principal(&only, "alice").await;
        let shown = alice.store().await.unwrap();
        assert_eq!(shown.store, StoreKind::DynamoDb);
        assert_eq!(shown.table_arn, Some(deployment.table.to_string()));
        assert_eq!(shown.access_key_id, None);
        assert_eq!(refusal(alice.list_keys(None, None).await), "not-ready");
        assert!(deployment.front.take_seen().is_empty());

        let given = deployment.give_credentials(&only, "FIRST").await;
        assert_eq!(given.access_key_id.unwrap(), FIRST);
        assert_eq!(given.credentials_version, Some(1));
        only.enclave.wait_until_ready();
        let key = new_key(&alice).await;
        signs(&alice, &key).await;

        // Everything is in the table but what opens it.
        assert_eq!(deployment.items("root-secret").await.len(), 1);
        assert_eq!(deployment.items("key").await.len(), 1);
        assert!(!deployment.items("derived").await.is_empty());
        assert_eq!(only.store.count("key") + only.store.count("derived"), 0);
        assert_eq!(only.store.count("root-secret"), 1);
        assert_eq!(only.store.count("store-credentials"), 1);
        assert!(only.store.root_secret().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_survive_a_crash_without_credentials_being_given_again() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let mut only = deployment.start_with_credentials("first").await;
        let alice = deployment.principal(&only, "alice").await;
        let key = new_key(&alice).await;
        only.enclave.restart();
        let alice = deployment.principal(&only, "alice").await;
        signs(&alice, &key).await;
        let shown = alice.store().await.unwrap();
        assert_eq!(shown.access_key_id.unwrap(), FIRST);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_enclaves_that_boot_together_on_an_empty_table_agree_on_one_root_secret() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let (first, second) = (deployment.start("first"), deployment.start("second"));
        // Neither has the response of KMS before both have seen that the table is empty.
        for enclave in [&first, &second] {
            enclave.enclave.wait_until_it_takes_credentials();
        }
        let emulator = deployment.kms.emulator();
        emulator.set_latency(Duration::from_secs(3));
        tokio::join!(
            deployment.give_credentials(&first, "FIRST"),
            deployment.give_credentials(&second, "SECOND"),
        );
        first.enclave.wait_until_ready();
        second.enclave.wait_until_ready();
        emulator.set_latency(Duration::ZERO);

        let (here, there) = both(&deployment, &first, &second).await;
        assert_eq!(
            here.root().await.unwrap().derivation_root,
            there.root().await.unwrap().derivation_root
        );
        let actions = deployment.kms.calls();
        let made = actions
            .iter()
            .filter(|call| call.action == "GenerateDataKey");
        // Each for its credentials, and each for the table: one of these is the deployment's.
        assert_eq!(made.count(), 4);
        let (one, other) = (new_key(&here).await, new_key(&there).await);
        signs(&there, &one).await;
        signs(&here, &other).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_taken_away_at_one_enclave_is_gone_at_the_other_at_once() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let first = deployment.start_with_credentials("first").await;
        let second = deployment.start_with_credentials("second").await;
        let (here, there) = both(&deployment, &first, &second).await;
        let key = new_key(&here).await;
        // Also with the record in the second's cache.
        signs(&there, &key).await;
        here.disable(&key.id).await.unwrap();
        assert_eq!(
            refusal(there.sign(&key.id, &message()).await),
            "key-disabled"
        );
        assert_eq!(
            there.key(&key.id).await.unwrap().status,
            KeyStatus::Disabled
        );
    }
}

async fn both(
    deployment: &TableDeployment,
    first: &TableEnclave,
    second: &TableEnclave,
) -> (Principal, Principal) {
    (
        deployment.principal(first, "alice").await,
        deployment.principal(second, "alice").await,
    )
}
