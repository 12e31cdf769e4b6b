//! The emulator's time, which tests set.

use std::sync::Arc;
use std::time::SystemTime;

use time::OffsetDateTime;

/// Tells the time.
pub(super) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The system's clock.
pub(super) fn system() -> Clock {
    Arc::new(SystemTime::now)
}

/// Milliseconds since 1970, and 0 for anything before.
pub(super) fn unix_ms(time: SystemTime) -> u64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The calendar's form of a time.
pub(super) fn utc(time: SystemTime) -> OffsetDateTime {
    OffsetDateTime::from(time)
}
