//! Many keys made by one request.

use permafrost_common::api::Key;
use permafrost_common::api::batch::{BATCH_MAX, CreateKeys, CreatedKeys};
use permafrost_common::problem::Problem;
use rand_core::OsRng;

use super::{Custody, blocking, checked_label, labelled};
use crate::keys::{KeyRecord, Participants};
use crate::principal::Caller;

/// How many keys of one request are written to the store at once.
const LANES: usize = 4;

impl Custody {
    /// Makes the keys of a batch. Repeating it with the same idempotency key gives the same keys, and makes those that are missing; with
    /// another body it is refused.
    pub async fn create_batch(
        &self,
        caller: &Caller,
        idempotency_key: &str,
        request: CreateKeys,
        now: u64,
    ) -> Result<CreatedKeys, Problem> {
        let count = usize::from(request.count);
        if !(1..=BATCH_MAX).contains(&count) {
            return Err(Problem::field("/count", count.to_string(), "1 to 100"));
        }
        Participants::new(request.threshold, &request.participants)?;
        checked_label(request.label.clone())?;
        let batch = Batch {
            custody: self,
            caller,
            idempotency_key,
            request: &request,
            now,
        };
        // Before any other key is written, the first one decides which body the idempotency key stands for.
        let first = batch.make(0).await?;
        let (a, b, c, d) = tokio::try_join!(
            batch.lane(1, count),
            batch.lane(2, count),
            batch.lane(3, count),
            batch.lane(4, count),
        )?;
        let mut made = vec![(0, first)];
        made.extend([a, b, c, d].into_iter().flatten());
        made.sort_unstable_by_key(|(index, _)| *index);
        Ok(CreatedKeys {
            keys: made.into_iter().map(|(_, key)| key).collect(),
        })
    }
}

struct Batch<'a> {
    custody: &'a Custody,
    caller: &'a Caller,
    idempotency_key: &'a str,
    request: &'a CreateKeys,
    now: u64,
}

impl Batch<'_> {
    async fn lane(&self, first: usize, count: usize) -> Result<Vec<(usize, Key)>, Problem> {
        let mut made = Vec::new();
        for index in (first..count).step_by(LANES) {
            made.push((index, self.make(index).await?));
        }
        Ok(made)
    }

    async fn make(&self, index: usize) -> Result<Key, Problem> {
        let request = self.request;
        let participants = Participants::new(request.threshold, &request.participants)?;
        let (count, threshold) = (request.count.to_string(), request.threshold.to_string());
        let mut parts = vec!["create batch", count.as_str(), threshold.as_str()];
        parts.extend(request.participants.iter().map(String::as_str));
        // An Idempotency-Key has no slash, so that no other request makes a key with this id.
        let of_key = format!("{}/{index}", self.idempotency_key);
        let caller = self.caller;
        let new = self
            .custody
            .new_key(caller, &caller.name, &of_key, &parts, self.now);
        let new = labelled(new, request.label.clone())?;
        let record = blocking({
            let new = new.clone();
            move || KeyRecord::deal(new, participants, &mut OsRng)
        })
        .await?;
        let made = self.custody.put_new(&new, record).await?;
        Ok(made.view(self.custody.network)?)
    }
}
