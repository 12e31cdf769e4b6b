//! How far a pass over all records has come that seals them anew in the newest epoch.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sealing::Epoch;

/// One pass at a time, from the first record to the last. It is only known to this boot.
#[derive(Debug, Default)]
pub struct ResealPass(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    epoch: Epoch,
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
            complete: clean && next.is_none(),
            next: next.filter(|_| clean).map(str::to_owned),
        };
    }

    /// Whether a whole pass has found nothing left that is sealed in an epoch before this one, the newest.
    pub fn is_complete(&self, epoch: Epoch) -> bool {
        let progress = self.lock();
        progress.complete && progress.epoch == epoch
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
        assert!(!pass.is_complete(2));
        pass.page(2, "a", None, 0);
        assert!(pass.is_complete(2) && !pass.is_complete(3));
    }

    #[test]
    fn a_gap_a_leftover_or_another_epoch_begins_anew() {
        for (epoch, after, left) in [(2, "b", 0), (2, "a", 1), (3, "a", 0)] {
            let pass = ResealPass::default();
            pass.page(2, "", Some("a"), 0);
            pass.page(epoch, after, None, left);
            assert!(
                !pass.is_complete(2) && !pass.is_complete(3),
                "{epoch} {after} {left}"
            );
        }
        let pass = ResealPass::default();
        pass.page(2, "", None, 1);
        assert!(!pass.is_complete(2));
    }
}
