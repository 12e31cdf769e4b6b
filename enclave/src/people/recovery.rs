//! Recovery: a new passkey for a user who has lost theirs, by a code or by guardians, after a delay in which any remaining passkey
//! can cancel it.

use std::time::Duration;

use permafrost_common::api::people::{
    Recovery as RecoveryView, RecoveryOf, StartRecovery, User as UserView,
};
use permafrost_common::problem::{Problem, ProblemType};
use serde_bytes::ByteArray;

use super::challenge::Approver;
use super::passkey::check_name;
use super::user::{Ended, Passkey, Recovery};
use super::{Approval, People, User, UserId, codes, random, view};
use crate::principal::Person;

/// How many recoveries of one user may be in progress.
const RECOVERIES_MAX: usize = 4;

/// How many recoveries that are over a user's record remembers, each for as long as its own record may wait for guardians.
const ENDED_MAX: usize = 32;

/// How long a recovery waits for guardians, or to be completed after its delay, in seconds: a week.
pub(super) const WAIT_S: u64 = 7 * 86_400;

/// How many wrong recovery codes of one user may be tried per hour.
const FAILURES_MAX: usize = 5;
const HOUR_S: u64 = 3_600;

impl People {
    /// Begins a recovery with a passkey that was made for exactly this request. With a code its delay begins at once; without one the
    /// recovery waits for guardians.
    pub async fn start_recovery(
        &self,
        request: StartRecovery,
        approval: &Approval,
    ) -> Result<RecoveryView, Problem> {
        check_name(&request.passkey_name, "/passkey_name")?;
        let id = user_id(&request.user, "/user")?;
        let (made, nonce) = self.new_passkey(approval)?;
        let number = match &request.code {
            Some(code) => Some(self.check_code(id, code).await?),
            None => None,
        };
        let mut user = User::clone(&self.user(id).await?.value);
        let now = self.now();
        let recovery = Recovery {
            id: ByteArray::new(random()?),
            passkey: Passkey::new(&made, &request.passkey_name, false, now),
            ready_at: number.map(|_| self.ready_at(now)),
            approvals: Vec::new(),
            started_at: now.as_secs(),
        };
        // Checked before the credential is claimed, so that a recovery that cannot begin uses up no credential.
        user.begin(&recovery, number, now)?;
        // A code that is right proves whose recovery it is; its tries are counted. Other recoveries share a budget.
        match number {
            Some(_) => self.use_up(&nonce, Approver::User)?,
            None => {
                self.arrivals.recovery(self.now())?;
                self.use_up(&nonce, Approver::Newcomer)?;
            }
        }
        self.claim(&made.credential_id, id).await?;
        match number {
            Some(_) => {
                self.change(id, |user, now| user.begin(&recovery, number, now))
                    .await?;
            }
            None => self.wait_for_guardians(id, &recovery).await?,
        }
        Ok(view::recovery(&recovery))
    }

    /// Cancels a recovery of the user who sent the request, whether guardians have approved it or not.
    pub async fn cancel_recovery(
        &self,
        person: Person,
        recovery: &str,
    ) -> Result<UserView, Problem> {
        let cancelled = self
            .change(person.user, |user, now| {
                user.end_recovery(recovery, now)?;
                user.note(now.as_secs(), "recovery_cancelled", recovery);
                Ok(())
            })
            .await;
        let user = match cancelled {
            Ok(((), user)) => user,
            Err(problem) if problem.kind() == Some(ProblemType::RecoveryNotFound) => {
                self.cancel_waiting(person.user, recovery).await?
            }
            Err(problem) => return Err(problem),
        };
        Ok(self.user_view(&user.value))
    }

    /// Activates the new passkey after the delay, by its own signature.
    pub async fn complete_recovery(
        &self,
        recovery: &str,
        request: &RecoveryOf,
        approval: &Approval,
    ) -> Result<UserView, Problem> {
        let id = user_id(&request.user, "/user")?;
        let assertion = self.assertion(approval)?;
        let digest = &request.public_key_digest;
        let mut user = User::clone(&self.user(id).await?.value);
        let now = self.now();
        let found = match user.recovery(recovery, digest, now) {
            Ok(found) => found,
            Err(not_found) => match self.waiting(id, recovery, digest).await? {
                Some(_) => return Err(waits_for_guardians()),
                None => return Err(not_found),
            },
        };
        let used = self.check_assertion(approval, &assertion, id, &found.passkey, now)?;
        let (_, user) = self
            .change(id, |user, now| {
                let found = user.recovery(recovery, digest, now)?;
                check_ready(found.ready_at, now)?;
                let mut passkey = found.passkey.clone();
                passkey.active = true;
                user.end_recovery(recovery, now)?;
                user.add_passkey(passkey, now)?;
                user.passkey_used(&used, now)?;
                user.note(now.as_secs(), "recovered", recovery);
                Ok(())
            })
            .await?;
        Ok(self.user_view(&user.value))
    }

    pub(super) fn ready_at(&self, now: Duration) -> u64 {
        now.as_secs() + self.config.recovery_delay_s
    }

    /// The number of the code, if it is one of the user's. Each try is counted in the user's record before the code is compared, so that
    /// codes sent at once are counted, too; [`User::begin`] takes the count of the right one back.
    async fn check_code(&self, id: UserId, code: &str) -> Result<u8, Problem> {
        let (_, user) = self.change(id, |user, now| user.count_code(now)).await?;
        if let Some((number, letters)) = codes::numbered(code) {
            let kept = &user.value.recovery_codes;
            if let Some(kept) = kept.iter().find(|kept| kept.number == number)
                && codes::is(kept, letters).await?
            {
                return Ok(number);
            }
        }
        self.change(id, |user, now| {
            user.note(now.as_secs(), "recovery_code_wrong", "");
            Ok(())
        })
        .await?;
        Err(code_invalid())
    }
}

impl User {
    /// Begins a recovery; `number` is that of the code that it uses up.
    pub(super) fn begin(
        &mut self,
        recovery: &Recovery,
        number: Option<u8>,
        now: Duration,
    ) -> Result<(), Problem> {
        // A store that denied an earlier write of this very recovery makes nothing of it begin twice.
        if self.recoveries.iter().any(|one| one.id == recovery.id) {
            return Ok(());
        }
        match number {
            Some(number) => {
                let before = self.recovery_codes.len();
                self.recovery_codes.retain(|kept| kept.number != number);
                if self.recovery_codes.len() == before {
                    return Err(code_invalid());
                }
                self.failures.pop();
            }
            None if self.guardians.threshold == 0 => {
                let detail = "the user has no guardians; accepted: a recovery code";
                return Err(Problem::new(ProblemType::RecoveryImpossible, detail));
            }
            None => {}
        }
        self.forget_recoveries(now);
        if self.has_ended(&recovery.id) {
            return Err(not_found());
        }
        if self.recoveries.len() >= RECOVERIES_MAX {
            let detail = format!("{RECOVERIES_MAX} recoveries of this user are in progress");
            return Err(Problem::new(ProblemType::TooMany, detail));
        }
        self.recoveries.push(recovery.clone());
        self.note(now.as_secs(), "recovery_started", hex::encode(*recovery.id));
        Ok(())
    }

    /// Takes a recovery out, for good: a store that makes the enclave repeat what began it does not bring it back.
    fn end_recovery(&mut self, id: &str, now: Duration) -> Result<(), Problem> {
        let at = self
            .recoveries
            .iter()
            .position(|one| hex::encode(*one.id) == id)
            .ok_or_else(not_found)?;
        let id = self.recoveries.remove(at).id;
        self.remember_ended(*id, now);
        Ok(())
    }

    /// Ends a recovery that no guardian has approved yet, or whose first approval is under way at this moment.
    pub(super) fn end_waiting(&mut self, id: &[u8; 16], now: Duration) -> Result<(), Problem> {
        match self.end_recovery(&hex::encode(id), now) {
            Err(not_found) if self.has_ended(id) => Err(not_found),
            Err(_) => {
                self.remember_ended(*id, now);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn remember_ended(&mut self, id: [u8; 16], now: Duration) {
        let too_many = (self.ended_recoveries.len() + 1).saturating_sub(ENDED_MAX);
        self.ended_recoveries.drain(..too_many);
        self.ended_recoveries.push(Ended {
            at: now.as_secs(),
            id: ByteArray::new(id),
        });
    }

    fn has_ended(&self, id: &[u8; 16]) -> bool {
        self.ended_recoveries.iter().any(|one| *one.id == *id)
    }

    /// Counts a try of a recovery code, unless there were too many.
    fn count_code(&mut self, now: Duration) -> Result<(), Problem> {
        let hour_ago = now.as_secs().saturating_sub(HOUR_S);
        self.failures.retain(|at| *at > hour_ago);
        if self.failures.len() >= FAILURES_MAX {
            let detail =
                format!("{FAILURES_MAX} recovery codes of this user were wrong within an hour");
            return Err(Problem::new(ProblemType::RateLimited, detail).retry_after(HOUR_S));
        }
        self.failures.push(now.as_secs());
        Ok(())
    }

    pub(super) fn recovery(
        &mut self,
        id: &str,
        public_key_digest: &str,
        now: Duration,
    ) -> Result<&mut Recovery, Problem> {
        self.forget_recoveries(now);
        self.recoveries
            .iter_mut()
            .find(|one| {
                hex::encode(*one.id) == id
                    && hex::encode(one.passkey.key_digest()) == public_key_digest
            })
            .ok_or_else(not_found)
    }

    fn forget_recoveries(&mut self, now: Duration) {
        self.ended_recoveries
            .retain(|one| now.as_secs() < one.at.saturating_add(WAIT_S));
        self.recoveries.retain(|one| {
            now.as_secs()
                < one
                    .ready_at
                    .unwrap_or(one.started_at)
                    .saturating_add(WAIT_S)
        });
    }
}

fn check_ready(ready_at: Option<u64>, now: Duration) -> Result<(), Problem> {
    let ready_at = ready_at.ok_or_else(waits_for_guardians)?;
    let left = ready_at.saturating_sub(now.as_secs());
    if left == 0 {
        return Ok(());
    }
    let detail = format!("the recovery may be completed at {ready_at}, in {left} s");
    Err(Problem::new(ProblemType::RecoveryNotReady, detail).retry_after(left))
}

fn waits_for_guardians() -> Problem {
    let detail = "the recovery waits for guardians; accepted: once enough of them have approved it";
    Problem::new(ProblemType::RecoveryNotReady, detail)
}

/// Reads the id of a user; `field` is its JSON pointer.
pub(super) fn user_id(text: &str, field: &str) -> Result<UserId, Problem> {
    UserId::parse(text).ok_or_else(|| {
        let came = format!("{} bytes", text.len());
        Problem::field(field, came, "a user's id: 32 lower-case hex digits")
    })
}

pub(super) fn not_found() -> Problem {
    let detail =
        "no recovery with this id and this public key is in progress that this user may act on";
    Problem::new(ProblemType::RecoveryNotFound, detail)
}

fn code_invalid() -> Problem {
    let detail = "the recovery code was used, was replaced or never was one of this user's";
    Problem::new(ProblemType::RecoveryCodeInvalid, detail)
}
