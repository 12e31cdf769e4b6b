//! Sweeping: the records of people that have expired leave the store.
//!
//! Link codes expire, and recoveries that wait for guardians. Users never do, and neither do claims of credentials: without its claim a
//! credential could be registered a second time. The enclave deletes neither.

use std::sync::Arc;
use std::time::Duration;

use super::PeopleRecords;
use crate::clock::Clock;
use crate::records::{Record, Records};

/// How long a record stays in the store after it has expired: longer than any request takes that found it valid, at most 5 minutes, and
/// longer than the clocks of two enclaves differ, which both follow the NSM.
const MARGIN: Duration = Duration::from_secs(3_600);

/// The wait after each listing of at most 100 records, so that sweeping leaves the store to requests.
const PAUSE: Duration = Duration::from_secs(1);

impl PeopleRecords {
    /// Deletes what has expired, once in every interval, for as long as the enclave runs. What has expired is judged by the enclave's
    /// clock, of which the parent decides nothing.
    pub async fn keep_swept(self: Arc<Self>, clock: Arc<Clock>, interval: Duration) {
        loop {
            tokio::time::sleep(interval).await;
            sweep(&self.links, &clock).await;
            sweep(&self.waiting, &clock).await;
        }
    }
}

/// One pass over all records of a kind; the next pass makes up for one that fails.
async fn sweep<T: Record>(records: &Records<T>, clock: &Clock) {
    let (mut deleted, mut refused) = (0, 0);
    let mut after = Some(String::new());
    while let Some(id) = after {
        match records
            .sweep(&id, || clock.now().saturating_sub(MARGIN))
            .await
        {
            Ok(swept) => {
                deleted += swept.deleted;
                refused += swept.refused;
                after = swept.next;
            }
            Err(problem) => {
                tracing::warn!(kind = T::KIND, %problem, "a pass of sweeping ended early");
                break;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    if deleted + refused > 0 {
        tracing::info!(kind = T::KIND, deleted, refused, "swept what has expired");
    }
}
