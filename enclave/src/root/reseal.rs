//! The progress of a pass over all records that reseals them in the newest epoch.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::sealing::Epoch;

/// One pass at a time, from the first record to the last. Only this boot knows it.
#[derive(Debug, Default)]
pub struct ResealPass(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    epoch: Epoch,
    /// When the pass began.
    began: Option<Instant>,
    /// The cursor at which the next listing must begin; `None` when the pass has reached the end.
    next: Option<String>,
    complete: bool,
}

impl ResealPass {
    /// Records a listing: from the cursor `after` on (empty: from the first record), with `next` if more follow, and
    /// `left` records that are still sealed in an older epoch.
    pub fn record_listing(&self, epoch: Epoch, after: &str, next: Option<&str>, left: usize) {
        let mut progress = self.lock();
        let begins = after.is_empty();
        let goes_on = progress.epoch == epoch && progress.next.as_deref() == Some(after);
        // A listing out of order, or with records left, proves nothing about the whole.
        let clean = (begins || goes_on) && left == 0;
        *progress = Progress {
            epoch,
            began: match begins {
                true => Some(Instant::now()),
                false => progress.began,
            },
            complete: clean && next.is_none(),
            next: next.filter(|_| clean).map(str::to_owned),
        };
    }

    /// When the last whole pass began, if it left nothing sealed in an epoch before this one, the newest.
    pub fn complete_since(&self, epoch: Epoch) -> Option<Instant> {
        let progress = self.lock();
        let complete = progress.complete && progress.epoch == epoch;
        progress.began.filter(|_| complete)
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_pass_in_order_is_complete() {
        let pass = ResealPass::default();
        pass.record_listing(2, "", Some("a"), 0);
        assert!(pass.complete_since(2).is_none());
        pass.record_listing(2, "a", None, 0);
        assert!(pass.complete_since(2).is_some() && pass.complete_since(3).is_none());
    }

    #[test]
    fn a_gap_a_leftover_or_another_epoch_restarts_the_pass() {
        for (epoch, after, left) in [(2, "b", 0), (2, "a", 1), (3, "a", 0)] {
            let pass = ResealPass::default();
            pass.record_listing(2, "", Some("a"), 0);
            pass.record_listing(epoch, after, None, left);
            assert!(
                pass.complete_since(2).is_none() && pass.complete_since(3).is_none(),
                "{epoch} {after} {left}"
            );
        }
        let pass = ResealPass::default();
        pass.record_listing(2, "", None, 1);
        assert!(pass.complete_since(2).is_none());
    }
}
