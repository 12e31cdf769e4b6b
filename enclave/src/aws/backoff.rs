//! How long to wait before a call is tried again.

use std::time::Duration;

/// Full jitter: a random part of a time that doubles with each attempt, so that many enclaves do not retry at the same moment
/// (AWS Architecture Blog, "Exponential Backoff And Jitter").
pub(crate) struct Backoff {
    /// The longest wait before the second attempt; each further wait may be twice as long, up to `max`.
    pub(crate) first: Duration,
    /// The longest wait between attempts.
    pub(crate) max: Duration,
}

impl Backoff {
    /// How long to wait after this many attempts, from 1.
    pub(crate) fn wait(&self, attempts: u32) -> Duration {
        let most = self
            .first
            .saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)))
            .min(self.max);
        let mut random = [0; 4];
        // Without randomness every wait is the longest, which does no harm.
        let share = match aws_lc_rs::rand::fill(&mut random) {
            Ok(()) => f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX),
            Err(_) => 1.0,
        };
        most.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_below_their_limit() {
        let backoff = Backoff {
            first: Duration::from_millis(100),
            max: Duration::from_secs(2),
        };
        for attempts in 1..=40 {
            let most = backoff
                .first
                .saturating_mul(2_u32.saturating_pow(attempts - 1));
            assert!(backoff.wait(attempts) <= most.min(backoff.max));
        }
    }
}
