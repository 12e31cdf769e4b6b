//! Either program killed at any moment, under load: everything that was acknowledged is kept.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails should stop, in its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use permafrost_client::{Error, IdempotencyKey, Principal};
use permafrost_common::api::{Key, KeyStatus};
use permafrost_common::problem::{Problem, ProblemType};
use permafrost_tests::{HonestStack, Measured, Random, is_signed_by, message, seed, two_of_three};

/// How often one of the programs is killed.
const KILLS: u32 = 200;

/// How long both run before the next kill, in ms.
const LIVES: std::ops::Range<u64> = 5..150;

/// How many callers there are at a time.
const CALLERS: usize = 6;

/// The only errors that a caller may get while programs die: that there is no response, or that nothing was done. In particular no
/// record is ever reported as invalid, rolled back or lost.
///
/// `response-not-authentic` is one: the response of a boot that ended before the client could verify it.
const EXPECTED: [&str; 7] = [
    "unreachable",
    "interrupted",
    "response-not-authentic",
    "enclave-unreachable",
    "store-unavailable",
    "key-conflict",
    "not-ready",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_key_signs_after_200_kills_under_load() {
    let seed = seed();
    println!("PERMAFROST_SEED={seed}");
    let stack = HonestStack::start(Measured::new("test"));
    let going_on = Arc::new(AtomicBool::new(true));
    let alice = stack.principal("alice").await;
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let caller = Caller::new(alice.clone());
        callers.push(tokio::spawn(caller.run(Arc::clone(&going_on))));
    }

    let started = Instant::now();
    let killing =
        tokio::task::spawn_blocking(move || kill_again_and_again(stack, Random::from_seed(seed)));
    let (stack, kills) = killing.await.expect("both programs start again each time");
    going_on.store(false, Ordering::Relaxed);
    let mut total = Caller::new(stack.principal("alice").await);
    for caller in callers {
        total.add(caller.await.expect("no caller saw what must not be"));
    }
    println!("{kills:?} in {:.1?}; {total}", started.elapsed());

    assert_eq!(kills.values().sum::<u32>(), KILLS);
    assert!(
        total.refusals["interrupted"] >= KILLS / 4,
        "the kills met too few requests: {total}"
    );
    assert!(total.keys.len() >= 20 && total.rotations >= 20, "{total}");
    total.check_every_key().await;
    total.check_that_there_are_no_others().await;
}

/// Kills one of the programs at a random moment, starts it again, and so on; counts the kills of each.
fn kill_again_and_again(
    mut stack: HonestStack,
    mut random: Random,
) -> (HonestStack, BTreeMap<&'static str, u32>) {
    let mut kills = BTreeMap::new();
    for _ in 0..KILLS {
        let life = LIVES.start + random.below(LIVES.end - LIVES.start);
        std::thread::sleep(Duration::from_millis(life));
        let killed = match random.below(2) {
            0 => {
                stack.enclave.restart();
                "enclave"
            }
            _ => {
                stack.restart_parent();
                "parent"
            }
        };
        *kills.entry(killed).or_default() += 1;
    }
    (stack, kills)
}

/// Makes keys, signs with them and rotates them, and remembers what was acknowledged.
struct Caller {
    principal: Principal,
    keys: Vec<Acknowledged>,
    signatures: u32,
    rotations: u32,
    /// How often each error occurred.
    refusals: BTreeMap<String, u32>,
}

struct Acknowledged {
    idempotency_key: IdempotencyKey,
    key: Key,
    /// The newest generation that a response named.
    generation: u32,
}

impl Caller {
    fn new(principal: Principal) -> Self {
        Self {
            principal,
            keys: Vec::new(),
            signatures: 0,
            rotations: 0,
            refusals: BTreeMap::new(),
        }
    }

    /// Continues until told to stop, and repeats each request until it is acknowledged.
    async fn run(mut self, going_on: Arc<AtomicBool>) -> Self {
        while going_on.load(Ordering::Relaxed) {
            let idempotency_key = IdempotencyKey::random().unwrap();
            let key = self.create(&idempotency_key).await;
            self.keys.push(Acknowledged {
                generation: key.generation,
                idempotency_key,
                key,
            });
            let newest = self.keys.len() - 1;
            for at in [newest, newest / 2, 0] {
                self.sign(at).await;
                self.rotate(at).await;
                self.sign(at).await;
            }
        }
        self
    }

    async fn create(&mut self, idempotency_key: &IdempotencyKey) -> Key {
        loop {
            let wanted = two_of_three();
            match self.principal.create_key(&wanted, idempotency_key).await {
                Ok(key) => return key,
                Err(error) => self.refused(&error).await,
            }
        }
    }

    async fn sign(&mut self, at: usize) {
        let id = self.keys[at].key.id.clone();
        loop {
            match self.principal.sign(&id, &message()).await {
                Ok(signed) => {
                    let known = &mut self.keys[at];
                    assert!(is_signed_by(&signed, &known.key.group_public_key));
                    known.sees(signed.generation);
                    self.signatures += 1;
                    return;
                }
                Err(error) => self.refused(&error).await,
            }
        }
    }

    /// Until it is acknowledged, so it may be carried out several times.
    async fn rotate(&mut self, at: usize) {
        let id = self.keys[at].key.id.clone();
        loop {
            match self.principal.rotate(&id).await {
                Ok(key) => {
                    let known = &mut self.keys[at];
                    assert!(key.generation > known.generation, "{id} was rotated");
                    known.sees(key.generation);
                    self.rotations += 1;
                    return;
                }
                Err(error) => self.refused(&error).await,
            }
        }
    }

    async fn refused(&mut self, error: &Error) {
        let problem = match error {
            Error::Unauthenticated(problem) => Some(problem.as_ref()),
            _ => error.problem(),
        };
        let said = problem
            .and_then(Problem::kind)
            .map_or(error.slug(), ProblemType::slug);
        assert!(EXPECTED.contains(&said), "{said}: {error}");
        *self.refusals.entry(said.to_owned()).or_default() += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    fn add(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.signatures += other.signatures;
        self.rotations += other.rotations;
        for (said, times) in other.refusals {
            *self.refusals.entry(said).or_default() += times;
        }
    }

    async fn check_every_key(&mut self) {
        for known in &mut self.keys {
            let Acknowledged { key, .. } = known;
            let signed = self.principal.sign(&key.id, &message()).await.unwrap();
            assert!(is_signed_by(&signed, &key.group_public_key));
            let shown = self.principal.key(&key.id).await.unwrap();
            assert_eq!(shown.status, KeyStatus::Enabled);
            let again = self
                .principal
                .create_key(&two_of_three(), &known.idempotency_key)
                .await
                .unwrap();
            assert_eq!(again, shown, "a creating request repeated");
            assert_eq!(shown.id, known.key.id);
            assert_eq!(shown.group_public_key, known.key.group_public_key);
            known.sees(signed.generation);
            known.sees(shown.generation);
        }
    }

    async fn check_that_there_are_no_others(&self) {
        let mut listed = BTreeSet::new();
        let mut after = None;
        loop {
            let page = self.principal.list_keys(after.as_deref(), None).await;
            let page = page.unwrap();
            listed.extend(page.keys.into_iter().map(|key| key.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let made: BTreeSet<_> = self.keys.iter().map(|known| known.key.id.clone()).collect();
        assert_eq!(made.len(), self.keys.len(), "one key for each request");
        assert_eq!(listed, made);
    }
}

impl Acknowledged {
    fn sees(&mut self, generation: u32) {
        assert!(
            generation >= self.generation,
            "key {} was acknowledged in generation {} and is now in {generation}",
            self.key.id,
            self.generation
        );
        self.generation = generation;
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "acknowledged: {} keys, {} signatures, {} rotations; refused: {:?}",
            self.keys.len(),
            self.signatures,
            self.rotations,
            self.refusals
        )
    }
}
