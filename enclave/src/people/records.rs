//! The sealed records of people. They exist even if the measured configuration has no people, so that none is left behind in an
//! epoch that is retired.

use std::sync::Arc;

use permafrost_common::problem::Problem;
use permafrost_common::store::is_id;

use super::claims::Claim;
use super::guardians::Waiting;
use super::links::LinkRecord;
use super::user::User;
use crate::records::{Record, Records, Resealed};
use crate::sealing::HeldSecrets;
use crate::store::Store;

/// The sealed records of people.
pub struct PeopleRecords {
    pub(super) users: Records<User>,
    pub(super) claims: Records<Claim>,
    pub(super) links: Records<LinkRecord>,
    pub(super) waiting: Records<Waiting>,
}

impl PeopleRecords {
    /// The cursor at which a pass of resealing begins with them.
    pub const FIRST: &'static str = "user/";

    /// Records of `deployment` in `store`; those of users are cached up to `cache_bytes`, the others are read once; the
    /// versions of the last `seen_records` of each kind are remembered.
    pub fn new(
        store: &Arc<Store>,
        secrets: &HeldSecrets,
        deployment: &str,
        (cache_bytes, seen_records): (usize, usize),
    ) -> Self {
        Self {
            users: records(store, secrets, deployment, (cache_bytes, seen_records)),
            claims: records(store, secrets, deployment, (0, seen_records)),
            links: records(store, secrets, deployment, (0, seen_records)),
            waiting: records(store, secrets, deployment, (0, seen_records)),
        }
    }

    /// Reseals one listing of records in the newest epoch. The cursor `after` is a kind, a slash, and an id or nothing.
    pub async fn reseal(&self, after: &str, limit: usize) -> Result<Resealed, Problem> {
        let (kind, id) = after.split_once('/').unwrap_or((after, ""));
        let (page, next_kind) = match kind {
            _ if !(id.is_empty() || is_id(id)) => return Err(no_cursor(after)),
            User::KIND => (self.users.reseal(id, limit).await?, Some(Claim::KIND)),
            Claim::KIND => (self.claims.reseal(id, limit).await?, Some(LinkRecord::KIND)),
            LinkRecord::KIND => (self.links.reseal(id, limit).await?, Some(Waiting::KIND)),
            Waiting::KIND => (self.waiting.reseal(id, limit).await?, None),
            _ => return Err(no_cursor(after)),
        };
        let next = match &page.next {
            Some(id) => Some(format!("{kind}/{id}")),
            None => next_kind.map(|kind| format!("{kind}/")),
        };
        Ok(Resealed { next, ..page })
    }
}

fn no_cursor(after: &str) -> Problem {
    let accepted = "the `next` of the previous response, or nothing";
    Problem::field("/after", format!("{} bytes", after.len()), accepted)
}

fn records<T: Record>(
    store: &Arc<Store>,
    secrets: &HeldSecrets,
    deployment: &str,
    room: (usize, usize),
) -> Records<T> {
    Records::new(
        Arc::clone(store),
        secrets.clone(),
        deployment.to_owned(),
        room,
    )
}
