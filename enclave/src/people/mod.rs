//! People: they register with a passkey, have a key that never leaves the enclave, and store nothing in the browser
//! (docs/people.md).
//!
//! - [`People`]: everything that the API offers them. [`PeopleConfig`]: what the measured configuration says of them.
//! - [`User`]: the one sealed record of a user. [`Claim`], [`LinkRecord`] and [`Waiting`]: the other sealed records of people.
//! - [`Challenges`]: what passkeys sign: always the hash of the very request that is approved.
//!
//! No decision here depends on what the parent says: sessions and passkeys are in sealed records, and time is the enclave's.

mod account;
mod approval;
mod budgets;
mod challenge;
mod claims;
mod codes;
mod config;
mod guardians;
mod links;
mod passkey;
mod records;
mod recovery;
mod registration;
mod scope;
mod session;
mod sweeping;
mod user;
mod view;

use std::sync::Arc;
use std::time::Duration;

use ciborium::Value;
use permafrost_common::api::people::{Challenge, Conveyance};
use permafrost_common::problem::{Problem, ProblemType};

pub use approval::{Approval, Approved};
pub use challenge::{Challenges, approval_challenge, request_digest};
pub use claims::Claim;
pub use config::PeopleConfig;
pub(crate) use config::PeopleSection;
pub use guardians::Waiting;
pub use links::LinkRecord;
pub use records::PeopleRecords;
pub use session::{NamedSession, is_session};
pub use user::User;

use crate::clock::Clock;
use crate::hash::sha256_of;
use crate::limits::Limits;
use crate::principal::{USER_PREFIX, UserId};
use crate::records::{PutError, Versioned};
use budgets::{Arrivals, Visitors};

/// How many times a change is attempted when other changes come first.
const ATTEMPTS: usize = 4;

/// The users of one deployment.
pub struct People {
    config: PeopleConfig,
    deployment: String,
    records: Arc<PeopleRecords>,
    challenges: Challenges,
    visitors: Visitors,
    arrivals: Arrivals,
    clock: Arc<Clock>,
}

impl People {
    /// The users of these records.
    ///
    /// # Errors
    /// The cryptographic library fails to give random bytes.
    pub fn new(
        config: PeopleConfig,
        deployment: String,
        limits: Limits,
        records: Arc<PeopleRecords>,
        clock: Arc<Clock>,
    ) -> Result<Self, aws_lc_rs::error::Unspecified> {
        Ok(Self {
            records,
            challenges: Challenges::new()?,
            visitors: Visitors::new(config.policy.requests_per_minute, &limits),
            arrivals: Arrivals::new(config.arrivals_per_minute),
            config,
            deployment,
            clock,
        })
    }

    /// The nonce for what a passkey is to sign: see [`Challenges`]. `purpose` is the id of an operation that takes a passkey's response.
    pub fn challenge(&self, purpose: &'static str) -> Result<Challenge, Problem> {
        let (nonce, expires_at) = self.challenges.issue(purpose, self.now().as_secs())?;
        Ok(Challenge {
            nonce: nonce.to_text(),
            expires_at,
            user_handle: (purpose == registration::REGISTER)
                .then(|| self.challenges.user_id(&nonce).to_string()),
            rp_id: self.config.relying_party.id().to_owned(),
            attestation: match self.config.relying_party.attestation_roots() {
                Some(_) => Conveyance::Direct,
                None => Conveyance::None,
            },
        })
    }

    /// The place of a user's record, which does not reveal the user's id to the store.
    fn place(&self, id: UserId) -> String {
        place("permafrost user", &self.deployment, &id.0)
    }

    /// The name of a user as the owner of keys.
    fn owner(&self, id: UserId) -> String {
        format!("{USER_PREFIX}{}", self.place(id))
    }

    async fn user(&self, id: UserId) -> Result<Versioned<User>, Problem> {
        self.records
            .users
            .get(&self.place(id))
            .await?
            .ok_or_else(|| {
                let detail = "there is no user with this id";
                Problem::new(ProblemType::UserNotFound, detail)
            })
    }

    /// Reads a user, changes it and writes it; starts over, a few times at most, when another change came first. `change` also gets the
    /// time, read after the store has responded.
    async fn change<T>(
        &self,
        id: UserId,
        change: impl Fn(&mut User, Duration) -> Result<T, Problem>,
    ) -> Result<(T, Versioned<User>), Problem> {
        for _ in 0..ATTEMPTS {
            let old = self.user(id).await?;
            let mut user = User::clone(&old.value);
            let outcome = change(&mut user, self.now())?;
            match self
                .records
                .users
                .put(&self.place(id), Some(old.version), user)
                .await
            {
                Ok(written) => return Ok((outcome, written)),
                Err(PutError::Problem(problem)) => return Err(problem),
                Err(PutError::Conflict) => {}
            }
        }
        Err(Problem::new(
            ProblemType::UserConflict,
            format!(
                "other requests changed the user during each of {ATTEMPTS} attempts; nothing was done"
            ),
        ))
    }

    /// The enclave's time. A decision reads it after everything that it waits for, never before.
    fn now(&self) -> Duration {
        self.clock.now()
    }
}

fn random<const LEN: usize>() -> Result<[u8; LEN], Problem> {
    let mut random = [0; LEN];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| {
        Problem::new(
            ProblemType::Internal,
            "the cryptographic library gave no random bytes",
        )
    })?;
    Ok(random)
}

/// The place of a record that is found by a value which the store must not learn: 32 hex digits.
fn place(kind: &str, deployment: &str, secret: &[u8]) -> String {
    let digest = sha256_of(vec![
        Value::from(kind),
        Value::from(deployment),
        Value::Bytes(secret.to_vec()),
    ]);
    hex::encode(digest.get(..16).unwrap_or_default())
}
