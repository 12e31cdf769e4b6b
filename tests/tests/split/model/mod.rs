//! Random lives of keys on whole processes: after every step, crash and lie, what should hold does.
//!
//! | file | what |
//! |---|---|
//! | `key` | what should hold of one key; no processes |
//! | `world` | the processes, and what is done to them meanwhile |
//! | `run` | the steps, and what each should come to |
//! | `checks` | what is looked up and signed after each |
//!
//! `PERMAFROST_SEED` repeats the sequences of a seed, `PERMAFROST_SEQUENCES` says how many there are for each kind of parent.

mod checks;
mod key;
mod run;
mod world;

use permafrost_tests::{HonestStack, LyingParent, Measured, Random, seed};

use run::Run;
use world::World;

/// How many sequences there are for each kind of parent, unless `PERMAFROST_SEQUENCES` says otherwise.
const SEQUENCES: u64 = 5;

/// The steps of one sequence.
const STEPS: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn either_the_old_shares_or_the_new_ones_sign_whenever_the_enclave_or_the_parent_is_killed() {
    sequences(async || World::Honest(Box::new(HonestStack::start(Measured::new("test"))))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn either_the_old_shares_or_the_new_ones_sign_whatever_the_parent_loses_or_its_store_says() {
    sequences(async || World::Lying(Box::new(LyingParent::start().await))).await;
}

async fn sequences(world: impl AsyncFn() -> World) {
    let count = match std::env::var("PERMAFROST_SEQUENCES") {
        Ok(text) => text.parse().expect("PERMAFROST_SEQUENCES is a number"),
        Err(_) => SEQUENCES,
    };
    let first = seed();
    for seed in first..first + count {
        println!("PERMAFROST_SEED={seed} PERMAFROST_SEQUENCES=1");
        let mut run = Run::new(world().await, Random::from_seed(seed)).await;
        run.go(STEPS).await;
    }
}
