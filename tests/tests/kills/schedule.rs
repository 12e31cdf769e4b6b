//! What is killed, and when.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use permafrost_tests::{PostgresServer, Random};

use crate::pair::{PAIRS, Pairs};

/// How long everything runs before the next kill, in ms.
const LIVES: Range<u64> = 5..300;

/// How long what was killed stays away, in ms.
const ABSENCES: Range<u64> = 0..200;

/// Everything that can be killed.
pub(crate) struct Victims {
    pub(crate) pairs: Pairs,
    /// The store that the pairs share.
    pub(crate) store: PostgresServer,
}

#[derive(Clone, Copy)]
enum Victim {
    Enclave(usize),
    Parent(usize),
    Database,
}

impl Victims {
    /// Kills one of them at a random moment, starts it again, and so on; counts the kills of each.
    pub(crate) fn kill(&mut self, times: u32, mut random: Random) -> BTreeMap<&'static str, u32> {
        let mut kills = BTreeMap::new();
        for _ in 0..times {
            wait(&mut random, LIVES);
            let pair = random.below(PAIRS as u64) as usize;
            let victim = match random.below(5) {
                0 | 1 => Victim::Enclave(pair),
                2 | 3 => Victim::Parent(pair),
                _ => Victim::Database,
            };
            self.end(victim);
            wait(&mut random, ABSENCES);
            self.restart(victim);
            *kills.entry(victim.name()).or_default() += 1;
        }
        for pair in &self.pairs.each {
            pair.enclave.wait_until_ready();
        }
        kills
    }

    fn end(&mut self, victim: Victim) {
        match victim {
            Victim::Enclave(pair) => self.pairs.each[pair].enclave.kill(),
            Victim::Parent(pair) => self.pairs.each[pair].parent.kill(),
            Victim::Database => self.store.kill(),
        }
    }

    /// An enclave may not be ready yet at the next kill.
    fn restart(&mut self, victim: Victim) {
        match victim {
            Victim::Enclave(pair) => self.pairs.each[pair].enclave.restart_unready(),
            Victim::Parent(pair) => self.pairs.each[pair].parent.restart(),
            Victim::Database => self.store.restart(),
        }
    }
}

impl Victim {
    fn name(self) -> &'static str {
        match self {
            Self::Enclave(_) => "enclave",
            Self::Parent(_) => "parent",
            Self::Database => "database",
        }
    }
}

fn wait(random: &mut Random, range: Range<u64>) {
    let milliseconds = range.start + random.below(range.end - range.start);
    std::thread::sleep(Duration::from_millis(milliseconds));
}
