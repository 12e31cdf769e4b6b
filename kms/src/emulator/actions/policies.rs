//! `GetKeyPolicy`, `PutKeyPolicy`, and what every key policy must be.

use serde::Deserialize;
use serde_json::{Value, json};

use super::input::OfKey;
use crate::emulator::error::KmsError;
use crate::emulator::reference::Named;
use crate::emulator::service::Invocation;
use crate::policy::PolicyDocument;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetKeyPolicy {
    #[serde(flatten)]
    of: OfKey,
    policy_name: Option<String>,
}

pub(super) fn show(invocation: &Invocation<'_>, input: &GetKeyPolicy) -> Result<Value, KmsError> {
    let store = invocation.service.store();
    let named = invocation.key_without_alias(store.keyring(), input.of.key_id.as_ref())?;
    invocation.about(&named).authorize(&named.key.policy)?;
    check_name(input.policy_name.as_ref())?;
    Ok(json!({"Policy": named.key.policy, "PolicyName": NAME}))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutKeyPolicy {
    key_id: Option<String>,
    policy_name: Option<String>,
    policy: Option<String>,
    bypass_policy_lockout_safety_check: Option<bool>,
}

pub(super) fn put(invocation: &Invocation<'_>, input: PutKeyPolicy) -> Result<Value, KmsError> {
    let mut store = invocation.service.store();
    let named = invocation.key_without_alias(store.keyring(), input.key_id.as_ref())?;
    let bypass = input.bypass_policy_lockout_safety_check.unwrap_or_default();
    invocation
        .about(&named)
        .with(|values| values.with("kms:BypassPolicyLockoutSafetyCheck", bypass.to_string()))
        .authorize(&named.key.policy)?;
    check_name(input.policy_name.as_ref())?;
    let policy = checked(input.policy.ok_or_else(|| KmsError::missing("policy"))?)?;
    if !bypass {
        check_lockout(invocation, &named, &policy)?;
    }
    let id = named.key.id;
    store.change(invocation.now_ms(), |keyring| {
        if let Some(key) = keyring.keys.get_mut(&id) {
            key.policy = policy;
        }
        Ok(Value::Null)
    })
}

/// A policy that can be evaluated.
pub(super) fn checked(policy: String) -> Result<String, KmsError> {
    match PolicyDocument::parse(&policy) {
        Ok(_) => Ok(policy),
        Err(error) => Err(KmsError::new(
            "MalformedPolicyDocumentException",
            error.to_string(),
        )),
    }
}

/// Refuses a policy under which the caller could not change it again.
pub(super) fn check_lockout(
    invocation: &Invocation<'_>,
    named: &Named<'_>,
    policy: &str,
) -> Result<(), KmsError> {
    invocation
        .about_action("kms:PutKeyPolicy", named)
        .authorize(policy)
        .map_err(|_| {
            KmsError::new(
                "MalformedPolicyDocumentException",
                "The new key policy will not allow you to update the key policy in the future.",
            )
        })
}

/// The policy of a key that was made without one: IAM decides everything.
pub(in crate::emulator) fn default_policy(account: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
    .to_string()
}

fn check_name(name: Option<&String>) -> Result<(), KmsError> {
    match name {
        Some(name) if name != NAME => Err(KmsError::not_found("No such policy exists")),
        _ => Ok(()),
    }
}

/// The one name that key policies have.
const NAME: &str = "default";
