//! Several enclaves on one database, and everything killed at random: nothing that was acknowledged is lost or undone, and what clients were
//! told can have happened in one order.
//!
//! `PERMAFROST_KILLS` says how many kills (20), `PERMAFROST_SEED` repeats the choices of a run.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails should stop, in its helpers too"
)]

mod caller;
mod keys;
mod pair;
mod schedule;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use permafrost_tests::{PostgresServer, Random, seed};

use caller::{Caller, Refusals};
use keys::Keys;
use pair::Pairs;
use schedule::Victims;

/// How many callers there are at a time. Each uses both enclaves.
const CALLERS: u64 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_change_is_lost_or_undone_by_kills_of_enclaves_parents_and_postgresql() {
    let (seed, kills) = (seed(), kills());
    println!("PERMAFROST_SEED={seed} PERMAFROST_KILLS={kills}");
    let store = PostgresServer::start(&[]);
    let database = store.url(&store.new_database());
    let pairs = Pairs::start(&format!("postgres = \"{database}\"\n"));
    let keys = Arc::new(Keys::default());
    let going_on = Arc::new(AtomicBool::new(true));
    let mut callers = Vec::new();
    for number in 1..=CALLERS {
        let random = Random::from_seed(seed.wrapping_add(number));
        let caller = Caller::new(pairs.principals().await, Arc::clone(&keys), random);
        callers.push(tokio::spawn(caller.run(Arc::clone(&going_on))));
    }

    let started = Instant::now();
    let killing = tokio::task::spawn_blocking(move || {
        let mut victims = Victims { pairs, store };
        let killed = victims.kill(kills, Random::from_seed(seed));
        (victims, killed)
    });
    let (victims, killed) = killing.await.expect("everything starts again each time");
    going_on.store(false, Ordering::Relaxed);
    let mut refusals = Refusals::default();
    for caller in callers {
        refusals.add(caller.await.expect("no caller saw what must not be"));
    }
    println!("{killed:?} in {:.1?}; {refusals}", started.elapsed());

    assert_eq!(killed.values().sum::<u32>(), kills);
    assert!(
        refusals.of("interrupted") >= kills / 4,
        "the kills met too few requests: {refusals}"
    );
    let summary = keys.examine(&victims.pairs.principals().await).await;
    println!("{summary}");
    assert!(summary.keys >= 5 && summary.changes >= kills, "{summary}");
}

fn kills() -> u32 {
    match std::env::var("PERMAFROST_KILLS") {
        Ok(text) => text.parse().expect("PERMAFROST_KILLS is a number"),
        Err(_) => 20,
    }
}
