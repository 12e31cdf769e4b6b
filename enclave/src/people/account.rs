//! What users decide about themselves: their policy, their recovery codes, their guardians.

use permafrost_common::api::people::{
    Guardians as GuardiansView, RecoveryCodes, Scope, User as UserView,
};
use permafrost_common::problem::Problem;
use serde_bytes::ByteArray;
use std::collections::BTreeSet;

use super::codes::{grouped, hash, new_letters};
use super::recovery::user_id;
use super::scope::Narrowing;
use super::user::Guardians;
use super::{Approved, People};
use crate::principal::{OperationName, Person, UserId};

/// How many recovery codes a user gets at once.
const CODES: u8 = 10;

/// The most guardians of a user.
const GUARDIANS_MAX: usize = 10;

impl People {
    /// The user who sent the request.
    pub async fn show_user(&self, person: Person) -> Result<UserView, Problem> {
        let user = self.user(person.user).await?;
        Ok(self.user_view(&user.value))
    }

    /// Narrows what the user's sessions may do, or removes that limit.
    pub async fn set_policy(&self, approved: &Approved, scope: Scope) -> Result<UserView, Problem> {
        let policy = Narrowing::parse(Some(scope), "")?;
        if !policy.leaves(OperationName::SetPolicy) {
            let accepted = "no list, or one with set_policy: without it no session could ever change the policy again";
            return Err(Problem::field(
                "/operations",
                "a list without set_policy",
                accepted,
            ));
        }
        self.change_approved(approved, ("policy_set", ""), |user, _| {
            user.policy = policy.clone();
            Ok(())
        })
        .await
    }

    /// Makes ten new recovery codes, which replace all earlier ones.
    pub async fn create_recovery_codes(
        &self,
        approved: &Approved,
    ) -> Result<RecoveryCodes, Problem> {
        let mut codes = Vec::new();
        let mut hashes = Vec::new();
        for number in 0..CODES {
            let letters = new_letters()?;
            codes.push(format!("{number}-{}", grouped(&letters)));
            hashes.push(hash(number, letters).await?);
        }
        self.change_approved(approved, ("recovery_codes_made", ""), |user, _| {
            user.recovery_codes = hashes.clone();
            Ok(())
        })
        .await?;
        Ok(RecoveryCodes { codes })
    }

    /// Sets which other users may together begin a recovery.
    pub async fn set_guardians(
        &self,
        approved: &Approved,
        request: &GuardiansView,
    ) -> Result<UserView, Problem> {
        let guardians = self.guardians(approved.user, request).await?;
        self.change_approved(approved, ("guardians_set", ""), |user, _| {
            user.guardians = guardians.clone();
            user.judge_approvals();
            Ok(())
        })
        .await
    }

    async fn guardians(&self, of: UserId, request: &GuardiansView) -> Result<Guardians, Problem> {
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
            if id == of || !users.insert(id) {
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
