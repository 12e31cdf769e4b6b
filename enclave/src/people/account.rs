//! What users decide about themselves: their policy, their recovery codes, their guardians.

use std::collections::BTreeSet;
use std::time::Duration;

use permafrost_common::api::people::{
    Guardians as GuardiansView, RecoveryCodes, Scope, User as UserView,
};
use permafrost_common::problem::Problem;
use serde_bytes::ByteArray;

use super::codes::{grouped, hash, new_letters};
use super::recovery::user_id;
use super::scope::Narrowing;
use super::user::Guardians;
use super::{Approval, People};
use crate::auth::{OperationName, Person};

/// How many recovery codes a user gets at once.
const CODES: u8 = 10;

/// The most guardians of a user.
const GUARDIANS_MAX: usize = 10;

impl People {
    /// The user who sent the request.
    pub async fn show_user(&self, person: Person, now: Duration) -> Result<UserView, Problem> {
        let user = self.user(person.user).await?;
        Ok(self.user_view(&user.value, now))
    }

    /// Narrows what the user's sessions may do, or removes that limit.
    pub async fn set_policy(
        &self,
        person: Person,
        scope: Scope,
        approval: &Approval,
        now: Duration,
    ) -> Result<UserView, Problem> {
        let policy = Narrowing::parse(Some(scope), "")?;
        if !policy.leaves(OperationName::SetPolicy) {
            let accepted = "no list, or one with set_policy: without it no session could ever change the policy again";
            return Err(Problem::field(
                "/operations",
                "a list without set_policy",
                accepted,
            ));
        }
        self.change_approved(person, approval, now, ("policy_set", ""), |user| {
            user.policy = policy.clone();
            Ok(())
        })
        .await
    }

    /// Makes ten new recovery codes, which replace all earlier ones.
    pub async fn create_recovery_codes(
        &self,
        person: Person,
        approval: &Approval,
        now: Duration,
    ) -> Result<RecoveryCodes, Problem> {
        let used = self.approved(person, approval, now).await?;
        let mut codes = Vec::new();
        let mut hashes = Vec::new();
        for number in 0..CODES {
            let letters = new_letters()?;
            codes.push(format!("{number}-{}", grouped(&letters)));
            hashes.push(hash(number, letters).await?);
        }
        self.change(person.user, |user| {
            user.passkey_used(&used, now)?;
            user.recovery_codes = hashes.clone();
            user.note(now.as_secs(), "recovery_codes_made", "");
            Ok(())
        })
        .await?;
        Ok(RecoveryCodes { codes })
    }

    /// Sets which other users may together begin a recovery.
    pub async fn set_guardians(
        &self,
        person: Person,
        request: &GuardiansView,
        approval: &Approval,
        now: Duration,
    ) -> Result<UserView, Problem> {
        let guardians = self.guardians(person, request).await?;
        self.change_approved(person, approval, now, ("guardians_set", ""), |user| {
            user.guardians = guardians.clone();
            user.judge_approvals();
            Ok(())
        })
        .await
    }

    async fn guardians(
        &self,
        person: Person,
        request: &GuardiansView,
    ) -> Result<Guardians, Problem> {
        let count = request.users.len();
        let least = usize::from(count > 0);
        if count > GUARDIANS_MAX {
            return Err(Problem::field("/users", count.to_string(), "0 to 10 users"));
        }
        if !(least..=count).contains(&usize::from(request.threshold)) {
            let came = request.threshold.to_string();
            let accepted = "1 to the number of users, or 0 if there are no users";
            return Err(Problem::field("/threshold", came, accepted));
        }
        let mut users = BTreeSet::new();
        for (index, text) in request.users.iter().enumerate() {
            let field = format!("/users/{index}");
            let id = user_id(text, &field)?;
            if id == person.user || !users.insert(id) {
                let came = "the user's own id, or an id that is listed before";
                return Err(Problem::field(field, came, "other users, each once"));
            }
            self.user(id).await?;
        }
        Ok(Guardians {
            users: users.into_iter().map(|id| ByteArray::new(id.0)).collect(),
            threshold: request.threshold,
        })
    }
}
