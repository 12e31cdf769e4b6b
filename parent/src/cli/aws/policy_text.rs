//! A policy in a file.

use serde_json::Value;

/// The policy inside what `aws kms get-key-policy` and `aws dynamodb get-resource-policy` print, `{"Policy": "TEXT"}`; any other text
/// unchanged.
pub(crate) fn policy_text(text: String) -> String {
    match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(members)) => match members.get("Policy") {
            Some(Value::String(policy)) => policy.clone(),
            _ => text,
        },
        _ => text,
    }
}
