//! Eight clients that make keys and sign, until they are told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use permafrost_client::{Error, IdempotencyKey, Principal};
use permafrost_common::api::Key;
use permafrost_tests::{is_signed_by, message, two_of_three};
use tokio::task::JoinSet;

use crate::steps::{Deployment, PATIENCE};

const CLIENTS: usize = 8;

/// Clients at work.
pub(crate) struct Load {
    clients: JoinSet<Done>,
    rounds: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

/// What the clients saw.
#[derive(Default)]
pub(crate) struct Done {
    /// The keys whose making was acknowledged.
    pub(crate) keys: Vec<Key>,
    /// What failed.
    pub(crate) failed: Vec<Error>,
    /// The clients.
    pub(crate) clients: Vec<Principal>,
}

impl Load {
    /// Starts the clients: each has verified whichever enclave it came to, and they came to all.
    pub(crate) async fn start(deployment: &Deployment) -> Self {
        let places: Vec<_> = (1..=deployment.others.len() + 1).collect();
        Self::start_at(deployment, &places).await
    }

    /// The same, where only these places have an enclave.
    pub(crate) async fn start_at(deployment: &Deployment, places: &[usize]) -> Self {
        let rounds = Arc::new(AtomicUsize::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for (_, place) in (0..CLIENTS).zip(places.iter().cycle()) {
            let principal = deployment.principal_at("alice", *place).await;
            clients.spawn(work(principal, rounds.clone(), stop.clone()));
        }
        let load = Self {
            clients,
            rounds,
            stop,
        };
        load.goes_on().await;
        load
    }

    /// Waits until every client has done some more.
    pub(crate) async fn goes_on(&self) {
        let enough = self.rounds.load(Ordering::SeqCst) + 5 * CLIENTS;
        let going_on = async {
            while self.rounds.load(Ordering::SeqCst) < enough {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, going_on)
            .await
            .expect("the clients go on");
    }

    /// Lets every client finish what it does, and returns what all of them saw.
    pub(crate) async fn stop(mut self) -> Done {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Done::default();
        while let Some(done) = self.clients.join_next().await {
            let Done {
                keys,
                failed,
                clients,
            } = done.unwrap();
            all.keys.extend(keys);
            all.failed.extend(failed);
            all.clients.extend(clients);
        }
        all
    }
}

async fn work(principal: Principal, rounds: Arc<AtomicUsize>, stop: Arc<AtomicBool>) -> Done {
    let mut done = Done::default();
    while !stop.load(Ordering::SeqCst) {
        let once = IdempotencyKey::random().unwrap();
        match principal.create_key(&two_of_three(), &once).await {
            Ok(key) => {
                match principal.sign(&key.id, &message()).await {
                    Ok(signed) => assert!(is_signed_by(&signed, &key.group_public_key)),
                    Err(error) => done.failed.push(error),
                }
                done.keys.push(key);
            }
            Err(error) => done.failed.push(error),
        }
        rounds.fetch_add(1, Ordering::SeqCst);
    }
    done.clients.push(principal);
    done
}

/// Every acknowledged key is there, and signs.
pub(crate) async fn none_is_lost(done: &Done) {
    let alice = done.clients.first().unwrap();
    for key in &done.keys {
        let signed = alice.sign(&key.id, &message()).await.unwrap();
        assert!(is_signed_by(&signed, &key.group_public_key));
    }
}
