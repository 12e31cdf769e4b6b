//! The conditions of a statement (IAM User Guide, "IAM JSON policy elements: Condition operators", "Set operators for
//! multi-valued context keys").

use std::collections::BTreeMap;
use std::fmt;

use super::error::quoted;
use super::key::ConditionKey;
use super::operator::{Operator, SetOperator, Test};
use super::wildcard;

/// One line of a `Condition`: an operator, a condition key, and the values of which any is accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    pub(crate) key: ConditionKey,
    pub(crate) values: Vec<String>,
}

/// The condition keys of a request in lower case, with their values. A key without values counts as missing.
pub(crate) type ContextValues = BTreeMap<String, Vec<String>>;

impl Condition {
    /// Whether the condition holds for a request. For conditions that [`Self::refusal`] accepts: one that cannot be
    /// evaluated never holds.
    pub(crate) fn holds(&self, request: &ContextValues) -> bool {
        let found = request
            .get(self.key.lowercase())
            .filter(|values| !values.is_empty());
        let Operator {
            set,
            negated,
            if_exists,
            ..
        } = self.operator;
        match (found, self.operator.test) {
            (_, Test::Unsupported) => false,
            (found, Test::Null) => self.any_value(if found.is_none() { "true" } else { "false" }),
            (None, _) => match set {
                Some(SetOperator::ForAllValues) => true,
                Some(SetOperator::ForAnyValue) => false,
                None => negated || if_exists,
            },
            (Some(found), _) => {
                let mut each = found.iter().map(|value| self.any_value(value) != negated);
                match (set, negated) {
                    (Some(SetOperator::ForAllValues), _) | (None, true) => each.all(|holds| holds),
                    (Some(SetOperator::ForAnyValue), _) | (None, false) => each.any(|holds| holds),
                }
            }
        }
    }

    /// Why the condition cannot be evaluated, and what would be accepted. `variables` says whether the policy's version has
    /// policy variables.
    pub(super) fn refusal(&self, variables: bool) -> Option<(String, &'static str)> {
        if let Some(refusal) = self.operator.refusal().or_else(|| self.key.refusal()) {
            return Some(refusal);
        }
        if self.key.is_multivalued()
            && self.operator.set.is_none()
            && self.operator.test != Test::Null
        {
            return Some((
                format!(
                    "{} has several values, and {} compares one",
                    self.key, self.operator
                ),
                "ForAnyValue: or ForAllValues: before the operator",
            ));
        }
        self.value_refusal(variables)
    }

    /// Why the values cannot be compared, and what would be accepted.
    pub(crate) fn value_refusal(&self, variables: bool) -> Option<(String, &'static str)> {
        let boolean = matches!(self.operator.test, Test::Bool | Test::Null);
        self.values.iter().find_map(|value| {
            if boolean && value != "true" && value != "false" {
                return Some((
                    format!("{} of {} is {}", self.operator, self.key, quoted(value)),
                    "true, false",
                ));
            }
            if self.operator.test == Test::ArnLike && !wildcard::is_arn_pattern(value) {
                return Some((
                    format!("{} of {} is {}", self.operator, self.key, quoted(value)),
                    "the six parts of an ARN, perhaps with wildcards: arn:*:iam::111122223333:role/*",
                ));
            }
            (variables && value.contains("${")).then(|| {
                (
                    format!("the policy variable in {}", quoted(value)),
                    "values without variables, or Version 2008-10-17",
                )
            })
        })
    }

    /// Whether one of the policy's values matches a value of the request.
    fn any_value(&self, found: &str) -> bool {
        self.values.iter().any(|accepted| match self.operator.test {
            Test::StringEquals => accepted == found,
            Test::StringEqualsIgnoreCase => accepted.to_lowercase() == found.to_lowercase(),
            Test::StringLike => wildcard::matches(accepted, found),
            Test::ArnLike => wildcard::matches_arn(accepted, found),
            Test::Bool | Test::Null => accepted.eq_ignore_ascii_case(found),
            Test::Unsupported => false,
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {}",
            self.key,
            self.operator,
            self.values.join(" or ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "kms:RecipientAttestation:PCR0";

    fn condition(operator: &str, values: &[&str]) -> Condition {
        Condition {
            operator: Operator::parse(operator),
            key: ConditionKey::new(KEY.to_owned()),
            values: values.iter().map(|&value| value.to_owned()).collect(),
        }
    }

    fn holds(operator: &str, accepted: &[&str], found: &[&str]) -> bool {
        let condition = condition(operator, accepted);
        assert_eq!(condition.operator.refusal(), None, "{operator}");
        let found = found.iter().map(|&value| value.to_owned()).collect();
        condition.holds(&BTreeMap::from([(KEY.to_lowercase(), found)]))
    }

    #[test]
    fn each_operator_compares_as_iam_says() {
        for (operator, accepted, found, expected) in [
            ("StringEquals", "abc", "abc", true),
            ("StringEquals", "abc", "ABC", false),
            ("StringEquals", "a*", "abc", false),
            ("StringNotEquals", "abc", "abc", false),
            ("StringNotEquals", "abc", "ABC", true),
            ("StringEqualsIgnoreCase", "abC", "Abc", true),
            ("StringEqualsIgnoreCase", "abc", "abd", false),
            ("StringNotEqualsIgnoreCase", "abC", "Abc", false),
            ("StringNotEqualsIgnoreCase", "abc", "abd", true),
            ("StringLike", "a?c*", "abcdef", true),
            ("StringLike", "a*", "Abc", false),
            ("StringNotLike", "a*", "abc", false),
            ("StringNotLike", "a*", "bcd", true),
            ("Bool", "true", "true", true),
            ("Bool", "true", "True", true),
            ("Bool", "false", "true", false),
            ("Null", "true", "abc", false),
            ("Null", "false", "abc", true),
            (
                "ArnEquals",
                "arn:aws:iam::1:role/*",
                "arn:aws:iam::1:role/a/b",
                true,
            ),
            (
                "ArnLike",
                "arn:*:iam::1:role/a",
                "arn:aws:iam::1:role/a",
                true,
            ),
            ("ArnLike", "arn:*:role/a", "arn:aws:iam::1:role/a", false),
            (
                "ArnNotEquals",
                "arn:aws:iam::1:role/*",
                "arn:aws:iam::1:role/a",
                false,
            ),
            (
                "ArnNotLike",
                "arn:aws:iam::1:role/*",
                "arn:aws:iam::2:role/a",
                true,
            ),
        ] {
            assert_eq!(
                holds(operator, &[accepted], &[found]),
                expected,
                "{operator} {accepted} {found}"
            );
        }
    }

    #[test]
    fn one_of_several_values_is_enough_and_a_negation_excludes_all_of_them() {
        assert!(holds("StringEquals", &["a", "b"], &["b"]));
        assert!(!holds("StringEquals", &["a", "b"], &["c"]));
        assert!(!holds("StringNotEquals", &["a", "b"], &["b"]));
        assert!(holds("StringNotEquals", &["a", "b"], &["c"]));
    }

    #[test]
    fn a_missing_key_matches_only_what_iam_says() {
        for (operator, value, expected) in [
            ("StringEquals", "a", false),
            ("StringEqualsIgnoreCase", "a", false),
            ("StringLike", "*", false),
            ("ArnLike", "arn:*:*:*:*:*", false),
            ("Bool", "true", false),
            ("Bool", "false", false),
            ("StringNotEquals", "a", true),
            ("StringNotEqualsIgnoreCase", "a", true),
            ("StringNotLike", "*", true),
            ("ArnNotLike", "arn:*:*:*:*:*", true),
            ("StringEqualsIfExists", "a", true),
            ("StringNotEqualsIfExists", "a", true),
            ("BoolIfExists", "true", true),
            ("Null", "true", true),
            ("Null", "false", false),
            ("ForAllValues:StringEquals", "a", true),
            ("ForAllValues:StringNotEquals", "a", true),
            ("ForAnyValue:StringEquals", "a", false),
            ("ForAnyValue:StringNotEquals", "a", false),
        ] {
            assert_eq!(holds(operator, &[value], &[]), expected, "{operator}");
        }
    }

    #[test]
    fn set_operators_compare_all_or_any_of_the_requests_values() {
        for (operator, accepted, found, expected) in [
            ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], true),
            ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], false),
            ("ForAnyValue:StringEquals", ["a", "b"], ["c", "b"], true),
            ("ForAnyValue:StringEquals", ["a", "b"], ["c", "d"], false),
            ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "d"], true),
            (
                "ForAllValues:StringNotEquals",
                ["a", "b"],
                ["c", "a"],
                false,
            ),
            ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "c"], true),
            ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "b"], false),
            ("ForAllValues:StringLike", ["a*", "b"], ["ax", "b"], true),
        ] {
            assert_eq!(
                holds(operator, &accepted, &found),
                expected,
                "{operator} {found:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_evaluated_is_refused_with_what_is_accepted() {
        for (condition, variables, problem) in [
            (condition("NumericEquals", &["1"]), true, "NumericEquals"),
            (condition("Bool", &["yes"]), true, "\"yes\""),
            (
                condition("StringLike", &["${aws:username}"]),
                true,
                "variable",
            ),
            (condition("ArnLike", &["*"]), true, "\"*\""),
        ] {
            let (found, accepted) = condition.refusal(variables).unwrap();
            assert!(found.contains(problem), "{found}");
            assert!(!accepted.is_empty());
        }
        let literal = condition("StringLike", &["${aws:username}"]);
        assert_eq!(literal.refusal(false), None);
        let many = Condition {
            key: ConditionKey::new("kms:EncryptionContextKeys".to_owned()),
            ..condition("StringEquals", &["deployment"])
        };
        assert!(many.refusal(true).is_some());
        let set = Condition {
            operator: Operator::parse("ForAllValues:StringEquals"),
            ..many
        };
        assert_eq!(set.refusal(true), None);
    }
}
