//! The enclaves behind the proxy, and which of them gets a request.
//!
//! A request that names a boot goes to the enclave that runs it; any other is balanced over those that are ready. Nothing here
//! is trusted by anyone: an enclave refuses what was signed for another boot, and its clients check who responds. So the
//! parent may learn from unchecked responses which enclave runs which boot.

mod enclave;
mod health;
mod naming;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use permafrost_common::problem::Problem;
use tokio::time::Instant;

pub(crate) use self::enclave::{Enclave, InFlight, Mode};

use self::naming::Named;
use super::body::RequestBody;
use super::upstream::UpstreamError;
use crate::config::Config;

/// Every enclave of the configuration.
pub(crate) struct Enclaves {
    list: Vec<Arc<Enclave>>,
    health_interval: Duration,
    /// Where the search for the least loaded enclave begins, so that equals take turns.
    turn: AtomicUsize,
}

/// A response's head, and what counts the request until its end.
pub(super) struct Passed {
    pub(super) response: Response<Incoming>,
    pub(super) in_flight: InFlight,
}

/// Why no enclave responded.
pub(super) enum Failed {
    /// Every enclave is drained or removed.
    NoneServes,
    /// There was no connection: no part of the request was sent.
    NotConnected,
    /// The connection broke: the request may have arrived.
    Broken(Arc<Enclave>, String),
    /// Nothing came in time. The enclave, if the request had reached one.
    TimedOut(Option<Arc<Enclave>>),
}

impl Enclaves {
    pub(super) fn new(config: &Config) -> Self {
        let enclaves = config.enclaves.iter().map(Enclave::new).map(Arc::new);
        Self {
            list: enclaves.collect(),
            health_interval: config.health.interval,
            turn: AtomicUsize::new(0),
        }
    }

    /// Every enclave, in the order of the configuration.
    pub(crate) fn all(&self) -> &[Arc<Enclave>] {
        &self.list
    }

    /// The enclave of this name.
    pub(crate) fn by_name(&self, name: &str) -> Option<&Arc<Enclave>> {
        self.list.iter().find(|enclave| enclave.name() == name)
    }

    /// Sends a request to one enclave: to the next one only if there was no connection, so that no part of it was sent.
    pub(super) async fn send(
        &self,
        mut request: Request<RequestBody>,
        within: Duration,
    ) -> Result<Passed, Failed> {
        let deadline = Instant::now() + within;
        let naming = tokio::time::timeout_at(deadline, self.named(&mut request));
        let named = naming.await.map_err(|_| Failed::TimedOut(None))?;
        let mut failed = Failed::NoneServes;
        for enclave in self.in_order(&named) {
            let in_flight = enclave.clone().take_up();
            let sending = tokio::time::timeout_at(deadline, enclave.send(request));
            match sending.await {
                Ok(Ok(response)) => {
                    return Ok(Passed {
                        response,
                        in_flight,
                    });
                }
                Ok(Err(UpstreamError::NotConnected { why, unsent })) => {
                    tracing::warn!(
                        enclave = enclave.name(),
                        why,
                        "no connection to the enclave"
                    );
                    enclave.set_ready(false);
                    enclave.doubt();
                    failed = Failed::NotConnected;
                    match unsent {
                        Some(unsent) => request = *unsent,
                        None => break,
                    }
                }
                Ok(Err(UpstreamError::Broken(why))) => {
                    enclave.doubt();
                    return Err(Failed::Broken(enclave, why));
                }
                Err(_) => {
                    enclave.doubt();
                    return Err(Failed::TimedOut(Some(enclave)));
                }
            }
        }
        Err(failed)
    }

    /// What the request names, as far as it decides anything.
    async fn named(&self, request: &mut Request<RequestBody>) -> Named {
        match self.list.as_slice() {
            [_only] => Named::Nothing,
            _ => Named::by(request).await,
        }
    }

    /// The enclaves that may get a request, the best one first: the one that it names, then those that serve and are ready, then
    /// those that are not, each with the fewest requests in flight first.
    fn in_order(&self, named: &Named) -> Vec<Arc<Enclave>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let length = self.list.len();
        let in_turn = (0..length).filter_map(|place| self.list.get((place + turn) % length));
        let mut ranked: Vec<_> = in_turn
            .filter_map(|enclave| {
                let rank = match enclave.mode() {
                    Mode::Serving | Mode::Draining if enclave.is_named(named) => 0,
                    Mode::Serving if enclave.is_ready() => 1,
                    Mode::Serving => 2,
                    Mode::Draining | Mode::Removed => return None,
                };
                Some(((rank, enclave.in_flight()), enclave.clone()))
            })
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, enclave)| enclave).collect()
    }

    /// Asks every enclave whether it is ready, each for at most two seconds.
    pub(super) async fn ask(&self) -> Vec<(Arc<Enclave>, Result<(), Problem>)> {
        let mut asking = Vec::new();
        for enclave in &self.list {
            let enclave = enclave.clone();
            asking.push(tokio::spawn(async move {
                let health = enclave.ask().await;
                (enclave, health)
            }));
        }
        let mut asked = Vec::new();
        for one in asking {
            // A task that panicked has said so; its enclave counts as absent.
            asked.extend(one.await.ok());
        }
        asked
    }

    /// Asks each of several enclaves again and again, for ever. The only one is not asked: there is nothing to choose.
    pub(super) async fn watch(&self) {
        if let [_only] = self.list.as_slice() {
            return std::future::pending().await;
        }
        let mut watching = tokio::task::JoinSet::new();
        for enclave in &self.list {
            watching.spawn(enclave.clone().watch(self.health_interval));
        }
        while watching.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::enclave::KnownBoot;
    use super::*;

    /// Three enclaves `a`, `b` and `c` that are ready and run boots of these names, with the key ids 0, 1 and 2.
    fn three() -> Enclaves {
        let mut text = String::new();
        for name in ["a", "b", "c"] {
            text.push_str(&format!(
                "[[enclave]]\nname = \"{name}\"\naddress = \"unix:/{name}\"\n"
            ));
        }
        let enclaves = Enclaves::new(&Config::parse(&text).unwrap());
        for (id, enclave) in (0..).zip(enclaves.all()) {
            enclave.set_ready(true);
            enclave.set_boot(KnownBoot {
                digest: HeaderValue::from_str(enclave.name()).unwrap(),
                key_ids: Some(vec![id]),
            });
        }
        enclaves
    }

    fn order(enclaves: &Enclaves, named: &Named) -> String {
        let order = enclaves.in_order(named);
        order.iter().map(|enclave| enclave.name()).collect()
    }

    fn first(enclaves: &Enclaves, named: &Named) -> String {
        order(enclaves, named)[..1].to_owned()
    }

    fn boot(name: &'static str) -> Named {
        Named::Boot(HeaderValue::from_static(name))
    }

    #[test]
    fn equals_take_turns_and_the_least_loaded_comes_first() {
        let enclaves = three();
        let turns: String = (0..6).map(|_| first(&enclaves, &Named::Nothing)).collect();
        assert_eq!(turns, "abcabc");
        let _at_a = enclaves.by_name("a").unwrap().clone().take_up();
        let b = enclaves.by_name("b").unwrap();
        let (_at_b, at_b) = (b.clone().take_up(), b.clone().take_up());
        for _ in 0..3 {
            assert_eq!(order(&enclaves, &Named::Nothing), "cab");
        }
        drop(at_b);
        drop(_at_a);
        assert_eq!(b.in_flight(), 1);
        assert!(order(&enclaves, &Named::Nothing).ends_with('b'));
    }

    #[test]
    fn the_boot_that_is_named_comes_first_however_loaded_and_ready_it_is() {
        let enclaves = three();
        let b = enclaves.by_name("b").unwrap();
        let _at_b = b.clone().take_up();
        b.set_ready(false);
        for named in [boot("b"), Named::KeyId(1)] {
            for _ in 0..3 {
                assert_eq!(first(&enclaves, &named), "b");
            }
        }
        for nobody in [boot("d"), Named::KeyId(3)] {
            assert!(order(&enclaves, &nobody).ends_with('b'));
        }
    }

    #[test]
    fn what_is_not_ready_comes_last_and_is_not_left_out() {
        let enclaves = three();
        enclaves.by_name("a").unwrap().set_ready(false);
        for _ in 0..3 {
            let order = order(&enclaves, &Named::Nothing);
            assert!(order.len() == 3 && order.ends_with('a'), "{order}");
        }
    }

    #[test]
    fn a_drained_enclave_gets_what_names_it_and_a_removed_one_gets_nothing() {
        let enclaves = three();
        let b = enclaves.by_name("b").unwrap();
        b.set_mode(Mode::Draining);
        assert_eq!(first(&enclaves, &boot("b")), "b");
        for other in [Named::Nothing, boot("a"), boot("d")] {
            assert!(!order(&enclaves, &other).contains('b'));
        }
        b.set_mode(Mode::Removed);
        assert!(!order(&enclaves, &boot("b")).contains('b'));
        b.set_mode(Mode::Serving);
        assert_eq!(order(&enclaves, &Named::Nothing).len(), 3);
    }
}
