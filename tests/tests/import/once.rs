//! A key is imported into a deployment once only.

use permafrost_tests::{LyingParent, binaries, is_signed_by, message, pass, refusal};

use crate::steps::{check_stored, import, random, secret};

#[tokio::test]
async fn the_same_request_gives_the_same_key_and_any_other_import_of_it_is_refused() {
    let mut parent = LyingParent::start().await;
    let (alice, bob) = (
        parent.principal("alice").await,
        parent.principal("bob").await,
    );
    let (secret, once) = (secret(), random());
    let key = import(&alice, &secret, &once).await.unwrap();
    assert_eq!(import(&alice, &secret, &once).await.unwrap(), key);
    parent.enclave.restart();
    // Sealed anew, to the new boot.
    assert_eq!(import(&alice, &secret, &once).await.unwrap(), key);
    // The other secret of the same BIP-340 key.
    let negative = secret.negate();
    for (principal, secret) in [
        (&alice, &secret),
        (&alice, &negative),
        (&bob, &secret),
        (&bob, &negative),
    ] {
        let refused = import(principal, secret, &random()).await;
        assert_eq!(refusal(refused), "key-already-imported");
    }
    // Whose key it is, nobody learns by trying.
    assert_eq!(refusal(bob.key(&key.id).await), "key-not-found");
    check_stored(&parent, 1, 1);
    alice.disable(&key.id).await.unwrap();
    alice.delete(&key.id).await.unwrap();
    for principal in [&alice, &bob] {
        let refused = import(principal, &secret, &random()).await;
        assert_eq!(refusal(refused), "key-already-imported");
    }
}

#[tokio::test]
async fn of_two_enclaves_that_import_a_key_at_once_one_has_it() {
    let parent = LyingParent::start().await;
    let second = parent.second_enclave("second", &binaries::enclave(), &parent.configuration());
    second.wait_until_ready();
    let first = [
        parent.principal("alice").await,
        parent.principal("bob").await,
    ];
    let others = [
        parent.principal_at(&second, "bob").await,
        parent.principal_at(&second, "alice").await,
    ];
    for (one, other) in first.iter().zip(&others) {
        for _ in 0..5 {
            let secret = secret();
            let (a, b) = (random(), random());
            let (a, b) = tokio::join!(import(one, &secret, &a), import(other, &secret, &b));
            let (made, refused) = match a {
                Ok(key) => (key, b),
                refused => (b.unwrap(), refused),
            };
            assert_eq!(refusal(refused), "key-already-imported");
            let owner = if made.owner == one.name() { one } else { other };
            let signed = owner.sign(&made.id, &message()).await.unwrap();
            assert!(is_signed_by(&signed, &made.group_public_key));
        }
    }
    check_stored(&parent, 10, 10);
}

#[tokio::test]
async fn an_import_cut_off_between_its_two_records_is_completed_by_its_principal_alone() {
    let mut parent = LyingParent::start().await;
    let (alice, bob) = (
        parent.principal("alice").await,
        parent.principal("bob").await,
    );
    let (secret, once) = (secret(), random());
    let key = import(&alice, &secret, &once).await.unwrap();
    parent.enclave.kill();
    parent.store.lose(&key.id);
    parent.enclave.restart();
    check_stored(&parent, 1, 0);
    let refused = import(&bob, &secret, &once).await;
    assert_eq!(refusal(refused), "key-already-imported");
    let again = import(&alice, &secret, &random()).await.unwrap();
    assert_eq!((&again.id, &again.owner), (&key.id, &key.owner));
    check_stored(&parent, 1, 1);
}

#[tokio::test]
async fn what_was_imported_is_known_after_the_epochs_are_retired() {
    let parent = LyingParent::start().await;
    let (alice, bob) = (
        parent.principal("alice").await,
        parent.principal("bob").await,
    );
    let secret = secret();
    let key = import(&alice, &secret, &random()).await.unwrap();
    alice.rotate_root(1).await.unwrap();
    pass(&alice, 1).await;
    alice.retire_root(2).await.unwrap();
    for principal in [&alice, &bob] {
        let refused = import(principal, &secret, &random()).await;
        assert_eq!(refusal(refused), "key-already-imported");
    }
    assert!(alice.key(&key.id).await.unwrap().imported);
}
