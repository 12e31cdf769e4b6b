//! The enclave's clock: the time that the NSM signed, and the monotonic clock since. The parent's time is not evidence.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A clock that follows the NSM's signed timestamps.
#[derive(Debug)]
pub struct Clock(Mutex<Anchor>);

#[derive(Clone, Copy, Debug)]
struct Anchor {
    /// Since 1970.
    time: Duration,
    at: Instant,
}

impl Clock {
    /// A clock that shows `timestamp_ms` now: the timestamp of an attestation document just made, in milliseconds since 1970.
    pub fn starting_at(timestamp_ms: u64) -> Self {
        Self(Mutex::new(Anchor {
            time: Duration::from_millis(timestamp_ms),
            at: Instant::now(),
        }))
    }

    /// The time since 1970.
    pub fn now(&self) -> Duration {
        let anchor = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        anchor.time + anchor.at.elapsed()
    }

    /// Moves forward to the timestamp of a later attestation document; never back, so that an expired request stays expired.
    pub fn attested(&self, timestamp_ms: u64) {
        let time = Duration::from_millis(timestamp_ms);
        let mut anchor = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if time > anchor.time + anchor.at.elapsed() {
            *anchor = Anchor {
                time,
                at: Instant::now(),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attested_time_moves_the_clock_forward_and_never_back() {
        let clock = Clock::starting_at(1_000_000);
        assert!(clock.now() >= Duration::from_secs(1_000));
        clock.attested(5_000_000);
        assert!(clock.now() >= Duration::from_secs(5_000));
        clock.attested(1_000_000);
        assert!(clock.now() >= Duration::from_secs(5_000));
    }
}
