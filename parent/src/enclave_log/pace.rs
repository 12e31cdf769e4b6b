//! How fast lines are accepted.

use std::time::{Duration, Instant};

/// How many lines may come at once: as many as the enclave keeps while the parent does not accept them.
const AT_ONCE: f64 = 1024.0;

/// A number of lines each second, and up to [`AT_ONCE`] more after a time without any.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: f64,
    /// How many lines may come now. If negative, this many have come early.
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

    /// Counts a line, and returns how long it has to wait.
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

    /// How long this many lines take, one after the other.
    fn time_of(pace: &mut Pace, lines: usize, began: Instant) -> Duration {
        let mut now = began;
        for _ in 0..lines {
            now += pace.line(now);
        }
        now.duration_since(began)
    }

    #[test]
    fn after_the_first_lines_the_configured_number_a_second_is_accepted() {
        let now = Instant::now();
        let mut pace = Pace::new(100, now);
        assert_eq!(time_of(&mut pace, 1024, now), Duration::ZERO);
        let took = time_of(&mut pace, 500, now);
        assert!((4990..5010).contains(&took.as_millis()), "{took:?}");
    }

    #[test]
    fn a_long_rest_allows_no_more_lines_at_once_than_the_first_time() {
        let now = Instant::now();
        let mut pace = Pace::new(100, now);
        let later = now + Duration::from_secs(3600);
        let took = time_of(&mut pace, 1124, later);
        assert!((990..1010).contains(&took.as_millis()), "{took:?}");
    }
}
