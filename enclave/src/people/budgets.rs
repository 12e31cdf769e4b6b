//! What people may use, each for themselves: so that no user, and no stranger, uses up what others need.
//!
//! Whoever has proved nothing is charged nothing: a wrong code or a wrong signature takes its turn among the requests of strangers, and
//! takes nothing from a user. What is proved is charged to the user that it is proved of, or, where there is no user yet, to all
//! newcomers of its kind together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use permafrost_common::problem::{Problem, ProblemType};

use crate::auth::{NonceRoom, Presence, Rate};
use crate::limits::Limits;
use crate::principal::UserId;

/// How many users this enclave remembers at once: those of the last minute or two.
const VISITORS_MAX: usize = 50_000;

/// How many nonces of users' requests are remembered at once, over all users: some 30 MB. There is an eighth more for what ends
/// another's access.
const NONCES_MAX: usize = 400_000;

/// How many approvals by passkeys, logins among them, a user may give in a minute.
const APPROVALS_PER_MINUTE: u32 = 60;

/// How many signatures of passkeys that are not active yet, which complete recoveries, are accepted for a user in a minute.
const COMPLETIONS_PER_MINUTE: u32 = 20;

/// What begins without a user to charge, each kind with a budget of its own.
pub(super) struct Arrivals {
    per_minute: u32,
    registrations: Mutex<Rate>,
    links: Mutex<Rate>,
    recoveries: Mutex<Rate>,
}

impl Arrivals {
    pub(super) fn new(per_minute: u32) -> Self {
        let rate = || Mutex::new(Rate::per_minute(per_minute));
        Self {
            per_minute,
            registrations: rate(),
            links: rate(),
            recoveries: rate(),
        }
    }

    /// Charges a registration whose passkey was checked.
    pub(super) fn registration(&self, now: Duration) -> Result<(), Problem> {
        self.take(&self.registrations, "registrations", now)
    }

    /// Charges the use of a link code that was right.
    pub(super) fn link(&self, now: Duration) -> Result<(), Problem> {
        self.take(&self.links, "links", now)
    }

    /// Charges a recovery that no code proves.
    pub(super) fn recovery(&self, now: Duration) -> Result<(), Problem> {
        self.take(&self.recoveries, "recoveries", now)
    }

    fn take(&self, rate: &Mutex<Rate>, what: &str, now: Duration) -> Result<(), Problem> {
        let mut rate = rate.lock().unwrap_or_else(PoisonError::into_inner);
        rate.take(now).map_err(|seconds| {
            let detail = format!("{} {what} may begin per minute", self.per_minute);
            Problem::new(ProblemType::RateLimited, detail).retry_after(seconds)
        })
    }
}

/// What one user has left.
pub(super) struct Visitor {
    /// For requests of the user's sessions, all together.
    pub(super) requests: Presence,
    approvals: Mutex<Rate>,
    completions: Mutex<Rate>,
}

/// The users who were here lately.
pub(super) struct Visitors {
    per_minute: u32,
    limits: Limits,
    /// After this time a user who sent nothing has a full budget, and every nonce of theirs has expired: nothing is lost if they are
    /// forgotten.
    forget_after: Duration,
    room: NonceRoom,
    users: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    visitors: HashMap<UserId, (Arc<Visitor>, Duration)>,
    /// When those who may be forgotten were last looked for: a full map is not searched for each request.
    swept: Duration,
}

impl Visitors {
    pub(super) fn new(requests_per_minute: u32, limits: &Limits) -> Self {
        let window = limits.request_max_age_s + limits.clock_skew_s + 1;
        Self {
            per_minute: requests_per_minute,
            limits: *limits,
            forget_after: Duration::from_secs(window.max(60)),
            room: NonceRoom::of(NONCES_MAX),
            users: Mutex::default(),
        }
    }

    /// What a user has left, who has just proved to be that user.
    pub(super) fn presence(&self, user: UserId, now: Duration) -> Result<Arc<Visitor>, Problem> {
        let mut known = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((visitor, seen)) = known.visitors.get_mut(&user) {
            *seen = now.max(*seen);
            return Ok(Arc::clone(visitor));
        }
        if known.visitors.len() >= VISITORS_MAX && now >= known.swept + Duration::from_secs(1) {
            known.swept = now;
            let forget_after = self.forget_after;
            known
                .visitors
                .retain(|_, (_, seen)| now < *seen + forget_after);
        }
        if known.visitors.len() >= VISITORS_MAX {
            let detail = format!("{VISITORS_MAX} users are active in this enclave");
            return Err(Problem::new(ProblemType::Overloaded, detail).retry_after(10));
        }
        let visitor = Arc::new(Visitor {
            requests: Presence::sharing(self.per_minute, &self.limits, &self.room),
            approvals: Mutex::new(Rate::per_minute(APPROVALS_PER_MINUTE)),
            completions: Mutex::new(Rate::per_minute(COMPLETIONS_PER_MINUTE)),
        });
        known.visitors.insert(user, (Arc::clone(&visitor), now));
        Ok(visitor)
    }

    /// Charges a user for the signature of a passkey. One that is not active yet has a budget of its own: whoever begins a recovery of
    /// another's keeps that user neither from logging in nor from cancelling it.
    pub(super) fn charge(
        &self,
        user: UserId,
        is_active: bool,
        now: Duration,
    ) -> Result<(), Problem> {
        let visitor = self.presence(user, now)?;
        let (rate, limit) = match is_active {
            true => (&visitor.approvals, APPROVALS_PER_MINUTE),
            false => (&visitor.completions, COMPLETIONS_PER_MINUTE),
        };
        let mut rate = rate.lock().unwrap_or_else(PoisonError::into_inner);
        rate.take(now).map_err(|seconds| {
            let detail = format!("a user's passkeys may sign {limit} requests per minute");
            Problem::new(ProblemType::RateLimited, detail).retry_after(seconds)
        })
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use permafrost_common::http_signature::{
        Algorithm, AttestationDigest, SignedRequest, SigningKey, fresh_nonce, sign_request,
    };

    use super::*;
    use crate::auth::{Authenticator, Charge};

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn user(number: usize) -> UserId {
        let mut id = [0; UserId::LEN];
        id[..8].copy_from_slice(&number.to_be_bytes());
        UserId(id)
    }

    fn kind(result: Result<(), Problem>) -> Option<ProblemType> {
        result.err().and_then(|problem| problem.kind())
    }

    #[test]
    fn one_users_passkeys_use_up_no_other_users_budget() {
        let visitors = Visitors::new(120, &Limits::default());
        let taken = (0..1000).take_while(|_| visitors.charge(user(1), true, NOW).is_ok());
        assert_eq!(taken.count(), APPROVALS_PER_MINUTE as usize / 10);
        let refused = kind(visitors.charge(user(1), true, NOW));
        assert_eq!(refused, Some(ProblemType::RateLimited));
        assert_eq!(visitors.charge(user(2), true, NOW), Ok(()));
    }

    #[test]
    fn completions_of_recoveries_take_nothing_from_logins() {
        let visitors = Visitors::new(120, &Limits::default());
        let taken = (0..1000).take_while(|_| visitors.charge(user(1), false, NOW).is_ok());
        assert_eq!(taken.count(), COMPLETIONS_PER_MINUTE as usize / 10);
        assert_eq!(visitors.charge(user(1), true, NOW), Ok(()));
    }

    #[test]
    fn each_kind_of_arrival_has_a_budget_of_its_own() {
        let arrivals = Arrivals::new(600);
        while arrivals.registration(NOW).is_ok() {}
        assert_eq!(arrivals.link(NOW), Ok(()));
        while arrivals.link(NOW).is_ok() {}
        let refused = kind(arrivals.link(NOW));
        assert_eq!(refused, Some(ProblemType::RateLimited));
        assert_eq!(arrivals.recovery(NOW), Ok(()));
    }

    #[test]
    fn the_nonces_of_all_users_share_one_room() {
        let limits = Limits::default();
        let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
        let boot = AttestationDigest::of(b"document");
        let authenticator = Authenticator::new(&[], &limits, boot);
        let visitors = Visitors {
            room: NonceRoom::of(2),
            ..Visitors::new(120, &limits)
        };
        let admit = |number| {
            let (mut parts, ()) = Request::get("/v1/user").body(()).unwrap().into_parts();
            let nonce = fresh_nonce().unwrap();
            sign_request(&mut parts, b"", &key, "a", NOW.as_secs(), &nonce, &boot).unwrap();
            let request = SignedRequest::parse(&parts, b"").unwrap();
            let visitor = visitors.presence(user(number), NOW).unwrap();
            kind(authenticator.admit(&request, &visitor.requests, Charge::Rate, NOW))
        };
        assert_eq!((admit(1), admit(2)), (None, None));
        assert_eq!(admit(3), Some(ProblemType::RateLimited));
    }

    #[test]
    fn the_memory_of_users_is_bounded_and_room_returns() {
        let visitors = Visitors::new(120, &Limits::default());
        for number in 0..VISITORS_MAX {
            visitors.presence(user(number), NOW).unwrap();
        }
        let refused = visitors.presence(user(VISITORS_MAX), NOW).err().unwrap();
        assert_eq!(refused.kind(), Some(ProblemType::Overloaded));
        assert!(
            visitors.presence(user(0), NOW).is_ok(),
            "who is known stays"
        );
        let later = NOW + visitors.forget_after;
        assert!(visitors.presence(user(VISITORS_MAX), later).is_ok());
        assert_eq!(visitors.users.lock().unwrap().visitors.len(), 1);
    }
}
