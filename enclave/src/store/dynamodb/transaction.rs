//! Transactions: one write with a condition, and others that happen with it or not at all.

use serde_json::{Value, json};

use super::error::Fault;
use super::item::form;
use crate::aws;
use crate::store::error::quotable;

/// The body of a `TransactWriteItems`, of which only the first write has a condition.
///
/// Its token makes attempts after the first harmless for ten minutes: DynamoDB answers them as the one that it has executed.
///
/// # Errors
///
/// [`Fault::Aws`] without randomness for the token.
pub(super) fn body(writes: Vec<Value>) -> Result<Value, Fault> {
    let mut token = [0; 16];
    aws_lc_rs::rand::fill(&mut token)
        .map_err(|_| aws::Fault::Internal("no randomness for a transaction".into()))?;
    let token = hex::encode(token);
    Ok(json!({"ClientRequestToken": token, "TransactItems": writes}))
}

/// How many writes a call's body has, if it is one.
pub(super) fn len(body: &Value) -> usize {
    let writes = body.get("TransactItems").and_then(Value::as_array);
    writes.map_or(0, Vec::len)
}

/// Reads why a transaction of this many writes was cancelled: the reason of its first write if its condition did not hold.
///
/// # Errors
///
/// [`Fault::Cancelled`] for another reason; [`Fault::Form`] says which rule the error breaks.
pub fn failed_condition(error: &Value, writes: usize) -> Result<Value, Fault> {
    let reasons = error.get("CancellationReasons").and_then(Value::as_array);
    let reasons =
        reasons.ok_or_else(|| form("a cancelled transaction has no array CancellationReasons"))?;
    if reasons.len() != writes {
        let found = reasons.len();
        return Err(Fault::Form(format!(
            "a cancelled transaction has {found} reasons; expected {writes}"
        )));
    }
    let mut decided = None;
    for (reason, item) in reasons.iter().zip(1..) {
        let code = reason.get("Code").and_then(Value::as_str);
        let code = code.ok_or_else(|| form("a CancellationReason has no text Code"))?;
        let is_passing = match code {
            "None" => continue,
            CONDITION_FAILED if item == 1 => return Ok(reason.clone()),
            code if PASSING.contains(&code) => true,
            code if LASTING.contains(&code) => false,
            code => {
                let code = quotable(code.as_bytes());
                return Err(Fault::Form(format!(
                    "the CancellationReason {item} is \"{code}\"; expected one that such a write has"
                )));
            }
        };
        let message = reason.get("Message").and_then(Value::as_str);
        let cancelled = Fault::Cancelled {
            code: code.to_owned(),
            item,
            message: quotable(message.unwrap_or_default().as_bytes()),
            is_passing,
        };
        // Another attempt helps only if all reasons pass.
        decided = decided.filter(|_| is_passing).or(Some(cancelled));
    }
    Err(decided.unwrap_or_else(|| form("a cancelled transaction has no reason but None")))
}

const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// The reasons that do not last (Amazon DynamoDB API Reference, "TransactWriteItems").
const PASSING: &[&str] = &[
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
    "TransactionConflict",
];

/// The reasons that do.
const LASTING: &[&str] = &[
    "AccessDenied",
    "DuplicateItem",
    "ItemCollectionSizeLimitExceeded",
    "ValidationError",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn cancelled(codes: &[&str]) -> Result<Value, Fault> {
        let reasons: Vec<_> = codes.iter().map(|code| json!({"Code": code})).collect();
        failed_condition(&json!({"CancellationReasons": reasons}), codes.len())
    }

    #[test]
    fn the_condition_of_the_first_write_decides() {
        for other in ["None", "TransactionConflict", "ValidationError"] {
            let failed = cancelled(&[CONDITION_FAILED, other]).unwrap();
            assert_eq!(failed["Code"], CONDITION_FAILED);
        }
    }

    #[test]
    fn a_transaction_is_tried_again_only_if_every_reason_passes() {
        for (codes, expected) in [
            (["None", "TransactionConflict", "None"], true),
            (["TransactionConflict", "ThrottlingError", "None"], true),
            (["ProvisionedThroughputExceeded", "None", "None"], true),
            (["TransactionConflict", "ValidationError", "None"], false),
            (["ValidationError", "TransactionConflict", "None"], false),
            (["None", "None", "DuplicateItem"], false),
        ] {
            let fault = cancelled(&codes).unwrap_err();
            assert_eq!(fault.is_passing(), expected, "{codes:?}: {fault}");
            assert!(fault.was_refused(), "{codes:?}: {fault}");
        }
    }

    #[test]
    fn an_error_of_another_form_is_refused_and_may_have_been_executed() {
        let long = "X".repeat(1000);
        for (error, rule) in [
            (json!({}), "no array"),
            (json!({"CancellationReasons": {}}), "no array"),
            (json!({"CancellationReasons": []}), "0 reasons; expected 2"),
            (
                json!({"CancellationReasons": [{"Code": CONDITION_FAILED}]}),
                "1 reasons",
            ),
            (
                json!({"CancellationReasons": [{"Code": "None"}, {}]}),
                "no text Code",
            ),
            (
                json!({"CancellationReasons": [{"Code": "None"}, {"Code": "None"}]}),
                "no reason",
            ),
            (
                json!({"CancellationReasons": [{"Code": "None"}, {"Code": CONDITION_FAILED}]}),
                "the CancellationReason 2",
            ),
            (
                json!({"CancellationReasons": [{"Code": long}, {"Code": "None"}]}),
                "the CancellationReason 1",
            ),
        ] {
            let fault = failed_condition(&error, 2).unwrap_err();
            let text = fault.to_string();
            assert!(text.contains(rule) && text.len() < 400, "{text}");
            assert!(!fault.is_passing() && !fault.was_refused(), "{text}");
        }
    }
}
