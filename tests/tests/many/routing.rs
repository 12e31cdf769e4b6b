//! Which enclave gets a request.

use permafrost_client::Client;
use permafrost_common::oblivious::KeyConfiguration;
use permafrost_tests::{is_signed_by, message, new_key};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::steps::Deployment;

#[tokio::test]
async fn requests_that_name_a_boot_reach_it() {
    let deployment = Deployment::start(2).await;
    for place in [1, 2] {
        let alice = deployment.principal_at("alice", place).await;
        let boot = alice.enclave().boot();
        let before = deployment.requests().await;
        let key = new_key(&alice).await;
        for _ in 0..10 {
            let signed = alice.sign(&key.id, &message()).await.unwrap();
            assert!(is_signed_by(&signed, &key.group_public_key));
            alice.enclave().health().await.unwrap();
        }
        assert_eq!(alice.enclave().boot().attestation(), boot.attestation());
        let after = deployment.requests().await;
        let went: Vec<_> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
        assert_eq!(went, [[21, 0], [0, 21]][place - 1]);
    }
}

#[tokio::test]
async fn sealed_requests_reach_the_boot_that_they_are_sealed_to() {
    let deployment = Deployment::start(2).await;
    let root = permafrost_client::RootCertificate::from_pem(&deployment.stack.enclave.root_pem());
    let expectation =
        permafrost_client::Expectation::any_measurements().root_certificate(root.unwrap());
    for _ in 0..6 {
        // Two requests in the open, to the same boot, and then sealed ones.
        let client = Client::new(deployment.stack.endpoint().parse().unwrap()).obliviously();
        let enclave = client.verify(&expectation).await.unwrap();
        let boot = enclave.boot();
        for _ in 0..4 {
            enclave.health().await.unwrap();
        }
        assert_eq!(enclave.boot().attestation(), boot.attestation());
    }
}

#[tokio::test]
async fn a_sealed_request_that_names_no_boot_is_known_by_its_key_id() {
    let mut deployment = Deployment::start(2).await;
    let mut keys = [
        key_of(&mut deployment, 1).await,
        key_of(&mut deployment, 2).await,
    ];
    while keys[0].1 == keys[1].1 {
        // One in 256 deployments.
        deployment.enclave(2).restart();
        deployment.until_all_are_ready().await;
        keys[1] = key_of(&mut deployment, 2).await;
    }
    // The parent learns the ids shortly after it has seen the boots ready.
    for (place, (list, _)) in (1..).zip(&keys) {
        deployment.until_sealed_requests_reach(place, list).await;
        let before = deployment.requests().await[place - 1];
        for _ in 0..8 {
            assert!(deployment.sealed_request_is_opened(list).await);
        }
        assert_eq!(deployment.requests().await[place - 1], before + 8);
    }
}

#[tokio::test]
async fn requests_that_name_no_boot_are_shared_out() {
    let deployment = Deployment::start(4).await;
    let before = deployment.requests().await;
    for _ in 0..20 {
        assert!(
            deployment
                .get("/v1/health")
                .await
                .starts_with("HTTP/1.1 200")
        );
    }
    let after = deployment.requests().await;
    let went: Vec<_> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
    assert_eq!(went, [5; 4]);
}

#[tokio::test]
async fn a_request_that_names_a_boot_that_is_gone_is_signed_anew_for_another() {
    let mut deployment = Deployment::start(2).await;
    let alice = deployment.principal_at("alice", 2).await;
    let key = new_key(&alice).await;
    deployment.enclave(2).kill();
    let signed = alice.sign(&key.id, &message()).await.unwrap();
    assert!(is_signed_by(&signed, &key.group_public_key));
    assert_eq!(deployment.place_of(&alice), 1);
}

#[tokio::test]
async fn the_parent_is_ready_while_one_enclave_is_and_says_which() {
    let mut deployment = Deployment::start(2).await;
    deployment.enclave(1).kill();
    let ready = deployment.get("/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    assert!(ready.contains("enclave-2: ready\n"), "{ready}");
    assert!(!ready.contains("enclave-1: ready"), "{ready}");
    deployment.enclave(2).kill();
    let ready = deployment.get("/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    for named in ["enclave-1: ", "enclave-2: "] {
        assert!(ready.contains(named), "{ready}");
    }
}

/// The list of key configurations of an enclave, from itself, and the first key's id.
async fn key_of(deployment: &mut Deployment, place: usize) -> (Vec<u8>, u8) {
    let socket = deployment.enclave(place).socket();
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let request = b"GET /v1/oblivious-keys HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.unwrap();
    let end = response.windows(4).position(|four| four == b"\r\n\r\n");
    let list = response.split_off(end.unwrap() + 4);
    let id = list[2];
    (list, id)
}

impl Deployment {
    async fn until_sealed_requests_reach(&self, place: usize, list: &[u8]) {
        for _ in 0..1000 {
            let before = self.requests().await[place - 1];
            let mut opened = true;
            for _ in 0..2 {
                opened &= self.sealed_request_is_opened(list).await;
            }
            if opened && self.requests().await[place - 1] == before + 2 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("no sealed request comes to the enclave in place {place}");
    }

    /// Sends a request that is sealed to this key and says nothing else of the boot that it is for.
    async fn sealed_request_is_opened(&self, list: &[u8]) -> bool {
        let key = KeyConfiguration::first_usable(list).unwrap();
        let (sealed, _) = key.encapsulate(b"not a request").unwrap();
        let head = format!(
            "POST /v1/oblivious HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: message/ohttp-req\r\ncontent-length: {}\r\n\r\n",
            sealed.len()
        );
        let response = self.raw(&[head.as_bytes(), &sealed].concat()).await;
        String::from_utf8_lossy(&response).contains("message/ohttp-res")
    }
}
