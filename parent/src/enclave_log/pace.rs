//! How fast lines are taken.

use std::time::{Duration, Instant};

/// Lines that may come at once: as many as the enclave keeps while nobody takes them.
const AT_ONCE: f64 = 1024.0;

/// So many lines a second, and [`AT_ONCE`] more after a while without any.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: f64,
    /// How many may come now. Below zero: so many have come early.
    left: f64,
    seen: Instant,
}

impl Pace {
    pub(super) fn new(lines_per_second: u32, now: Instant) -> Self {
        Self {
            per_second: lines_per_second.into(),
            left: AT_ONCE,
            seen: now,
        }
    }

    /// Counts a line, and says how long it has to wait.
    pub(super) fn line(&mut self, now: Instant) -> Duration {
        let more = now.duration_since(self.seen).as_secs_f64() * self.per_second;
        self.seen = now;
        self.left = AT_ONCE.min(self.left + more) - 1.0;
        Duration::from_secs_f64((-self.left).max(0.0) / self.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long so many lines take, one after the other.
    fn time_of(pace: &mut Pace, lines: usize, began: Instant) -> Duration {
        let mut now = began;
        for _ in 0..lines {
            now += pace.line(now);
        }
        now.duration_since(began)
    }

    #[test]
    fn after_the_first_lines_so_many_a_second_are_taken() {
        let now = Instant::now();
        let mut pace = Pace::new(100, now);
        assert_eq!(time_of(&mut pace, 1024, now), Duration::ZERO);
        let took = time_of(&mut pace, 500, now);
        assert!((4990..5010).contains(&took.as_millis()), "{took:?}");
    }

    #[test]
    fn a_long_rest_gives_no_more_than_the_first_lines_again() {
        let now = Instant::now();
        let mut pace = Pace::new(100, now);
        let later = now + Duration::from_secs(3600);
        let took = time_of(&mut pace, 1124, later);
        assert!((990..1010).contains(&took.as_millis()), "{took:?}");
    }
}
