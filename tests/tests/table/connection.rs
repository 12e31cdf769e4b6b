//! What a parent can do with the bytes between the enclave and its table, all of which it carries.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use permafrost_client::Principal;
use permafrost_common::api::Key;
use permafrost_tests::dynamodb::{HOST, dynalite, moto};
use permafrost_tests::{TableDeployment, message, refusal};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::steps::{key_of, signs};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_led_to_another_service_fails_at_tls() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let only = deployment.start_with_credentials("first").await;
        let alice = deployment.principal(&only, "alice").await;
        let key = key_of(&alice, "carol").await;
        only.egress.route(HOST, deployment.kms.address());
        only.egress.end_all().await;
        is_refused_with("TLS with dynamodb.", &alice, &key).await;
        only.egress.route(HOST, deployment.front.address());
        signs(&alice, &key).await;
    }
}

/// The bytes with which the table said that the key may sign, said again after it was disabled.
#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_connection_that_is_played_again_fails_at_tls() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let first = deployment.start_with_credentials("first").await;
        let second = deployment.start_with_credentials("second").await;
        let here = deployment.principal(&first, "alice").await;
        let there = deployment.principal(&second, "alice").await;
        let key = key_of(&here, "carol").await;

        let relay = Relay::before(deployment.front.address()).await;
        second.egress.route(HOST, relay.address);
        second.egress.end_all().await;
        signs(&there, &key).await;
        here.disable(&key.id).await.unwrap();
        second.egress.route(HOST, relay.played_again().await);
        second.egress.end_all().await;
        is_refused_with("TLS with dynamodb.", &there, &key).await;
        second.egress.route(HOST, deployment.front.address());
        let refused = there.sign(&key.id, &message()).await;
        assert_eq!(refusal(refused), "key-disabled");
    }
}

/// An answer from before the key was disabled, which arrives after it. It answers a request from before, too, and no later one.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_held_back_serves_no_request_from_after_the_removal() {
    for server in [moto(), dynalite()] {
        let deployment = TableDeployment::at(server).await;
        let first = deployment.start_with_credentials("first").await;
        let second = deployment.start_with_credentials("second").await;
        let here = deployment.principal(&first, "alice").await;
        let there = deployment.principal(&second, "alice").await;
        let key = key_of(&here, "carol").await;

        let relay = Relay::before(deployment.front.address()).await;
        second.egress.route(HOST, relay.address);
        second.egress.end_all().await;
        signs(&there, &key).await;
        deployment.front.take_seen();
        relay.held.send_replace(true);
        let (early, early_key) = (there.clone(), key.id.clone());
        let early = tokio::spawn(async move { early.sign(&early_key, &message()).await });
        while deployment.front.take_seen().is_empty() {
            tokio::task::yield_now().await;
        }
        here.disable(&key.id).await.unwrap();
        let message = message();
        let late = there.sign(&key.id, &message);
        let (late, _) = tokio::join!(late, async { relay.held.send_replace(false) });
        assert_eq!(refusal(late), "key-disabled");
        let _it_was_asked_before = early.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_is_a_store_that_cannot_be_reached() {
    for server in [moto(), dynalite()] {
        let lines = "attempt_timeout_ms = 500\ntimeout_ms = 1000";
        let deployment = TableDeployment::with(server, lines).await;
        let only = deployment.start_with_credentials("first").await;
        let alice = deployment.principal(&only, "alice").await;
        let key = key_of(&alice, "carol").await;
        let relay = Relay::before(deployment.front.address()).await;
        only.egress.route(HOST, relay.address);
        only.egress.end_all().await;
        signs(&alice, &key).await;
        relay.held.send_replace(true);
        is_refused_with("no response within", &alice, &key).await;
        relay.held.send_replace(false);
        signs(&alice, &key).await;
    }
}

async fn is_refused_with(text: &str, principal: &Principal, key: &Key) {
    let refused = principal.sign(&key.id, &message()).await;
    let told = refused.as_ref().unwrap_err().to_string();
    assert!(told.contains(text), "{told}");
    assert_eq!(refusal(refused), "store-unavailable");
}

/// Carries connections to a server, remembers what the server sends on the first of them, and holds back what it is told to.
struct Relay {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
    held: watch::Sender<bool>,
}

impl Relay {
    async fn before(server: SocketAddr) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let held = watch::Sender::new(false);
        let (all, told) = (Arc::clone(&heard), held.clone());
        let mut is_first = true;
        let address = listen(move |enclave| {
            let heard = std::mem::take(&mut is_first).then(|| Arc::clone(&all));
            carry(enclave, server, heard, told.subscribe())
        });
        Self {
            address: address.await,
            heard,
            held,
        }
    }

    /// A server that sends on each connection what was heard on the first.
    async fn played_again(&self) -> SocketAddr {
        let heard = self.heard.lock().unwrap().clone();
        assert!(heard.len() > 1000, "{} bytes", heard.len());
        listen(move |mut enclave| {
            let heard = heard.clone();
            async move {
                let mut hello = [0; 4096];
                let _ = enclave.read(&mut hello).await;
                let _ = enclave.write_all(&heard).await;
                while enclave.read(&mut hello).await.is_ok_and(|read| read > 0) {}
            }
        })
        .await
    }
}

async fn listen<F: Future<Output = ()> + Send + 'static>(
    mut serve: impl FnMut(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((enclave, _)) = listener.accept().await {
            tokio::spawn(serve(enclave));
        }
    });
    address
}

async fn carry(
    enclave: TcpStream,
    server: SocketAddr,
    heard: Option<Arc<Mutex<Vec<u8>>>>,
    mut held: watch::Receiver<bool>,
) {
    let (mut from_enclave, mut to_enclave) = enclave.into_split();
    let server = TcpStream::connect(server).await.unwrap();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = async {
        let mut bytes = [0; 16 * 1024];
        loop {
            let read = from_server.read(&mut bytes).await.unwrap_or(0);
            let Some(bytes) = bytes.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return;
            };
            if let Some(heard) = &heard {
                heard.lock().unwrap().extend_from_slice(bytes);
            }
            if held.wait_for(|held| !held).await.is_err() {
                return;
            }
            if to_enclave.write_all(bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = answers => {}
        _ended = copy(&mut from_enclave, &mut to_server) => {}
    }
}
