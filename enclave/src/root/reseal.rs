//! How far a pass over all records has come that seals them anew in the newest epoch.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::sealing::Epoch;

/// One pass at a time, from the first record to the last. It is only known to this boot.
#[derive(Debug, Default)]
pub struct ResealPass(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    epoch: Epoch,
    /// When the pass began.
    began: Option<Instant>,
    /// The cursor that the next page must begin at; `None` when the pass has reached the end.
    next: Option<String>,
    complete: bool,
}

impl ResealPass {
    /// Notes a page: from the cursor `after` on (empty: from the first record), with `next` where more follow, and
    /// `left` records that are still sealed in an older epoch.
    pub fn page(&self, epoch: Epoch, after: &str, next: Option<&str>, left: usize) {
        let mut progress = self.lock();
        let begins = after.is_empty();
        let goes_on = progress.epoch == epoch && progress.next.as_deref() == Some(after);
        // A page out of order, or with records left, proves nothing about the whole.
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

    /// When the whole pass began that has found nothing left which is sealed in an epoch before this one, the newest;
    /// nothing if there was none.
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
        pass.page(2, "", Some("a"), 0);
        assert!(pass.complete_since(2).is_none());
        pass.page(2, "a", None, 0);
        assert!(pass.complete_since(2).is_some() && pass.complete_since(3).is_none());
    }

    #[test]
    fn a_gap_a_leftover_or_another_epoch_begins_anew() {
        for (epoch, after, left) in [(2, "b", 0), (2, "a", 1), (3, "a", 0)] {
            let pass = ResealPass::default();
            pass.page(2, "", Some("a"), 0);
            pass.page(epoch, after, None, left);
            assert!(
                pass.complete_since(2).is_none() && pass.complete_since(3).is_none(),
                "{epoch} {after} {left}"
            );
        }
        let pass = ResealPass::default();
        pass.page(2, "", None, 1);
        assert!(pass.complete_since(2).is_none());
    }
}
