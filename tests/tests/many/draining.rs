//! Enclaves that are drained, removed and resumed.

use permafrost_tests::{message, new_key};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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
async fn removing_an_enclave_waits_for_what_is_in_flight() {
    let deployment = Deployment::start(2).await;
    let address = deployment.stack.endpoint().trim_start_matches("http://");
    let boot = deployment.state(2)["boot"].as_str().unwrap().to_owned();
    let mut unfinished = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/keys HTTP/1.1\r\nhost: x\r\nx-enclave-attestation: {boot}\r\ncontent-length: 9\r\n\r\n{{"
    );
    unfinished.write_all(head.as_bytes()).await.unwrap();
    deployment.until(2, |state| state["in_flight"] == 1).await;

    let early = deployment
        .stack
        .try_enclaves(&["remove", "enclave-2", "--wait", "0"]);
    assert_eq!(early.status.code(), Some(1), "{early:?}");
    let said = String::from_utf8_lossy(&early.stderr).into_owned();
    assert!(said.contains("1 requests in flight"), "{said}");
    unfinished.write_all(b"\"a\": 1}").await.unwrap();
    let mut response = [0; 12];
    unfinished.read_exact(&mut response).await.unwrap();
    assert_eq!(&response[..9], b"HTTP/1.1 ");
    let removed = deployment.stack.enclaves(&["remove", "enclave-2"]);
    assert_eq!(removed[0]["in_flight"], 0);
}

#[tokio::test]
async fn an_enclave_or_a_command_that_does_not_exist_is_refused_with_those_that_do() {
    let deployment = Deployment::start(2).await;
    let unknown = deployment.stack.try_enclaves(&["drain", "enclave-3"]);
    assert_eq!(unknown.status.code(), Some(1));
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(said.contains("enclave-1, enclave-2"), "{said}");
    let unnamed = deployment.stack.try_enclaves(&["drain", "../enclave-1"]);
    assert_eq!(unnamed.status.code(), Some(2));
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
