//! A rolling upgrade: the new release beside the old one, and then without it.

use permafrost_tests::{binaries, measurements_of, predecessors};

use crate::load::{Load, none_is_lost};
use crate::steps::Deployment;

#[tokio::test]
async fn a_release_replaces_another_under_load_and_no_request_fails() {
    let mut deployment = Deployment::start(2).await;
    deployment.enclave(2).kill();
    let load = Load::start_at(&deployment, &[1]).await;

    // The new release starts in the place that is free. The policy allows both.
    let stack = &deployment.stack;
    let old = measurements_of(&binaries::enclave(), &stack.configuration_with(""));
    let program = binaries::another_enclave(stack.folder(), "new");
    let configuration = stack.configuration_with(&predecessors(&[&old]));
    let new = measurements_of(&program, &configuration);
    assert_ne!(old.get(1), new.get(1));
    let both = [old.clone(), new.clone()];
    stack.kms.allow_releases(&stack.key_arn, "test", &both);
    let beside = stack.start_beside(2, &program, &configuration);
    deployment.others = vec![beside];
    deployment.until_all_are_ready().await;
    load.goes_on().await;

    // The old one goes.
    deployment.stack.enclaves(&["drain", "enclave-1"]);
    load.goes_on().await;
    deployment.stack.enclaves(&["remove", "enclave-1"]);
    deployment.enclave(1).kill();
    let stack = &deployment.stack;
    let only = std::slice::from_ref(&new);
    stack.kms.allow_releases(&stack.key_arn, "test", only);
    load.goes_on().await;

    let done = load.stop().await;
    assert!(done.failed.is_empty(), "{:?}", done.failed);
    none_is_lost(&done).await;
    for client in &done.clients {
        let boot = client.enclave().boot();
        assert_eq!(boot.verified().pcrs().get(&1), new.get(1));
    }
}
