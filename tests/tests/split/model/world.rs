//! The processes, and what is done to them while a step is under way.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use permafrost_client::Principal;
use permafrost_tests::{HonestStack, LyingParent, Random, StoreRequest, StoreResponse};
use tokio::task::block_in_place;

/// An enclave and its parent.
pub(super) enum World {
    /// The real parent program, which can be killed.
    Honest(Box<HonestStack>),
    /// A parent that loses requests and responses, and whose store lies.
    Lying(Box<LyingParent>),
}

/// What happens while a step is under way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    None,
    /// The enclave is killed before it gets the request of this number, from 0.
    EnclaveKilledBefore(usize),
    /// The enclave is killed after it has responded to the request of this number, and the response is lost.
    EnclaveKilledAfter(usize),
    /// The response to the first request is lost.
    Unheard,
    /// The store does this with the first write.
    Store(Write),
    /// The enclave is killed after so many ms.
    EnclaveKilledIn(u64),
    /// The parent is killed after so many ms.
    ParentKilledIn(u64),
}

/// What the store does with a write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Write {
    /// It writes, and cuts the connection.
    DoneAndCut,
    /// It writes, and says that it failed.
    DoneAndFailed,
    /// It writes, and says that there was another version.
    DoneAndConflict,
    /// It writes, and the enclave is killed before it hears of it.
    DoneAndKilled,
    /// It does not write, and cuts the connection.
    LostAndCut,
    /// It does not write, and says so.
    LostAndFailed,
    /// It does not write, and the enclave is killed.
    LostAndKilled,
    /// It does not write, and says that it has.
    LostAndStored,
}

/// What came of a fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Happened {
    /// Whether there was an occasion for it.
    pub(super) at_all: bool,
    /// Whether the enclave started again, without what it had in memory.
    pub(super) restarted: bool,
}

impl Write {
    pub(super) const ALL: [Self; 8] = [
        Self::DoneAndCut,
        Self::DoneAndFailed,
        Self::DoneAndConflict,
        Self::DoneAndKilled,
        Self::LostAndCut,
        Self::LostAndFailed,
        Self::LostAndKilled,
        Self::LostAndStored,
    ];

    /// Whether the store has the record afterwards.
    pub(super) fn is_done(self) -> bool {
        matches!(
            self,
            Self::DoneAndCut | Self::DoneAndFailed | Self::DoneAndConflict | Self::DoneAndKilled
        )
    }

    /// Whether the enclave hears, or finds out, that the record is stored.
    pub(super) fn is_acknowledged(self) -> bool {
        matches!(
            self,
            Self::DoneAndCut | Self::DoneAndFailed | Self::DoneAndConflict | Self::LostAndStored
        )
    }

    pub(super) fn kills(self) -> bool {
        matches!(self, Self::DoneAndKilled | Self::LostAndKilled)
    }
}

impl World {
    /// A principal of the configuration.
    pub(super) async fn principal(&self, name: &str) -> Principal {
        match self {
            Self::Honest(stack) => stack.principal(name).await,
            Self::Lying(parent) => parent.principal(name).await,
        }
    }

    /// SIGKILL for the enclave, and another boot.
    pub(super) fn restart_enclave(&mut self) {
        block_in_place(|| match self {
            Self::Honest(stack) => stack.enclave.restart(),
            Self::Lying(parent) => parent.enclave.restart(),
        });
    }

    /// SIGKILL for the parent, and another start. A lying parent only closes its connections, which it does all the time.
    pub(super) fn restart_parent(&mut self) {
        if let Self::Honest(stack) = self {
            block_in_place(|| stack.restart_parent());
        }
    }

    /// A fault for a step of several requests that ends without a write.
    pub(super) fn fault_between_requests(&self, random: &mut Random) -> Fault {
        let number = random.between(0, 3);
        match (self, random.below(2)) {
            (Self::Honest(_), 0) => Fault::EnclaveKilledIn(random.below(40)),
            (Self::Honest(_), _) => Fault::ParentKilledIn(random.below(40)),
            (Self::Lying(_), 0) => Fault::EnclaveKilledBefore(number),
            (Self::Lying(_), _) => Fault::EnclaveKilledAfter(number),
        }
    }

    /// A fault for a step of one request that writes once.
    pub(super) fn fault_at_the_write(&self, random: &mut Random) -> Fault {
        match self {
            Self::Honest(_) => self.fault_between_requests(random),
            Self::Lying(_) => match random.below(6) {
                0 => Fault::EnclaveKilledBefore(0),
                1 => Fault::EnclaveKilledAfter(0),
                2 => Fault::Unheard,
                _ => Fault::Store(*random.one_of(&Write::ALL)),
            },
        }
    }

    /// Does the work while the fault happens. Afterwards both programs run, and nothing lies.
    pub(super) async fn during<T>(
        &mut self,
        fault: Fault,
        work: impl Future<Output = T>,
    ) -> (T, Happened) {
        let (done, at_all) = match self {
            Self::Honest(stack) => {
                let mut at_all = false;
                let killing = async {
                    let (after, kill): (u64, fn(&mut HonestStack)) = match fault {
                        Fault::EnclaveKilledIn(after) => (after, |stack| stack.enclave.restart()),
                        Fault::ParentKilledIn(after) => (after, HonestStack::restart_parent),
                        _ => return,
                    };
                    tokio::time::sleep(Duration::from_millis(after)).await;
                    block_in_place(|| kill(stack));
                    at_all = true;
                };
                let (done, ()) = tokio::join!(work, killing);
                (done, at_all)
            }
            Self::Lying(parent) => {
                let happened = lie(parent, fault);
                let done = work.await;
                parent.proxy.be_honest();
                parent.store.be_honest();
                (done, happened.load(Ordering::SeqCst))
            }
        };
        let kills = match fault {
            Fault::EnclaveKilledBefore(_)
            | Fault::EnclaveKilledAfter(_)
            | Fault::EnclaveKilledIn(_) => true,
            Fault::Store(write) => write.kills(),
            _ => false,
        };
        let restarted = at_all && kills;
        if restarted {
            self.restart_enclave();
        }
        (done, Happened { at_all, restarted })
    }
}

/// Prepares the lies, and whether there was an occasion for them.
fn lie(parent: &LyingParent, fault: Fault) -> Arc<AtomicBool> {
    let happened = Arc::new(AtomicBool::new(false));
    let kill = parent.enclave.killer();
    let first = {
        let happened = Arc::clone(&happened);
        move || !happened.swap(true, Ordering::SeqCst)
    };
    let counted = |wanted: usize| {
        let seen = AtomicUsize::new(0);
        move || seen.fetch_add(1, Ordering::SeqCst) == wanted
    };
    match fault {
        Fault::EnclaveKilledBefore(number) => {
            let is_it = counted(number);
            parent.proxy.change_requests(move |request| {
                if is_it() && first() {
                    kill();
                }
                request
            });
        }
        Fault::EnclaveKilledAfter(number) => {
            let is_it = counted(number);
            parent.proxy.change_responses(move |_, response| {
                if !(is_it() && first()) {
                    return response;
                }
                kill();
                nothing()
            });
        }
        Fault::Unheard => {
            let is_it = counted(0);
            parent
                .proxy
                .change_responses(move |_, response| match is_it() && first() {
                    true => nothing(),
                    false => response,
                });
        }
        Fault::Store(write) => {
            if !write.is_done() {
                parent.store.drop_writes();
            }
            parent.store.lie(move |request, honest| {
                let StoreRequest::Put { after, .. } = request else {
                    return honest;
                };
                if !first() {
                    return honest;
                }
                match write {
                    Write::DoneAndCut | Write::LostAndCut => StoreResponse::Cut,
                    Write::DoneAndFailed | Write::LostAndFailed => {
                        StoreResponse::Raw(500, Vec::new())
                    }
                    Write::DoneAndConflict => StoreResponse::Conflict(Some(after + 1)),
                    Write::DoneAndKilled | Write::LostAndKilled => {
                        kill();
                        StoreResponse::Cut
                    }
                    Write::LostAndStored => honest,
                }
            });
        }
        _ => {}
    }
    happened
}

/// What a parent says that has lost the response.
fn nothing() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = http::StatusCode::BAD_GATEWAY;
    response
}
