//! Guardians: users who approve another's recovery.
//!
//! A recovery that no guardian has approved yet has a record of its own. So anyone who knows a user's id can begin any number of
//! them without filling the user's record.

use permafrost_common::api::people::{Recovery as RecoveryView, RecoveryOf};
use permafrost_common::problem::{Problem, ProblemType};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use super::recovery::{WAIT_S, not_found, user_id};
use super::user::{Guardians, Recovery, from_cbor, to_cbor};
use super::{Approved, People, User, UserId, place, view};
use crate::records::{PutError, Record, Versioned};

/// A recovery that waits for its first guardian. The place is a digest of its id.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    v: u8,
    /// Whether the user's record has it now, or had it.
    used: bool,
    user: ByteArray<{ UserId::LEN }>,
    recovery: Recovery,
}

impl People {
    /// Stores a recovery until the first guardian approves it.
    pub(super) async fn wait_for_guardians(
        &self,
        id: UserId,
        recovery: &Recovery,
    ) -> Result<(), Problem> {
        let waiting = Waiting {
            v: 1,
            used: false,
            user: ByteArray::new(id.0),
            recovery: recovery.clone(),
        };
        let place = self.waiting_place(&recovery.id);
        let taken = Problem::new(
            ProblemType::Internal,
            "two recoveries have the same random id",
        );
        let put = self.records.waiting.put(&place, None, waiting).await;
        put.map_err(|error| error.or(taken))?;
        Ok(())
    }

    /// A guardian's approval of exactly this recovery with exactly this passkey.
    pub async fn approve_recovery(
        &self,
        approved: &Approved,
        recovery: &str,
        request: &RecoveryOf,
    ) -> Result<RecoveryView, Problem> {
        let id = user_id(&request.user, "/user")?;
        self.note_approval(approved, "guardian_approved").await?;
        let guardian = approved.user.0;
        let mut user = User::clone(&self.user(id).await?.value);
        user.check_guardian(guardian)?;
        if user
            .recovery(recovery, &request.public_key_digest, self.now())
            .is_err()
        {
            self.admit(id, recovery, &request.public_key_digest).await?;
        }
        let (approved, _) = self
            .change(id, |user, now| {
                user.check_guardian(guardian)?;
                let threshold = usize::from(user.guardians.threshold);
                let found = user.recovery(recovery, &request.public_key_digest, now)?;
                if found.is_by_code() {
                    return Ok(view::recovery(found));
                }
                if !found.approvals.iter().any(|one| **one == guardian) {
                    found.approvals.push(ByteArray::new(guardian));
                }
                if found.approvals.len() >= threshold && found.ready_at.is_none() {
                    found.ready_at = Some(self.ready_at(now));
                }
                let view = view::recovery(found);
                user.note(now.as_secs(), "recovery_approved", recovery);
                Ok(view)
            })
            .await?;
        Ok(approved)
    }

    /// Cancels a recovery that no guardian has approved yet. Its user's record says so, too: whatever the store makes of the other one, it
    /// does not begin.
    pub(super) async fn cancel_waiting(
        &self,
        id: UserId,
        recovery: &str,
    ) -> Result<Versioned<User>, Problem> {
        let found = self.waiting_of(id, recovery).await?;
        let (place, waiting) = found.ok_or_else(not_found)?;
        // After a conflict, with a guardian's approval that is under way, the user's record decides.
        if !waiting.value.used
            && let Err(PutError::Problem(problem)) = self.use_up_waiting(&place, &waiting).await
        {
            return Err(problem);
        }
        let (_, user) = self
            .change(id, |user, now| {
                user.end_waiting(&waiting.value.recovery.id, now)?;
                user.note(now.as_secs(), "recovery_cancelled", recovery);
                Ok(())
            })
            .await?;
        Ok(user)
    }

    /// Moves a waiting recovery into its user's record.
    async fn admit(
        &self,
        id: UserId,
        recovery: &str,
        public_key_digest: &str,
    ) -> Result<(), Problem> {
        let found = self.waiting(id, recovery, public_key_digest).await?;
        let (place, waiting) = found.ok_or_else(not_found)?;
        let recovery = &waiting.value.recovery;
        // Checked before its record is used up, so that nothing is lost if there is no room.
        User::clone(&self.user(id).await?.value).begin(recovery, None, self.now())?;
        // Its record first: a recovery that was cancelled does not come back with the next guardian.
        let meanwhile = Problem::new(
            ProblemType::UserConflict,
            "another guardian is approving this recovery at this moment; accepted: the same request again",
        );
        let put = self.use_up_waiting(&place, &waiting).await;
        put.map_err(|error| error.or(meanwhile))?;
        self.change(id, |user, now| user.begin(recovery, None, now))
            .await?;
        Ok(())
    }

    /// The recovery of this user, id and key that no guardian has approved yet, and its place.
    pub(super) async fn waiting(
        &self,
        id: UserId,
        recovery: &str,
        public_key_digest: &str,
    ) -> Result<Option<(String, Versioned<Waiting>)>, Problem> {
        let found = self.waiting_of(id, recovery).await?;
        Ok(found.filter(|(_, found)| {
            let Waiting { used, recovery, .. } = &*found.value;
            !used && hex::encode(recovery.passkey.key_digest()) == public_key_digest
        }))
    }

    /// The recovery of this user and id that waits for its first guardian, or did, and its place.
    async fn waiting_of(
        &self,
        id: UserId,
        recovery: &str,
    ) -> Result<Option<(String, Versioned<Waiting>)>, Problem> {
        let mut of = [0; 16];
        if hex::decode_to_slice(recovery, &mut of).is_err() {
            return Ok(None);
        }
        let place = self.waiting_place(&of);
        let waiting = &self.records.waiting;
        let found = waiting.unexpired(&place, || self.now()).await?;
        let found = found.filter(|found| *found.value.user == id.0);
        Ok(found.map(|found| (place, found)))
    }

    async fn use_up_waiting(
        &self,
        place: &str,
        waiting: &Versioned<Waiting>,
    ) -> Result<(), PutError> {
        let used = Waiting {
            used: true,
            ..Waiting::clone(&waiting.value)
        };
        let records = &self.records.waiting;
        records.put(place, Some(waiting.version), used).await?;
        Ok(())
    }

    fn waiting_place(&self, id: &[u8; 16]) -> String {
        place("permafrost recovery", &self.deployment, id)
    }
}

impl Recovery {
    /// Whether a code began its delay: it needs no guardian.
    fn is_by_code(&self) -> bool {
        self.ready_at.is_some() && self.approvals.is_empty()
    }
}

impl User {
    /// Judges the approvals of recoveries in progress by the present guardians: those of others count no more, and a delay that too few
    /// of the present ones approved ends.
    pub(super) fn judge_approvals(&mut self) {
        let Guardians { users, threshold } = &self.guardians;
        for recovery in &mut self.recoveries {
            if recovery.is_by_code() {
                continue;
            }
            recovery.approvals.retain(|one| users.contains(one));
            let enough = usize::from(*threshold).max(1);
            if recovery.approvals.len() < enough {
                recovery.ready_at = None;
            }
        }
    }

    fn check_guardian(&self, guardian: [u8; UserId::LEN]) -> Result<(), Problem> {
        match self.guardians.users.iter().any(|one| **one == guardian) {
            true => Ok(()),
            false => Err(not_found()),
        }
    }
}

impl Record for Waiting {
    const KIND: &'static str = "recovery";

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        to_cbor(self)
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        from_cbor(bytes, 1, |waiting: &Self| waiting.v)
    }

    fn expires_at(&self) -> Option<u64> {
        Some(self.recovery.started_at.saturating_add(WAIT_S))
    }
}
