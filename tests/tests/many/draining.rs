//! Enclaves that are drained, removed and resumed.

use permafrost_tests::{message, new_key};

use crate::load::{Load, none_is_lost};
use crate::steps::Deployment;

#[tokio::test]
async fn a_drained_enclave_keeps_its_clients_and_gets_no_new_ones() {
    let deployment = Deployment::start(2).await;
    let stays = deployment.principal_at("alice", 2).await;
    let key = new_key(&stays).await;
    let drained = deployment.stack.enclaves(&["drain", "enclave-2"]);
    assert_eq!(drained[0]["mode"], "draining");
    for _ in 0..6 {
        let comes = deployment.stack.principal("bob").await;
        assert_eq!(deployment.place_of(&comes), 1);
    }
    stays.sign(&key.id, &message()).await.unwrap();
    assert_eq!(deployment.place_of(&stays), 2);
    let ready = deployment.get("/readyz").await;
    assert!(ready.contains("enclave-2 (draining): ready"), "{ready}");

    deployment.stack.enclaves(&["resume", "enclave-2"]);
    deployment.principal_at("bob", 2).await;
}

#[tokio::test]
async fn a_removed_enclaves_clients_move_and_it_can_be_stopped_under_load() {
    let mut deployment = Deployment::start(2).await;
    let load = Load::start(&deployment).await;
    deployment.stack.enclaves(&["drain", "enclave-2"]);
    load.goes_on().await;
    let removed = deployment.stack.enclaves(&["remove", "enclave-2"]);
    assert_eq!(removed[0]["mode"], "removed");
    assert_eq!(removed[0]["in_flight"], 0);
    let before = deployment.requests().await;
    load.goes_on().await;
    assert_eq!(deployment.requests().await[1], before[1]);
    deployment.enclave(2).kill();
    load.goes_on().await;
    let done = load.stop().await;
    assert!(done.failed.is_empty(), "{:?}", done.failed);
    none_is_lost(&done).await;
    for client in &done.clients {
        assert_eq!(deployment.place_of(client), 1);
    }
}

#[tokio::test]
async fn when_every_enclave_is_drained_the_parent_says_so() {
    let deployment = Deployment::start(2).await;
    for name in ["enclave-1", "enclave-2"] {
        deployment.stack.enclaves(&["drain", name]);
    }
    let refused = deployment.get("/v1/health").await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.contains("drained or removed"), "{refused}");
    let ready = deployment.get("/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
}
