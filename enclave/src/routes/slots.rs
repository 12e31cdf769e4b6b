//! How many requests are in progress at once: those of strangers take at most half of the places.

use std::sync::Arc;

use permafrost_common::problem::{Problem, ProblemType};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of requests in progress.
pub(super) struct Slots {
    most: usize,
    all: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Slot {
    _place: OwnedSemaphorePermit,
    _of_strangers: Option<OwnedSemaphorePermit>,
}

impl Slots {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            all: Arc::new(Semaphore::new(most)),
            strangers: Arc::new(Semaphore::new(most.div_ceil(2))),
        }
    }

    /// A place for a request; `is_open`: anyone may send it.
    pub(super) fn take(&self, is_open: bool) -> Result<Slot, Problem> {
        let place = |of: &Arc<Semaphore>| {
            Arc::clone(of).try_acquire_owned().map_err(|_| {
                let detail = format!(
                    "{} requests may be in progress, half of them without a principal",
                    self.most
                );
                Problem::new(ProblemType::Overloaded, detail).retry_after(1)
            })
        };
        Ok(Slot {
            _of_strangers: is_open.then(|| place(&self.strangers)).transpose()?,
            _place: place(&self.all)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_take_half_of_the_places_and_principals_find_the_rest() {
        let slots = Slots::new(4);
        let strangers = [slots.take(true).unwrap(), slots.take(true).unwrap()];
        let refused = slots.take(true).unwrap_err();
        assert_eq!(refused.kind(), Some(ProblemType::Overloaded));
        let principals = [slots.take(false).unwrap(), slots.take(false).unwrap()];
        assert!(slots.take(false).is_err());
        drop(strangers);
        assert!(slots.take(true).is_ok());
        drop(principals);
    }

    #[test]
    fn one_place_is_for_whoever_comes() {
        let slots = Slots::new(1);
        drop(slots.take(true).unwrap());
        drop(slots.take(false).unwrap());
    }
}
