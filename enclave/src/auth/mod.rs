//! Authentication and authorisation: signed requests of principals, checked by the enclave's own clock.

mod rate;
mod replay;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use permafrost_common::http_signature::{AttestationDigest, PublicKey, SignedRequest};
use permafrost_common::problem::{Problem, ProblemType};

pub(crate) use rate::Rate;
pub(crate) use replay::NonceRoom;
use replay::{ReplayMemory, Seen};

use crate::limits::Limits;
use crate::principal::{Caller, Principal};

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
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rate: Rate,
    reserve: Rate,
    replays: ReplayMemory,
}

/// What a request is charged to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Charge {
    /// The principal's rate.
    Rate,
    /// A small rate of its own once the other is used up: for what ends another's access.
    Reserve,
}

/// How many requests a minute the reserve allows.
const RESERVE_PER_MINUTE: u32 = 20;

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
        self.admit(request, &known.presence, Charge::Rate, now)?;
        Ok(Caller {
            name: known.principal.name.clone(),
            policy: known.principal.policy.clone(),
            person: None,
            least_version: None,
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
        charge: Charge,
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
        let State {
            rate,
            reserve,
            replays,
        } = &mut *state;
        let expires = request.created().saturating_add(self.max_age);
        match replays.remember(request.nonce(), expires, now.as_secs(), charge) {
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
        match (rate.take(now), charge) {
            (Err(_), Charge::Reserve) => reserve.take(now),
            (taken, _) => taken,
        }
        .map_err(rate_limited)
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
        Self::sharing(per_minute, limits, &NonceRoom::of(usize::MAX))
    }

    /// For one of many principals whose nonces share a room.
    pub(crate) fn sharing(per_minute: u32, limits: &Limits, room: &NonceRoom) -> Self {
        let window = limits.request_max_age_s + limits.clock_skew_s;
        Self {
            per_minute,
            state: Mutex::new(State {
                rate: Rate::per_minute(per_minute),
                reserve: Rate::per_minute(RESERVE_PER_MINUTE),
                replays: ReplayMemory::for_rate(per_minute, window, room),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
