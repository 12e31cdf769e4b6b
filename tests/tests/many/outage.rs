//! An enclave that is killed under load, and comes back.

use crate::load::{Load, none_is_lost};
use crate::steps::Deployment;

#[tokio::test]
async fn an_enclave_is_killed_under_load_and_no_client_notices() {
    let mut deployment = Deployment::start(3).await;
    let load = Load::start(&deployment).await;
    for place in [2, 1] {
        deployment.enclave(place).kill();
        load.goes_on().await;
        deployment
            .until(place, |state| state["ready"] == false)
            .await;
        deployment.enclave(place).restart();
        deployment.until_all_are_ready().await;
        load.goes_on().await;
    }
    let done = load.stop().await;
    assert!(done.failed.is_empty(), "{:?}", done.failed);
    none_is_lost(&done).await;
    // It gets its share again.
    for place in [1, 2, 3] {
        deployment.principal_at("alice", place).await;
    }
}

#[tokio::test]
async fn three_of_four_enclaves_are_killed_at_once_and_no_client_notices() {
    let mut deployment = Deployment::start(4).await;
    let load = Load::start(&deployment).await;
    for place in [1, 3, 4] {
        deployment.enclave(place).kill();
    }
    load.goes_on().await;
    let done = load.stop().await;
    assert!(done.failed.is_empty(), "{:?}", done.failed);
    none_is_lost(&done).await;
    for client in &done.clients {
        assert_eq!(deployment.place_of(client), 2);
    }
}
