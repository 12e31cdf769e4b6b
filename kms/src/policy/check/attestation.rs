//! Whether the conditions of a statement bind the use of the key to measured enclaves.

use std::collections::{BTreeMap, BTreeSet};

use permafrost_common::attestation::PCR_LEN;

use super::super::condition::Condition;
use super::super::operator::{SetOperator, Test};
use super::super::wildcard;
use super::Rule;

/// The bypasses that conditions leave open: none if every request that they let through comes from an enclave whose image
/// is fixed. `demands` are conditions that denials elsewhere put on the same request.
pub(super) fn bypasses(conditions: &[Condition], demands: &[Condition]) -> BTreeSet<Rule> {
    let own = Bindings::of(conditions);
    if own.are_enough() {
        return own.debug_bypasses();
    }
    let all = Bindings::of(conditions.iter().chain(demands));
    if all.are_enough() {
        return all.debug_bypasses();
    }
    own.loose_bypasses()
}

/// A PCR value that no enclave can have, so that no request meets the condition.
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

/// What conditions require of attestation.
#[derive(Default)]
struct Bindings {
    /// Those of PCR0, PCR1 and PCR2 whose values are fixed, each with the greatest number of values that it may have.
    fixed: BTreeMap<u8, usize>,
    /// Whether a fixed PCR may be all zero.
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
                    // Every condition must hold, so the shortest list bounds the PCR.
                    let values = different(&condition.values);
                    let fewest = bindings.fixed.entry(pcr).or_insert(values);
                    *fewest = values.min(*fewest);
                    bindings.debug |= condition.values.iter().any(|value| is_zero(value));
                }
                Some(Err(rule)) => {
                    bindings.loose.insert(rule);
                }
            }
        }
        bindings
    }

    /// PCR0 measures the whole image, PCR1 the kernel and the program, PCR2 the configuration.
    fn are_enough(&self) -> bool {
        self.fixed.contains_key(&0) || (self.fix_both_halves() && !self.mix_releases())
    }

    fn fix_both_halves(&self) -> bool {
        self.fixed.contains_key(&1) && self.fixed.contains_key(&2)
    }

    /// KMS compares each PCR with its own list, so two lists accept every combination. With one value in either list there is
    /// none that was not meant.
    fn mix_releases(&self) -> bool {
        let several = |pcr| self.fixed.get(&pcr).is_some_and(|values| *values > 1);
        several(1) && several(2)
    }

    fn debug_bypasses(&self) -> BTreeSet<Rule> {
        self.debug.then_some(Rule::DebugPcr).into_iter().collect()
    }

    fn loose_bypasses(mut self) -> BTreeSet<Rule> {
        let mut bypasses = self.debug_bypasses();
        bypasses.append(&mut self.loose);
        if self.fix_both_halves() {
            bypasses.insert(Rule::MixedMeasurements);
        } else if !self.fixed.is_empty() {
            bypasses.insert(Rule::PartialMeasurement);
        }
        if bypasses.is_empty() {
            bypasses.insert(Rule::NoAttestation);
        }
        bypasses
    }
}

/// Which of PCR0, PCR1 and PCR2 a condition fixes, or why it fixes none; `None` if it is not about attestation.
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

/// Whether the value stands for one value only: no policy variable, and no wildcard where the test knows wildcards.
fn is_fixed(test: Test, value: &str) -> bool {
    !(value.contains("${") || (test == Test::StringLike && wildcard::is_pattern(value)))
}

/// How many measurements the values stand for; the case of hex digits makes no difference.
fn different(values: &[String]) -> usize {
    let values = values.iter().map(|value| value.to_ascii_lowercase());
    values.collect::<BTreeSet<_>>().len()
}

fn is_zero(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|digit| digit == b'0')
}
