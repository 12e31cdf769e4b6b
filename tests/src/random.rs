//! Choices of a test that the same seed repeats.

use std::time::SystemTime;

/// SplitMix64: choosing moments and steps needs no better randomness, and the same seed gives the same ones.
pub struct Random(u64);

impl Random {
    /// The choices of this seed.
    pub fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    /// One of these.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }

    /// A number from `least` to `most`.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below((most - least + 1) as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub fn happens(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// So many of these, in their order.
    pub fn some_of<T>(&mut self, count: usize, mut all: Vec<T>) -> Vec<T> {
        while all.len() > count {
            all.remove(self.below(all.len() as u64) as usize);
        }
        all
    }
}

/// The number in `PERMAFROST_SEED`, to repeat the same choices; otherwise another one each time.
pub fn seed() -> u64 {
    match std::env::var("PERMAFROST_SEED") {
        Ok(text) => text.parse().expect("PERMAFROST_SEED is a number"),
        Err(_) => {
            let now = SystemTime::UNIX_EPOCH.elapsed();
            now.expect("a clock after 1970").as_secs()
        }
    }
}
