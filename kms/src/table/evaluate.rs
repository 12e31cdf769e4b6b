//! Whether someone could make a request (IAM User Guide, "Policy evaluation logic", for requests within one account).

use crate::policy::WrittenPolicy;
use crate::policy::principal::{Match, Principal};
use crate::policy::written::Effect;

use super::account::{Identity, Named};
use super::certainty::{Certainty, means, names};

/// Who makes a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Caller<'a> {
    /// A user, a role or the account's root user. Without an identity its policies are unknown.
    Known {
        arn: &'a str,
        account: &'a str,
        identity: Option<&'a Identity>,
    },
    /// Someone whom no policy names, of this account or another, whose own policies allow everything.
    Anyone { account: Option<&'a str> },
}

/// One request. The resource may have wildcards, and then stands for any of these.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) caller: &'a Caller<'a>,
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    /// The account of the resource.
    pub(super) owner: &'a str,
    /// The policy that the resource has.
    pub(super) policy: Option<&'a WrittenPolicy>,
}

impl<'a> Caller<'a> {
    pub(super) fn matches(&self, principal: &Principal) -> Match {
        match (self, principal) {
            (_, Principal::Everyone) => Match::ByName,
            (Self::Known { arn, .. }, principal) => principal.matches(arn),
            (Self::Anyone { account: Some(own) }, Principal::Account { id, .. }) if own == id => {
                Match::ByAccount
            }
            (Self::Anyone { .. }, _) => Match::No,
        }
    }

    fn account(&self) -> Option<&'a str> {
        match self {
            Self::Known { account, .. } => Some(account),
            Self::Anyone { account } => *account,
        }
    }

    /// The policies that are attached to it; none if they are unknown.
    fn policies(&self) -> Option<&'a Identity> {
        match self {
            Self::Known { identity, .. } => *identity,
            Self::Anyone { .. } => None,
        }
    }
}

impl Request<'_> {
    /// Why it could be allowed; nothing if it certainly is not.
    pub(super) fn could(&self) -> Option<String> {
        let identity = self.caller.policies();
        let own = identity.map(|identity| identity.policies.as_slice());
        let own = own.unwrap_or_default();
        if self.denied_by_resource() || own.iter().any(|named| self.denied_by(named)) {
            return None;
        }
        if let Some((statement, matched)) = self.allowed_by_resource()
            && (matched == Match::ByName || self.is_from_outside())
        {
            return Some(format!("the resource's policy, {statement}"));
        }
        if self.is_from_outside() {
            return None;
        }
        let Some(identity) = identity else {
            return Some("its policies were not read".to_owned());
        };
        let bounded = identity.boundary.as_ref().is_some_and(|boundary| {
            self.denied_by(boundary) || self.allowed_by(boundary).is_none()
        });
        if bounded {
            return None;
        }
        own.iter().find_map(|named| self.allowed_by(named))
    }

    /// Why a role could be assumed, whose policy has to let the caller in by name or as one of its account.
    pub(super) fn could_assume(&self) -> Option<String> {
        self.allowed_by_resource()?;
        self.could()
    }

    /// Whether the caller is of another account, whose policies are unknown and never enough.
    fn is_from_outside(&self) -> bool {
        self.caller.account() != Some(self.owner)
    }

    fn denied_by_resource(&self) -> bool {
        self.policy.is_some_and(|policy| {
            policy.statements.iter().any(|statement| {
                statement.effect == Effect::Deny
                    && names(statement, self.caller).1 == Certainty::Yes
                    && means(statement, policy.variables, self) == Certainty::Yes
            })
        })
    }

    /// The statement of the resource's policy that allows it to the caller, by name if there is one.
    fn allowed_by_resource(&self) -> Option<(String, Match)> {
        let policy = self.policy?;
        let allowing = policy.statements.iter().filter_map(|statement| {
            let (matched, _) = names(statement, self.caller);
            let allows = statement.effect == Effect::Allow
                && matched != Match::No
                && means(statement, policy.variables, self) != Certainty::No;
            allows.then(|| (statement.name(), matched))
        });
        allowing.max_by_key(|(_, matched)| *matched)
    }

    fn denied_by(&self, named: &Named) -> bool {
        named.policy.as_ref().is_some_and(|policy| {
            policy.statements.iter().any(|statement| {
                statement.effect == Effect::Deny
                    && means(statement, policy.variables, self) == Certainty::Yes
            })
        })
    }

    fn allowed_by(&self, named: &Named) -> Option<String> {
        let name = &named.name;
        let Some(policy) = &named.policy else {
            return Some(format!("the policy {name}, which could not be read"));
        };
        let mut statements = policy.statements.iter();
        let found = statements.find(|statement| {
            statement.effect == Effect::Allow
                && means(statement, policy.variables, self) != Certainty::No
        });
        found.map(|statement| format!("the policy {name}, {}", statement.name()))
    }
}
