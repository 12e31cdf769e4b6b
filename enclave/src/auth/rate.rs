//! A token bucket: a principal's rate, with a burst of a tenth of a minute's requests.

use std::time::Duration;

/// How much of a rate is left.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: f64,
    burst: f64,
    tokens: f64,
    refilled: Duration,
}

impl Rate {
    /// A full bucket.
    pub(crate) fn per_minute(requests: u32) -> Self {
        let burst = (f64::from(requests) / 10.0).max(1.0);
        Self {
            per_second: f64::from(requests) / 60.0,
            burst,
            tokens: burst,
            refilled: Duration::ZERO,
        }
    }

    /// Takes one request at `now`, the time since 1970, or gives the seconds until the next one is available.
    pub(crate) fn take(&mut self, now: Duration) -> Result<(), u64> {
        let gained = now.saturating_sub(self.refilled).as_secs_f64() * self.per_second;
        self.tokens = (self.tokens + gained).min(self.burst);
        self.refilled = self.refilled.max(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(((1.0 - self.tokens) / self.per_second).ceil() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_the_rate() {
        let mut rate = Rate::per_minute(60);
        let start = Duration::from_secs(1_000_000);
        for _ in 0..6 {
            assert_eq!(rate.take(start), Ok(()));
        }
        assert_eq!(rate.take(start), Err(1));
        assert_eq!(rate.take(start + Duration::from_secs(1)), Ok(()));
        assert_eq!(rate.take(start + Duration::from_secs(1)), Err(1));
    }

    #[test]
    fn a_clock_that_stands_still_gives_nothing() {
        let mut rate = Rate::per_minute(1);
        assert_eq!(rate.take(Duration::from_secs(9)), Ok(()));
        assert_eq!(rate.take(Duration::from_secs(9)), Err(60));
        assert_eq!(rate.take(Duration::from_secs(8)), Err(60));
    }
}
