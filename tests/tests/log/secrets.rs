//! No log line contains a secret, whatever the enclave does.

use std::time::Duration;

use permafrost_tests::{HonestStack, Measured, message, new_key, refusal};

use crate::known::Known;
use crate::lines::{message as said, wait_for};
use crate::search::Search;

#[tokio::test]
async fn no_secret_is_in_the_lines_of_a_whole_run() {
    let measured = Measured::new("test").limits("resources_interval_ms = 50");
    let keys = ["alice", "bob"].map(|name| (name, measured.key(name).clone()));
    let mut stack = HonestStack::with_the_log_at_the_parent(measured);
    let alice = stack.principal("alice").await;
    let key = new_key(&alice).await;
    let made = stack.record("key", &key.id);
    alice.sign(&key.id, &message()).await.unwrap();
    let epoch = alice.root().await.unwrap().epoch;
    alice.rotate_root(epoch).await.unwrap();
    alice.rotate(&key.id).await.unwrap();
    alice.sign(&key.id, &message()).await.unwrap();
    let disabled = new_key(&alice).await;
    alice.disable(&disabled.id).await.unwrap();
    assert_eq!(
        refusal(alice.sign(&disabled.id, &message()).await),
        "key-disabled"
    );

    // Lines that an enclave has not sent yet are lost with it.
    wait_for(&stack, |lines| {
        let new_epoch = "made a new epoch of the root secret";
        lines.iter().any(|line| said(line) == new_epoch)
    });

    // Without a parent, and after a kill.
    stack.kill_parent();
    std::thread::sleep(Duration::from_millis(300));
    stack.restart_parent();
    stack.enclave.restart();
    wait_for(&stack, |lines| {
        lines.iter().filter(|line| said(line) == "ready").count() == 2
    });

    let (record, version) = stack.root_secret();
    let root_secrets = stack.kms.root_secrets(&record, version);
    let mut known = Known::of_deployment("test", &stack.enclave.state(), root_secrets);
    for (name, key) in &keys {
        known.add_principal(name, key);
    }
    for (sealed, version) in [made, stack.record("key", &key.id)] {
        known.add_record(&key.id, version, &sealed);
    }
    // Two epochs, the development root, two principals; six shares and one key.
    assert_eq!(known.count("share "), 6);
    assert_eq!(known.secrets.len(), 2 + 1 + 2 + 6 + 1);
    let search = Search::new(&known.secrets);
    let log = stack.parent_log();
    assert_eq!(search.found_in(log.as_bytes()), [""; 0]);
    assert_eq!(search.found_in(stack.enclave.log().as_bytes()), [""; 0]);
    // The search finds what is there.
    let root_secret = known.secrets.values().next().unwrap();
    let leaking = format!("{log}{}", hex::encode(root_secret));
    assert_ne!(search.found_in(leaking.as_bytes()), [""; 0]);
}
