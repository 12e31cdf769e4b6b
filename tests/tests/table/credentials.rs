//! Rotation of the table's credentials, and credentials that are refused.

use std::time::{Duration, Instant};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use permafrost_client::Principal;
use permafrost_common::api::SealedCredentials;
use permafrost_common::http_signature::AttestationDigest;
use permafrost_common::oblivious::KeyConfiguration;
use permafrost_common::store_credentials::CredentialsContext;
use permafrost_tests::dynamodb::{dynalite, moto};
use permafrost_tests::{LyingParent, Measured, TableDeployment, credentials, refusal};

use crate::steps::{FIRST, SECOND, key_of, signs};

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_rotated_with_overlap_and_outlast_a_crash() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let mut only = deployment.start_with_credentials("first").await;
        let alice = deployment.principal(&only, "alice").await;
        let key = key_of(&alice, "carol").await;
        signs(&alice, &key).await;

        // Both are valid.
        let given = alice.set_store_credentials(&credentials("SECOND")).await;
        assert_eq!(given.unwrap().credentials_version, Some(2));
        deployment.front.take_seen();
        signs(&alice, &key).await;
        let seen = deployment.front.take_seen();
        assert!(!seen.is_empty());
        assert!(seen.iter().all(|seen| seen.access_key_id() == SECOND));

        // The first is deleted.
        deployment.front.deny(FIRST, "UnrecognizedClientException");
        signs(&alice, &key).await;
        only.enclave.restart();
        let alice = deployment.principal(&only, "alice").await;
        signs(&alice, &key).await;
        let shown = alice.store().await.unwrap();
        assert_eq!(shown.access_key_id.unwrap(), SECOND);
        assert_eq!(shown.credentials_version, Some(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_the_table_refuses_leave_the_old_ones_in_use() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let only = deployment.start_with_credentials("first").await;
        let alice = deployment.principal(&only, "alice").await;
        let key = key_of(&alice, "carol").await;
        for kind in [
            "UnrecognizedClientException",
            "InvalidSignatureException",
            "AccessDeniedException",
            "ExpiredTokenException",
        ] {
            deployment.front.deny(SECOND, kind);
            let refused = alice.set_store_credentials(&credentials("SECOND")).await;
            let told = refused.as_ref().unwrap_err().to_string();
            assert!(told.contains(kind), "{told}");
            assert_eq!(refusal(refused), "store-credentials-refused");
        }
        let kept = only.store.versions_of("store-credentials", "newest");
        assert_eq!(kept.len(), 1);
        let shown = alice.store().await.unwrap();
        assert_eq!(shown.access_key_id.unwrap(), FIRST);
        assert_eq!(shown.credentials_version, Some(1));
        signs(&alice, &key).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enclave_whose_credentials_were_deleted_takes_up_those_that_another_one_was_given() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let first = deployment.start_with_credentials("first").await;
        let second = deployment.start_beside(&first, "second");
        second.wait_until_ready();
        let here = deployment.principal(&first, "alice").await;
        let there = deployment.principal_at(&second, "alice").await;
        assert_eq!(there.store().await.unwrap().access_key_id.unwrap(), FIRST);
        let key = key_of(&here, "carol").await;
        signs(&there, &key).await;

        here.set_store_credentials(&credentials("SECOND"))
            .await
            .unwrap();
        deployment.front.deny(FIRST, "UnrecognizedClientException");
        signs(&here, &key).await;
        // What comes first is refused, and says so; then the enclave has looked.
        let given_up = Instant::now() + Duration::from_secs(60);
        while there.store().await.unwrap().access_key_id.unwrap() == FIRST {
            assert!(Instant::now() < given_up, "the enclave does not look");
            if let Err(error) = there.sign(&key.id, &permafrost_tests::message()).await {
                assert_eq!(refusal::<()>(Err(error)), "store-unavailable");
            }
        }
        signs(&there, &key).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_for_another_boot_deployment_principal_or_access_key_are_not_opened() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let only = deployment.start("first");
        only.enclave.wait_until_it_takes_credentials();
        let alice = deployment.principal(&only, "alice").await;
        let bob = deployment.principal(&only, "bob").await;
        let boot = alice.enclave().boot();
        let other_boot = AttestationDigest::of(b"another document");
        let key = key_to_seal_to(&alice).await;
        let context = CredentialsContext {
            deployment: "test",
            boot: boot.attestation(),
            principal: "alice",
            access_key_id: FIRST,
        };
        for other in [
            CredentialsContext {
                deployment: "other",
                ..context
            },
            CredentialsContext {
                boot: &other_boot,
                ..context
            },
            CredentialsContext {
                principal: "bob",
                ..context
            },
            CredentialsContext {
                access_key_id: SECOND,
                ..context
            },
        ] {
            let mut sealed = other.seal(&key, &credentials("FIRST")).unwrap();
            sealed.access_key_id = FIRST.to_owned();
            let refused = send(&alice, &sealed).await;
            assert_eq!(refused, "store-credentials-not-opened", "{other:?}");
        }
        // And another principal's, replayed under the own signature.
        let sealed = context.seal(&key, &credentials("FIRST")).unwrap();
        assert_eq!(send(&bob, &sealed).await, "store-credentials-not-opened");
        assert_eq!(only.store.count("store-credentials"), 0);
        assert!(deployment.front.take_seen().is_empty());
        assert_eq!(send(&alice, &sealed).await, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_sealed_is_never_shown_logged_or_stored_in_clear() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let only = deployment.start_with_credentials("first").await;
        let alice = deployment.principal(&only, "alice").await;
        deployment.front.deny(SECOND, "AccessDeniedException");
        let refused = alice.set_store_credentials(&credentials("SECOND")).await;
        let refused = format!("{:?}", refused.unwrap_err());
        let shown = format!("{:?}", alice.store().await.unwrap());
        let stored = only.store.versions_of("store-credentials", "newest");
        let stored = String::from_utf8_lossy(&stored[0]).into_owned();
        for text in [refused, shown, stored, only.enclave.log()] {
            for name in ["FIRST", "SECOND"] {
                assert!(
                    !text.contains(&credentials(name).secret_access_key),
                    "{text}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_deployment_without_a_table_takes_no_credentials_and_says_which_store_it_has() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let alice = parent.principal("alice").await;
    let shown = serde_json::to_value(alice.store().await.unwrap()).unwrap();
    assert_eq!(shown, serde_json::json!({"store": "parent", "lease_ms": 0}));
    let refused = alice.set_store_credentials(&credentials("FIRST")).await;
    assert_eq!(refusal(refused), "no-table");
}

async fn key_to_seal_to(principal: &Principal) -> KeyConfiguration {
    let list = principal
        .enclave()
        .request(Method::GET, "/v1/oblivious-keys", "", HeaderMap::new())
        .await
        .unwrap();
    KeyConfiguration::first_usable(&list.body).unwrap()
}

/// The slug of the problem; nothing on success.
async fn send(principal: &Principal, sealed: &SealedCredentials) -> String {
    let body = serde_json::to_vec(sealed).unwrap();
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
    let response = principal
        .request(Method::POST, "/v1/store/credentials", body, headers)
        .await
        .unwrap();
    let problem = response.problem();
    problem.map_or(String::new(), |problem| {
        problem.kind().unwrap().slug().to_owned()
    })
}
