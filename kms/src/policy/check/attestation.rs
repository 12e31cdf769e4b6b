//! Whether the conditions of a statement bind the use of the key to measured enclaves.

use std::collections::BTreeSet;

use permafrost_common::attestation::PCR_LEN;

use super::super::condition::Condition;
use super::super::operator::{SetOperator, Test};
use super::super::wildcard;
use super::Rule;

/// The roads that conditions leave open: none if every request that they let through comes from an enclave whose image
/// is fixed. `demands` are conditions that denials elsewhere put on the same request.
pub(super) fn roads(conditions: &[Condition], demands: &[Condition]) -> BTreeSet<Rule> {
    let own = Bindings::of(conditions);
    if own.are_enough() {
        return own.debug_roads();
    }
    let all = Bindings::of(conditions.iter().chain(demands));
    if all.are_enough() {
        return all.debug_roads();
    }
    own.loose_roads()
}

/// A value of a PCR that no enclave can have, and so nobody meets.
pub(super) fn impossible_value(condition: &Condition) -> Option<&str> {
    condition.key.pcr()?;
    let compares = matches!(
        condition.operator.test,
        Test::StringEquals | Test::StringEqualsIgnoreCase
    );
    let impossible = |value: &&String| {
        value.len() != 2 * PCR_LEN || !value.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let value = condition
        .values
        .iter()
        .filter(|_| compares && !condition.operator.negated)
        .find(impossible)?;
    (!value.contains("${")).then_some(value)
}

/// What conditions say of attestation.
#[derive(Default)]
struct Bindings {
    /// PCR0, PCR1 and PCR2, as far as their values are fixed.
    fixed: BTreeSet<u8>,
    /// Some fixed PCR may be all zero.
    debug: bool,
    /// What is wrong with the conditions that fix nothing.
    loose: BTreeSet<Rule>,
}

impl Bindings {
    fn of<'a>(conditions: impl IntoIterator<Item = &'a Condition>) -> Self {
        let mut bindings = Self::default();
        for condition in conditions {
            match binding(condition) {
                None => {}
                Some(Ok(pcr)) => {
                    bindings.fixed.insert(pcr);
                    bindings.debug |= condition.values.iter().any(|value| is_zero(value));
                }
                Some(Err(rule)) => {
                    bindings.loose.insert(rule);
                }
            }
        }
        bindings
    }

    /// PCR0 measures everything; PCR1 the kernel and the program, PCR2 the configuration.
    fn are_enough(&self) -> bool {
        self.fixed.contains(&0) || (self.fixed.contains(&1) && self.fixed.contains(&2))
    }

    fn debug_roads(&self) -> BTreeSet<Rule> {
        self.debug.then_some(Rule::DebugPcr).into_iter().collect()
    }

    fn loose_roads(mut self) -> BTreeSet<Rule> {
        let mut roads = self.debug_roads();
        roads.append(&mut self.loose);
        if !self.fixed.is_empty() {
            roads.insert(Rule::PartialMeasurement);
        }
        if roads.is_empty() {
            roads.insert(Rule::NoAttestation);
        }
        roads
    }
}

/// Which of PCR0, PCR1 and PCR2 a condition fixes, or why it fixes none; nothing if it is not about attestation.
fn binding(condition: &Condition) -> Option<Result<u8, Rule>> {
    if !condition.key.is_attestation() {
        return None;
    }
    let operator = &condition.operator;
    let optional = operator.if_exists || operator.set == Some(SetOperator::ForAllValues);
    Some(match operator.test {
        Test::Null if condition.values.iter().all(|value| value == "false") => {
            Err(Rule::AnyEnclave)
        }
        Test::Null => Err(Rule::AttestationOptional),
        Test::Unsupported | Test::Bool | Test::ArnLike => Err(Rule::NoAttestation),
        _ if optional => Err(Rule::AttestationOptional),
        _ if operator.negated => Err(Rule::AttestationNegated),
        test => match condition.key.pcr() {
            Some(pcr) if pcr <= 2 && condition.values.iter().all(|value| is_fixed(test, value)) => {
                Ok(pcr)
            }
            Some(0..=2) => Err(Rule::AttestationWildcard),
            _ => Err(Rule::UnmeasuredPcr),
        },
    })
}

/// Whether the value is one value: no wildcard where there are any, no policy variable.
fn is_fixed(test: Test, value: &str) -> bool {
    !(value.contains("${") || (test == Test::StringLike && wildcard::is_pattern(value)))
}

fn is_zero(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|digit| digit == b'0')
}
