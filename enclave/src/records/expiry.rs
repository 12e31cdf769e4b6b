//! Records that have expired: no use of them succeeds, no absence of them is a loss, and they are swept from the store.

use std::time::Duration;

use permafrost_common::problem::{Problem, ProblemType};
use permafrost_common::store::LISTING_MAX;

use super::{Record, Records, Versioned, unavailable};
use crate::store::{DeleteOutcome, Range};

/// The result of sweeping one listing of records.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Swept {
    /// How many records the store says it has deleted.
    pub deleted: usize,
    /// How many could not be opened, or were older than a version seen before. They stay.
    pub refused: usize,
    /// The id after which the next listing begins; `None` after the last.
    pub next: Option<String>,
}

impl<T: Record> Records<T> {
    /// The newest version of a record that has not expired; `None` as in [`Records::get`], and if it has expired, whether the store
    /// still has it or not. `now` is asked once the store has responded.
    ///
    /// Another enclave may have swept what this one has seen: once it has expired, the store may say that there is no such record, and
    /// a store that brings it back achieves nothing.
    pub async fn unexpired(
        &self,
        id: &str,
        now: impl FnOnce() -> Duration,
    ) -> Result<Option<Versioned<T>>, Problem> {
        let found = self.get(id).await;
        let now = now().as_secs();
        match found {
            Ok(found) => Ok(found.filter(|record| !has_passed(record.value.expires_at(), now))),
            Err(problem) if problem.kind() == Some(ProblemType::RecordLost) => {
                let seen = Some(self.memory().expiries.highest(id)).filter(|at| *at > 0);
                match has_passed(seen, now) {
                    true => Ok(None),
                    false => Err(problem),
                }
            }
            Err(problem) => Err(problem),
        }
    }

    /// Deletes those records of one listing that have expired by the time that `by` gives once the listing is there. Each is opened
    /// first, and only the version that was opened is deleted.
    ///
    /// It needs no certainty that the store does as it says: what is still there is swept by the next pass. A listing makes the enclave
    /// remember nothing, so that sweeping does not displace what requests have seen.
    ///
    /// After a deletion the store accepts a first version at the same id. So only a record whose id is random, or a digest of what is,
    /// may expire: no such id recurs.
    pub async fn sweep(
        &self,
        after: &str,
        by: impl FnOnce() -> Duration,
    ) -> Result<Swept, Problem> {
        let listing = self
            .store
            .listing(T::KIND, Range::after(after, LISTING_MAX))
            .await;
        let listing = listing.map_err(unavailable)?;
        let by = by().as_secs();
        let mut swept = Swept {
            next: listing
                .records
                .last()
                .filter(|_| listing.more)
                .map(|entry| entry.id.clone()),
            ..Swept::default()
        };
        for entry in listing.records {
            let seen = self.memory().seen.highest(&entry.id);
            let Ok((record, _)) = self.unseal(&entry.id, entry.version, &entry.bytes, seen) else {
                swept.refused += 1;
                continue;
            };
            if !has_passed(record.value.expires_at(), by) {
                continue;
            }
            let deleted = self.store.delete(T::KIND, &entry.id, entry.version).await;
            // After a conflict another request, or another enclave, was first.
            if deleted.map_err(unavailable)? == DeleteOutcome::Deleted {
                swept.deleted += 1;
            }
        }
        Ok(swept)
    }
}

fn has_passed(expires_at: Option<u64>, now: u64) -> bool {
    expires_at.is_some_and(|at| now >= at)
}
