//! Condition operators, by their names.

use std::fmt;

use super::error::quoted;

/// A condition operator: `[ForAnyValue:|ForAllValues:]TEST[IfExists]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Operator {
    written: String,
    pub(crate) set: Option<SetOperator>,
    pub(crate) test: Test,
    /// Whether the test's outcome is inverted: `StringNotEquals`.
    pub(crate) negated: bool,
    /// Whether a missing key makes the condition true.
    pub(crate) if_exists: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SetOperator {
    ForAllValues,
    ForAnyValue,
}

/// What an operator compares, without its negation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Test {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    /// `ArnEquals` and `ArnLike` are the same.
    ArnLike,
    Bool,
    Null,
    /// Numbers, dates, addresses, binary values, and names that are not operators.
    Unsupported,
}

impl Operator {
    /// Reads an operator. Any text is accepted: an unknown one is unsupported.
    pub(super) fn parse(written: &str) -> Self {
        let (set, rest) = if let Some(rest) = written.strip_prefix("ForAllValues:") {
            (Some(SetOperator::ForAllValues), rest)
        } else if let Some(rest) = written.strip_prefix("ForAnyValue:") {
            (Some(SetOperator::ForAnyValue), rest)
        } else {
            (None, written)
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let (test, negated) = match name {
            "StringEquals" => (Test::StringEquals, false),
            "StringNotEquals" => (Test::StringEquals, true),
            "StringEqualsIgnoreCase" => (Test::StringEqualsIgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Test::StringEqualsIgnoreCase, true),
            "StringLike" => (Test::StringLike, false),
            "StringNotLike" => (Test::StringLike, true),
            "ArnEquals" | "ArnLike" => (Test::ArnLike, false),
            "ArnNotEquals" | "ArnNotLike" => (Test::ArnLike, true),
            "Bool" => (Test::Bool, false),
            "Null" => (Test::Null, false),
            _ => (Test::Unsupported, false),
        };
        Self {
            written: written.to_owned(),
            set,
            test,
            negated,
            if_exists,
        }
    }

    /// Why this program does not evaluate the operator, and which operators it evaluates.
    pub(crate) fn refusal(&self) -> Option<(String, &'static str)> {
        let problem = match self.test {
            Test::Unsupported => "is not supported",
            Test::Null if self.set.is_some() || self.if_exists => "does not exist",
            // Sources differ on how AWS evaluates it for a missing key.
            _ if self.if_exists && self.set == Some(SetOperator::ForAnyValue) => "is ambiguous",
            _ => return None,
        };
        Some((
            format!("the condition operator {} {problem}", quoted(&self.written)),
            ACCEPTED,
        ))
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

const ACCEPTED: &str = "StringEquals, StringNotEquals, StringEqualsIgnoreCase, StringNotEqualsIgnoreCase, StringLike, \
    StringNotLike, ArnEquals, ArnNotEquals, ArnLike, ArnNotLike, Bool, each perhaps with IfExists, ForAllValues: or (not \
    with IfExists) ForAnyValue:; Null";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accepted_operator_is_understood_in_all_its_forms() {
        let (plain, _) = ACCEPTED.split_once(", each").unwrap();
        for name in plain.split(", ") {
            for written in [
                name.to_owned(),
                format!("{name}IfExists"),
                format!("ForAllValues:{name}"),
                format!("ForAnyValue:{name}"),
                format!("ForAllValues:{name}IfExists"),
            ] {
                let operator = Operator::parse(&written);
                assert_eq!(operator.refusal(), None, "{written}");
                assert_eq!(operator.negated, name.contains("Not"), "{written}");
                assert_eq!(operator.if_exists, written.ends_with("IfExists"));
            }
        }
        assert_eq!(Operator::parse("Null").refusal(), None);
    }

    #[test]
    fn every_other_operator_is_refused_by_name() {
        for written in [
            "",
            "stringEquals",
            "StringEqual",
            "StringEqualsIfExist",
            "NumericEquals",
            "DateLessThan",
            "IpAddress",
            "BinaryEquals",
            "NullIfExists",
            "ForAnyValue:Null",
            "ForAnyValue:StringEqualsIfExists",
            "ForAllValue:StringEquals",
        ] {
            let (problem, _) = Operator::parse(written).refusal().unwrap();
            assert!(problem.contains(written), "{problem}");
        }
    }
}
