//! Whether a statement is about a request, as far as this program can tell.

use crate::policy::condition::{Condition, ContextValues};
use crate::policy::operator::{SetOperator, Test};
use crate::policy::principal::Match;
use crate::policy::wildcard;
use crate::policy::written::{Element, Statement};

use super::evaluate::{Caller, Request};

/// How certain it is. `Maybe` counts for an allowance, and not for a denial.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Certainty {
    No,
    Maybe,
    Yes,
}

impl Certainty {
    fn of(certain: bool) -> Self {
        if certain { Self::Yes } else { Self::No }
    }

    fn negated(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }

    fn negated_if(self, negated: bool) -> Self {
        if negated { self.negated() } else { self }
    }
}

/// Whether a statement's actions, resources and conditions are about a request; its principals are another question.
pub(super) fn means(statement: &Statement, variables: bool, request: &Request<'_>) -> Certainty {
    let action = statement
        .actions
        .entries
        .iter()
        .any(|pattern| pattern.matches(request.action));
    let action = Certainty::of(action != statement.actions.negated);
    statement
        .conditions
        .iter()
        .map(|condition| holds(condition, variables, request.caller))
        .fold(
            action.min(covers(&statement.resources, variables, request.resource)),
            Certainty::min,
        )
}

/// How a statement's principals are about the caller, and how certain that is.
pub(super) fn names(statement: &Statement, caller: &Caller<'_>) -> (Match, Certainty) {
    let Element { negated, entries } = &statement.principals;
    let matched = entries
        .iter()
        .map(|principal| caller.matches(principal))
        .max()
        .unwrap_or(Match::No);
    match (negated, matched) {
        (false, Match::No) | (true, Match::ByName) => (Match::No, Certainty::No),
        (false, matched) => (matched, Certainty::Yes),
        (true, Match::No) => (Match::ByName, Certainty::Yes),
        // An account that is named beside its users and roles: AWS's documents do not say what it is alone.
        (true, Match::ByAccount) => (Match::ByName, Certainty::Maybe),
    }
}

/// Whether the resources include this one, which may itself stand for several by its wildcards.
fn covers(resources: &Element<String>, variables: bool, resource: &str) -> Certainty {
    let covered = resources.entries.iter().map(|entry| {
        let open = variables && entry.contains("${");
        let pattern = if open {
            without_variables(entry)
        } else {
            entry.clone()
        };
        let inexact = open || (pattern.contains('?') && wildcard::is_pattern(resource));
        if !inexact && wildcard::matches(&pattern, resource) {
            Certainty::Yes
        } else if wildcard::overlap(&pattern, resource) {
            Certainty::Maybe
        } else {
            Certainty::No
        }
    });
    let covered = covered.max().unwrap_or(Certainty::No);
    covered.negated_if(resources.negated)
}

/// Whether a condition holds. Only what follows from who calls is known of a request.
fn holds(condition: &Condition, variables: bool, caller: &Caller<'_>) -> Certainty {
    let cannot = condition.operator.refusal();
    if cannot
        .or_else(|| condition.value_refusal(variables))
        .is_some()
    {
        return Certainty::Maybe;
    }
    match caller {
        Caller::Known { arn, account, .. } => {
            let known = ContextValues::from([
                (PRINCIPAL_ARN.to_owned(), vec![(*arn).to_owned()]),
                (PRINCIPAL_ACCOUNT.to_owned(), vec![(*account).to_owned()]),
            ]);
            match known.contains_key(condition.key.lowercase()) {
                true => Certainty::of(condition.holds(&known)),
                false => Certainty::Maybe,
            }
        }
        // Whoever it is, it is none of those that are named.
        Caller::Anyone { .. }
            if condition.key.lowercase() == PRINCIPAL_ARN
                && condition
                    .operator
                    .set
                    .is_none_or(|set| set == SetOperator::ForAllValues)
                && matches!(
                    condition.operator.test,
                    Test::ArnLike | Test::StringEquals | Test::StringLike
                )
                && !condition
                    .values
                    .iter()
                    .any(|value| wildcard::is_pattern(value)) =>
        {
            Certainty::of(condition.operator.negated)
        }
        Caller::Anyone { .. } => Certainty::Maybe,
    }
}

/// The pattern with `*` in the place of each policy variable.
fn without_variables(text: &str) -> String {
    let mut parts = text.split("${");
    let mut pattern = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        pattern.push('*');
        pattern.push_str(part.split_once('}').map_or("*", |(_, rest)| rest));
    }
    pattern
}

const PRINCIPAL_ARN: &str = "aws:principalarn";
const PRINCIPAL_ACCOUNT: &str = "aws:principalaccount";
