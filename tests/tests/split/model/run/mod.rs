//! One sequence of steps, and what each of them should come to.

mod begin;
mod end;

use std::collections::BTreeSet;

use permafrost_client::{Principal, Unconfirmed};
use permafrost_tests::Random;

use super::checks::Held;
use super::key::{self, Sometimes};
use super::world::{Fault, Happened, World};

/// The most keys of a sequence.
const KEYS: usize = 3;

/// What a client hears when there is no response that it can believe.
const NO_RESPONSE: [&str; 4] = [
    "unreachable",
    "interrupted",
    "response-not-authentic",
    "unauthenticated-problem",
];

/// The keys of one deployment, and the ceremonies that are under way.
pub(super) struct Run {
    world: World,
    alice: Principal,
    bob: Principal,
    random: Random,
    keys: Vec<Held>,
    open: Vec<Open>,
    /// What was done so far, for whoever reads why it failed.
    said: Vec<String>,
}

/// A ceremony whose result this side has and has not confirmed.
struct Open {
    /// Which key.
    of: usize,
    ceremony: Unconfirmed,
    /// Whether the enclave still has it in memory.
    is_known: bool,
}

impl Run {
    pub(super) async fn new(world: World, random: Random) -> Self {
        Self {
            alice: world.principal("alice").await,
            bob: world.principal("bob").await,
            world,
            random,
            keys: Vec::new(),
            open: Vec::new(),
            said: Vec::new(),
        }
    }

    /// Does so many steps, and checks every key that a step may have changed, and another one.
    pub(super) async fn go(&mut self, steps: usize) {
        for _ in 0..steps {
            let touched = self.step().await;
            let touched = touched.into_iter().chain(self.any_key());
            for of in touched.collect::<BTreeSet<_>>() {
                let Self { alice, bob, .. } = self;
                self.keys[of].check(alice, bob, &mut self.random).await;
            }
            if let [first, second, ..] = self.keys.as_slice() {
                first.check_against(second, &self.alice).await;
            }
        }
        for of in 0..self.keys.len() {
            let Self { alice, bob, .. } = self;
            self.keys[of].check(alice, bob, &mut self.random).await;
        }
    }

    /// One step; the key that it may have changed.
    async fn step(&mut self) -> Option<usize> {
        if self.keys.is_empty() || self.keys.len() < KEYS && self.random.happens(15) {
            return self.generate().await;
        }
        if !self.open.is_empty() && self.random.happens(50) {
            let which = self.random.between(0, self.open.len() - 1);
            return match self.random.happens(85) {
                true => self.confirm(which).await,
                false => self.abort(which).await,
            };
        }
        let of = self.any_key()?;
        match self.random.below(16) {
            0..=4 => self.refresh(of).await,
            5..=10 => self.reshare(of).await,
            11 => self.lose_a_share(of),
            12 => self.disable(of).await,
            13 => {
                self.say("the parent is killed");
                self.world.restart_parent();
                None
            }
            _ => {
                self.say("the enclave is killed");
                self.world.restart_enclave();
                self.forgotten();
                None
            }
        }
    }

    async fn disable(&mut self, of: usize) -> Option<usize> {
        self.keys[of].key.now()?;
        let fault = match self.random.happens(50) {
            true => self.world.fault_at_the_write(&mut self.random),
            false => Fault::None,
        };
        // What a store says after a lie about a version is what `confirm` is about.
        let fault = match fault {
            Fault::Store(write) if !write.kills() => Fault::None,
            other => other,
        };
        self.say(&format!("disable key {of}, {fault:?}"));
        let id = self.keys[of].key.id.clone();
        let (disabled, happened) = self.world.during(fault, self.alice.disable(&id)).await;
        let key = &mut self.keys[of].key;
        match (disabled, fault) {
            (Ok(_), _) => key.disabled = Sometimes::Yes,
            (Err(error), _) => {
                assert!(happened.at_all, "{error}");
                if key.disabled != Sometimes::Yes {
                    key.disabled = Sometimes::Perhaps;
                }
            }
        }
        self.after(happened);
        Some(of)
    }

    fn lose_a_share(&mut self, of: usize) -> Option<usize> {
        let held = &mut self.keys[of];
        let now = held.key.now()?.clone();
        let shares = held.newest();
        let needed =
            usize::from(now.parameters.threshold).saturating_sub(key::of_the_enclave(&now));
        if shares.len() > needed.max(1) {
            let name = self.random.one_of(&shares).participant().to_owned();
            held.lost.insert((now.parameters.id, name.clone()));
            self.say(&format!("the share of {name} of key {of} is lost"));
        }
        Some(of)
    }

    fn after(&mut self, happened: Happened) {
        if happened.restarted {
            self.forgotten();
        }
    }

    /// The enclave has started again: it has no ceremony any more.
    fn forgotten(&mut self) {
        for open in &mut self.open {
            open.is_known = false;
        }
    }

    fn any_key(&mut self) -> Option<usize> {
        let count = self.keys.len();
        (count > 0).then(|| self.random.between(0, count - 1))
    }

    fn say(&mut self, what: &str) {
        self.said.push(what.to_owned());
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // The harness shows it where the test fails.
        println!("{}", self.said.join("\n"));
    }
}
