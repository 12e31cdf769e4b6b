//! What the denials of a policy cover.

use super::super::condition::Condition;
use super::super::operator::{Operator, SetOperator, Test};
use super::super::principal::Principal;
use super::super::wildcard;
use super::super::written::{Effect, Element, Statement};

/// The denials of a policy for this key.
pub(super) struct Denials<'a> {
    statements: Vec<&'a Statement>,
}

impl<'a> Denials<'a> {
    /// `key_arn` is the ARN of the key, if it is known.
    pub(super) fn of(statements: &'a [Statement], key_arn: Option<&str>) -> Self {
        let this_key = |resource: &String| {
            resource == "*" || key_arn.is_some_and(|arn| wildcard::matches(resource, arn))
        };
        Self {
            statements: statements
                .iter()
                .filter(|s| s.effect == Effect::Deny && !s.resources.negated)
                .filter(|s| s.resources.entries.iter().any(this_key))
                .collect(),
        }
    }

    /// Whether an action is denied to these principals, whatever the request.
    pub(super) fn cover(&self, principals: &Element<Principal>, action: &str) -> bool {
        self.of_action(principals, action)
            .any(|statement| statement.conditions.is_empty())
    }

    /// What a request of these principals must fulfil so that no denial stops the action: the opposite of each denial's
    /// condition, if it has exactly one condition and that has an opposite.
    pub(super) fn demands(&self, principals: &Element<Principal>, action: &str) -> Vec<Condition> {
        self.of_action(principals, action)
            .filter_map(|statement| match statement.conditions.as_slice() {
                [condition] => opposite(condition),
                _ => None,
            })
            .collect()
    }

    fn of_action(
        &self,
        principals: &Element<Principal>,
        action: &str,
    ) -> impl Iterator<Item = &'a Statement> {
        self.statements.iter().copied().filter(move |statement| {
            means(statement, action) && includes(&statement.principals, principals)
        })
    }
}

/// Whether a statement covers an action.
pub(super) fn means(statement: &Statement, action: &str) -> bool {
    let Element { negated, entries } = &statement.actions;
    entries.iter().any(|pattern| pattern.matches(action)) != *negated
}

/// Whether the principals of a denial include all those of an allowance. Compared by name only: that an account includes a
/// role is true, but not needed.
fn includes(denied: &Element<Principal>, allowed: &Element<Principal>) -> bool {
    if denied.negated {
        return false;
    }
    denied.entries.contains(&Principal::Everyone)
        || (!allowed.negated && allowed.entries.iter().all(|p| denied.entries.contains(p)))
}

/// The condition that holds exactly when this one does not, if the check can use it.
fn opposite(condition: &Condition) -> Option<Condition> {
    let Operator { set, test, .. } = condition.operator;
    let (operator, values) = match test {
        Test::Null if set.is_none() && condition.values == ["true"] => {
            ("Null", vec!["false".to_owned()])
        }
        Test::StringEquals if negation(condition) => ("StringEquals", condition.values.clone()),
        Test::StringEqualsIgnoreCase if negation(condition) => {
            ("StringEqualsIgnoreCase", condition.values.clone())
        }
        Test::StringLike if negation(condition) => ("StringLike", condition.values.clone()),
        _ => return None,
    };
    Some(Condition {
        operator: Operator::parse(operator),
        key: condition.key.clone(),
        values,
    })
}

/// Whether the condition holds for a missing key and for every value that is not named.
fn negation(condition: &Condition) -> bool {
    condition.operator.negated && condition.operator.set != Some(SetOperator::ForAnyValue)
}
