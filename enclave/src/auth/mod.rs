//! Authentication and authorisation: signed requests of principals, checked by the enclave's own clock.

mod policy;
mod rate;
mod replay;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use permafrost_common::http_signature::{AttestationDigest, PublicKey, SignedRequest};
use permafrost_common::problem::{Problem, ProblemType};

pub(crate) use policy::USER_PREFIX;
pub use policy::{KeyScope, OperationName, Policy};
pub(crate) use rate::Rate;
use replay::{ReplayMemory, Seen};

use crate::config::Limits;
use crate::people::UserId;

/// A service that the measured configuration names.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The `keyid` of its requests: 1 to 64 of `A-Z a-z 0-9 - _ .`.
    pub name: String,
    /// The key that verifies its requests.
    pub public_key: PublicKey,
    /// What it may do; everything else is denied.
    pub policy: Policy,
}

/// A principal whose request was checked.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The principal's name.
    pub name: String,
    /// What it may do.
    pub policy: Policy,
    /// The user, if the principal is a session.
    pub person: Option<Person>,
}

/// A user, by one of their sessions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Person {
    /// The user.
    pub user: UserId,
    /// The session, among the user's.
    pub session: [u8; 8],
}

/// Checks requests against the principals of the measured configuration.
pub struct Authenticator {
    known: HashMap<String, Known>,
    attestation: AttestationDigest,
    max_age: u64,
    skew: u64,
}

struct Known {
    principal: Principal,
    presence: Presence,
}

/// The memory of one principal's requests: how much of its rate is left, and which nonces it has used.
#[derive(Debug)]
pub struct Presence {
    per_minute: u32,
    state: Mutex<(Rate, ReplayMemory)>,
}

impl Authenticator {
    /// For the given principals; `attestation` is this boot's value of `X-Enclave-Attestation`.
    pub fn new(principals: &[Principal], limits: &Limits, attestation: AttestationDigest) -> Self {
        let known = principals
            .iter()
            .map(|principal| {
                let known = Known {
                    principal: principal.clone(),
                    presence: Presence::new(principal.policy.requests_per_minute, limits),
                };
                (principal.name.clone(), known)
            })
            .collect();
        Self {
            known,
            attestation,
            max_age: limits.request_max_age_s,
            skew: limits.clock_skew_s,
        }
    }

    /// Checks a request whose form and digest are already checked; `now` is the time since 1970.
    ///
    /// In this order: this boot, the principal, the signature, the time, the nonce, the rate. So a request that the parent makes up
    /// changes nothing here, and a replay does not use up the principal's rate.
    pub fn authenticate(&self, request: &SignedRequest, now: Duration) -> Result<Caller, Problem> {
        self.check_boot(request)?;
        let known = self.known.get(request.keyid()).ok_or_else(|| {
            Problem::new(
                ProblemType::UnknownPrincipal,
                format!("there is no principal {:?}", request.keyid()),
            )
        })?;
        self.check_signature(request, &known.principal.public_key, now)?;
        self.admit(request, &known.presence, now)?;
        Ok(Caller {
            name: known.principal.name.clone(),
            policy: known.principal.policy.clone(),
            person: None,
        })
    }

    /// Checks that the request is for this boot.
    pub fn check_boot(&self, request: &SignedRequest) -> Result<(), Problem> {
        if *request.attestation() != self.attestation {
            return Err(Problem::new(
                ProblemType::WrongEnclave,
                format!(
                    "the request is for the boot {}; this boot is {}",
                    request.attestation(),
                    self.attestation
                ),
            ));
        }
        Ok(())
    }

    /// Checks that this key signed the request, and that the request is recent.
    pub fn check_signature(
        &self,
        request: &SignedRequest,
        key: &PublicKey,
        now: Duration,
    ) -> Result<(), Problem> {
        request
            .verify(key)
            .map_err(|error| Problem::new(error.problem_type(), error.to_string()))?;
        self.check_time(request.created(), now.as_secs())
    }

    /// Uses the nonce of a request whose signature was checked, and counts it against the rate.
    pub fn admit(
        &self,
        request: &SignedRequest,
        presence: &Presence,
        now: Duration,
    ) -> Result<(), Problem> {
        let rate_limited = |retry_after| {
            let detail = format!(
                "{} may make {} requests per minute",
                request.keyid(),
                presence.per_minute
            );
            Problem::new(ProblemType::RateLimited, detail).retry_after(retry_after)
        };
        let mut state = presence
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (rate, replays) = &mut *state;
        let expires = request.created().saturating_add(self.max_age);
        match replays.remember(request.nonce(), expires, now.as_secs()) {
            Seen::New => {}
            Seen::Forgotten => {
                return Err(Problem::new(
                    ProblemType::RequestExpired,
                    "the request expired while it was judged",
                ));
            }
            Seen::Before => {
                return Err(Problem::new(
                    ProblemType::RequestReplayed,
                    "a request with this nonce was accepted before",
                ));
            }
            Seen::Full { retry_after } => return Err(rate_limited(retry_after)),
        }
        rate.take(now).map_err(rate_limited)
    }

    fn check_time(&self, created: u64, now: u64) -> Result<(), Problem> {
        let (oldest, newest) = (now.saturating_sub(self.max_age), now + self.skew);
        if (oldest..=newest).contains(&created) {
            return Ok(());
        }
        Err(Problem::new(
            ProblemType::RequestExpired,
            format!(
                "created is {created}; accepted: {oldest} to {newest}; the enclave's clock is at {now}"
            ),
        ))
    }
}

impl Presence {
    /// For a principal that has sent no request yet.
    pub fn new(per_minute: u32, limits: &Limits) -> Self {
        let window = limits.request_max_age_s + limits.clock_skew_s;
        Self {
            per_minute,
            state: Mutex::new((
                Rate::per_minute(per_minute),
                ReplayMemory::for_rate(per_minute, window),
            )),
        }
    }
}

#[cfg(test)]
mod tests;
