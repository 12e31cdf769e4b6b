//! What a malicious parent tries with the derivation root and with what is stored of derived keys.

use permafrost_tests::{
    LyingParent, Measured, StoreRequest, StoreResponse, is_signed_by, message, refusal,
};

use crate::{derive, signs};

/// All records of disabled and rotated derived keys, with all their versions.
fn exceptions(parent: &LyingParent) -> Vec<(String, Vec<Vec<u8>>)> {
    parent.store.all_of("derived")
}

#[tokio::test]
async fn a_hidden_refuse_list_is_not_an_empty_one() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let (gone, other) = (derive(&alice, "gone").await, derive(&alice, "other").await);
    alice.disable(&gone.id).await.unwrap();
    let kept = exceptions(&parent);
    assert_eq!(kept.len(), 16);
    for restarted in [false, true] {
        if restarted {
            parent.enclave.restart();
        }
        let alice = parent.principal("alice").await;
        parent.store.lie(|request, honest| match request {
            StoreRequest::Get { .. } => StoreResponse::Absent,
            _ => honest,
        });
        for key in [&gone, &other] {
            assert_eq!(
                refusal(alice.sign(&key.id, &message()).await),
                "record-lost"
            );
            assert_eq!(refusal(alice.key(&key.id).await), "record-lost");
        }
        assert_eq!(refusal(alice.disable(&other.id).await), "record-lost");
        parent.store.be_honest();
        assert_eq!(
            refusal(alice.sign(&gone.id, &message()).await),
            "key-disabled"
        );
        signs(&alice, &other).await;
    }
}

#[tokio::test]
async fn a_refuse_list_rolled_back_swapped_or_of_another_deployment_is_refused() {
    let parent = LyingParent::shared(Measured::new("test")).await;
    let neighbour = parent.neighbour(Measured::new("other")).await;
    let alice = parent.principal("alice").await;
    let gone = derive(&alice, "gone").await;
    alice.disable(&gone.id).await.unwrap();
    let (id, versions) = exceptions(&parent)
        .into_iter()
        .find(|(_, versions)| versions.len() > 1)
        .unwrap();
    let (_, of_another) = exceptions(&parent)
        .into_iter()
        .find(|(other, _)| *other != id)
        .unwrap();
    let (_, of_neighbour) = exceptions(&neighbour).into_iter().next().unwrap();
    let refused_with = async |version: u64, bytes: Vec<u8>| {
        parent.store.lie(move |request, honest| match request {
            StoreRequest::Get { .. } => StoreResponse::Record(version, bytes.clone()),
            _ => honest,
        });
        let refused = refusal(alice.sign(&gone.id, &message()).await);
        parent.store.be_honest();
        refused
    };
    assert_eq!(
        refused_with(1, versions[0].clone()).await,
        "record-rolled-back"
    );
    assert_eq!(refused_with(2, versions[0].clone()).await, "record-invalid");
    assert_eq!(refused_with(3, versions[0].clone()).await, "record-invalid");
    assert_eq!(
        refused_with(2, of_another[0].clone()).await,
        "record-invalid"
    );
    assert_eq!(
        refused_with(2, of_neighbour[0].clone()).await,
        "record-invalid"
    );
    assert_eq!(
        refusal(alice.sign(&gone.id, &message()).await),
        "key-disabled"
    );
}

/// An older version of the record has the same derivation root, because it never changes.
#[tokio::test]
async fn a_derivation_root_rolled_back_derives_the_same_keys() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = derive(&alice, "carol").await;
    let first = parent.store.root_secret();
    alice.rotate_root(1).await.unwrap();
    let all = parent.store.root_secret();
    assert!(all.len() > first.len());
    parent.store.put_back_root_secret(first);
    parent.enclave.restart();
    let alice = parent.principal("alice").await;
    let again = derive(&alice, "carol").await;
    assert_eq!(again, key);
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
}

#[tokio::test]
async fn a_hidden_derivation_root_is_not_replaced_by_a_new_one() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = derive(&alice, "carol").await;
    let fingerprint = alice.root().await.unwrap().derivation_root;
    let records = parent.store.root_secret();
    let written = exceptions(&parent).len();
    parent.reconfigure(&format!("derivation_root = \"{fingerprint}\"\n"));
    parent.store.put_back_root_secret(Vec::new());
    parent.enclave.restart_unready();
    let reason = parent
        .enclave
        .refuses_with("the measured configuration forbids making one");
    assert!(reason.contains("root.derivation_root"), "{reason}");
    assert!(parent.store.root_secret().is_empty() && exceptions(&parent).len() == written);
    parent.store.put_back_root_secret(records);
    parent.enclave.wait_until_ready();
    let alice = parent.principal("alice").await;
    assert_eq!(derive(&alice, "carol").await, key);
    signs(&alice, &key).await;
}

/// The parent lets the same image begin anew beside an empty store, and gives the record that comes of it to the deployment.
#[tokio::test]
async fn a_derivation_root_swapped_for_one_of_another_start_is_refused() {
    let mut parent = LyingParent::start().await;
    let alice = parent.principal("alice").await;
    let key = derive(&alice, "carol").await;
    let fingerprint = alice.root().await.unwrap().derivation_root;
    let genuine = parent.store.root_secret();
    parent.store.put_back_root_secret(Vec::new());
    parent.enclave.restart();
    let swapped = parent.store.root_secret();
    let alice = parent.principal("alice").await;
    let another = alice.root().await.unwrap().derivation_root;
    assert_ne!(another, fingerprint);

    // While an enclave runs.
    let mut ahead = vec![Vec::new(); swapped.len()];
    ahead.extend(genuine.clone());
    parent.store.put_back_root_secret(ahead);
    assert_ne!(
        derive(&alice, "carol").await.group_public_key,
        key.group_public_key
    );
    assert_eq!(alice.root().await.unwrap().derivation_root, another);

    // At a boot of an enclave whose configuration names the root.
    parent.reconfigure(&format!("derivation_root = \"{fingerprint}\"\n"));
    parent.store.put_back_root_secret(swapped);
    parent.enclave.restart_unready();
    let reason = parent
        .enclave
        .refuses_with("its derivation root has the fingerprint");
    assert!(
        reason.contains(&another) && reason.contains(&fingerprint),
        "{reason}"
    );
    parent.store.put_back_root_secret(genuine);
    parent.enclave.wait_until_ready();
    let alice = parent.principal("alice").await;
    assert_eq!(derive(&alice, "carol").await, key);
}
