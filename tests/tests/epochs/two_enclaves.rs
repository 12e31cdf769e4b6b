//! Two enclaves of one deployment on one store.

use std::time::{Duration, Instant};

use permafrost_client::Principal;
use permafrost_common::api::Key;
use permafrost_tests::{Cut, LyingParent, is_signed_by, message, new_key, pass, refusal};

use crate::steps::{PATIENCE, actions, epochs_of, second_enclave, signs};

#[tokio::test]
async fn another_enclave_takes_up_the_new_epoch_by_itself() {
    let parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let second = second_enclave(&parent);
    second.wait_until_ready();
    let elsewhere = parent.principal_at(&second, "alice").await;
    let old = new_key(&alice).await;
    signs(&elsewhere, &old).await;

    alice.rotate_root(1).await.unwrap();
    let new = new_key(&alice).await;
    assert_eq!(epochs_of(&parent, &new), [2]);
    signs_soon(&elsewhere, &new).await;
    assert_eq!(elsewhere.root().await.unwrap().epochs, [1, 2]);
    assert_eq!(epochs_of(&parent, &new_key(&elsewhere).await), [2]);
    signs(&elsewhere, &old).await;

    // And in the other direction, with retired epochs.
    pass(&elsewhere, 100).await;
    elsewhere.rotate_root(2).await.unwrap();
    pass(&elsewhere, 100).await;
    elsewhere.retire_root(3).await.unwrap();
    signs_soon(&alice, &old).await;
    assert_eq!(alice.root().await.unwrap().epochs, [3]);
    // One for each boot, one for each rotation, and one for each epoch taken up.
    let mut actions = actions(&parent);
    actions.sort();
    assert_eq!(
        actions,
        [&["Decrypt"; 3][..], &["GenerateDataKey"; 3]].concat()
    );
}

#[tokio::test]
async fn two_enclaves_that_make_the_first_root_secret_at_once_end_with_the_same() {
    let mut parent = LyingParent::before_kms().await;
    parent.egress.cut(Cut::AtOnce);
    let mut second = second_enclave(&parent);
    parent.enclave.kill();
    second.kill();
    // Neither response comes before both have seen that there is no root secret.
    parent.kms.emulator().set_latency(Duration::from_secs(3));
    parent.egress.be_honest();
    parent.enclave.restart_unready();
    second.restart_unready();
    parent.enclave.wait_until_ready();
    second.wait_until_ready();

    assert_eq!(parent.store.root_secret().len(), 1);
    assert_eq!(
        actions(&parent),
        ["GenerateDataKey", "GenerateDataKey", "Decrypt"]
    );
    let alice = parent.principal("alice").await;
    let elsewhere = parent.principal_at(&second, "alice").await;
    let (one, two) = (new_key(&alice).await, new_key(&elsewhere).await);
    for key in [&one, &two] {
        signs(&alice, key).await;
        signs(&elsewhere, key).await;
    }
}

/// Signs; the enclave may refuse as not ready for a while at most.
async fn signs_soon(principal: &Principal, key: &Key) {
    let started = Instant::now();
    loop {
        let error = match principal.sign(&key.id, &message()).await {
            Ok(signed) => return assert!(is_signed_by(&signed, &key.group_public_key)),
            Err(error) => error,
        };
        assert!(started.elapsed() < PATIENCE, "{error}");
        assert!(error.to_string().contains("is now fetching"), "{error}");
        assert!(error.problem().unwrap().retry_after.is_some(), "{error:?}");
        assert_eq!(refusal::<()>(Err(error)), "not-ready");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
