//! `CreateKey`, `DescribeKey`, `ListKeys`, `ListResourceTags`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::input::{OfKey, SYMMETRIC_DEFAULT, epoch_seconds, no_grants, page};
use super::policies;
use crate::emulator::authorization;
use crate::emulator::error::KmsError;
use crate::emulator::keys::{Key, KeyState, Keyring, Material};
use crate::emulator::reference::Named;
use crate::emulator::service::Invocation;

/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 8192;

/// The most tags of a key.
const TAGS_MAX: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CreateKey {
    policy: Option<String>,
    description: Option<String>,
    key_usage: Option<String>,
    customer_master_key_spec: Option<String>,
    key_spec: Option<String>,
    origin: Option<String>,
    custom_key_store_id: Option<String>,
    xks_key_id: Option<String>,
    multi_region: Option<bool>,
    bypass_policy_lockout_safety_check: Option<bool>,
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    tag_key: String,
    tag_value: String,
}

pub(super) fn create(invocation: &Invocation<'_>, input: CreateKey) -> Result<Value, KmsError> {
    authorization::by_iam(invocation.identity, &invocation.action, "*")?;
    input.check_kind()?;
    let tags = input.checked_tags()?;
    let mut store = invocation.service.store();
    let policy = match input.policy {
        Some(policy) => policies::checked(policy)?,
        None => policies::default_policy(&store.keyring().account),
    };
    let key = Key {
        id: Uuid::new_v4(),
        material: Material::generate()?,
        policy,
        description: input.description.unwrap_or_default(),
        tags,
        created_ms: invocation.now_ms(),
        state: KeyState::Enabled,
    };
    let named = Named {
        arn: store.keyring().key_arn(key.id),
        key: &key,
        alias: None,
    };
    if !input.bypass_policy_lockout_safety_check.unwrap_or_default() {
        policies::check_lockout(invocation, &named, &key.policy)?;
    }
    store.change(invocation.now_ms(), |keyring| {
        let metadata = metadata(keyring, &key);
        keyring.keys.insert(key.id, key.clone());
        Ok(json!({"KeyMetadata": metadata}))
    })
}

pub(super) fn describe(invocation: &Invocation<'_>, input: &OfKey) -> Result<Value, KmsError> {
    no_grants(input.grant_tokens.as_ref())?;
    let store = invocation.service.store();
    let named = invocation.key(store.keyring(), input.key_id.as_ref())?;
    invocation.about(&named).authorize(&named.key.policy)?;
    Ok(json!({"KeyMetadata": metadata(store.keyring(), named.key)}))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListKeys {
    limit: Option<i64>,
    marker: Option<String>,
}

pub(super) fn list(invocation: &Invocation<'_>, input: &ListKeys) -> Result<Value, KmsError> {
    authorization::by_iam(invocation.identity, &invocation.action, "*")?;
    let store = invocation.service.store();
    let keyring = store.keyring();
    let keys = keyring
        .keys
        .keys()
        .filter(|id| keyring.key(**id, invocation.now_ms()).is_some())
        .map(|id| {
            let entry = json!({"KeyId": id.to_string(), "KeyArn": keyring.key_arn(id)});
            (id.to_string(), entry)
        })
        .collect();
    let (keys, next) = page(keys, input.limit, input.marker.as_ref())?;
    Ok(list_response("Keys", keys, next))
}

pub(super) fn list_tags(invocation: &Invocation<'_>, input: &OfKey) -> Result<Value, KmsError> {
    let store = invocation.service.store();
    let named = invocation.key_without_alias(store.keyring(), input.key_id.as_ref())?;
    invocation.about(&named).authorize(&named.key.policy)?;
    let tags = named.key.tags.iter();
    let tags = tags.map(|(key, value)| json!({"TagKey": key, "TagValue": value}));
    Ok(list_response("Tags", tags.collect(), None))
}

/// The response of every listing.
pub(super) fn list_response(member: &str, items: Vec<Value>, next: Option<String>) -> Value {
    let mut response = json!({member: items, "Truncated": next.is_some()});
    if let (Some(next), Some(members)) = (next, response.as_object_mut()) {
        members.insert("NextMarker".to_owned(), next.into());
    }
    response
}

impl CreateKey {
    /// Keys of one kind are made here. What KMS has beside it is unsupported, anything else wrong.
    fn check_kind(&self) -> Result<(), KmsError> {
        let spec = self
            .key_spec
            .as_ref()
            .or(self.customer_master_key_spec.as_ref());
        only("keyUsage", self.key_usage.as_ref(), "ENCRYPT_DECRYPT")?;
        only("keySpec", spec, SYMMETRIC_DEFAULT)?;
        only("origin", self.origin.as_ref(), "AWS_KMS")?;
        only(
            "customKeyStoreId",
            self.custom_key_store_id.as_ref(),
            "none",
        )?;
        only("xksKeyId", self.xks_key_id.as_ref(), "none")?;
        let multi_region = self.multi_region.unwrap_or_default().to_string();
        only("multiRegion", Some(&multi_region), "false")?;
        match &self.description {
            Some(text) if text.chars().count() > DESCRIPTION_MAX => Err(KmsError::constraint(
                "description",
                text,
                "Member must have length less than or equal to 8192",
            )),
            _ => Ok(()),
        }
    }

    fn checked_tags(&self) -> Result<BTreeMap<String, String>, KmsError> {
        let refuse = |problem: &str| Err(KmsError::new("TagException", problem));
        let given = self.tags.as_deref().unwrap_or_default();
        if given.len() > TAGS_MAX {
            return refuse("A key has at most 50 tags.");
        }
        let mut tags = BTreeMap::new();
        for Tag { tag_key, tag_value } in given {
            if !(1..=128).contains(&tag_key.chars().count()) || tag_value.chars().count() > 256 {
                return refuse("A tag's key has 1 to 128 characters, its value at most 256.");
            }
            if tag_key.starts_with("aws:") {
                return refuse("Tag keys that begin with aws: are reserved.");
            }
            if tags.insert(tag_key.clone(), tag_value.clone()).is_some() {
                return refuse("Duplicate tag keys");
            }
        }
        Ok(tags)
    }
}

fn only(member: &str, value: Option<&String>, accepted: &str) -> Result<(), KmsError> {
    match value {
        Some(value) if value != accepted => Err(KmsError::new(
            "UnsupportedOperationException",
            format!(
                "The development KMS makes no keys with {member} {value:?}; accepted: {accepted}."
            ),
        )),
        _ => Ok(()),
    }
}

fn metadata(keyring: &Keyring, key: &Key) -> Value {
    let (state, deletion) = match key.state {
        KeyState::Enabled => ("Enabled", None),
        KeyState::Disabled => ("Disabled", None),
        KeyState::PendingDeletion { at_ms } => ("PendingDeletion", Some(at_ms)),
    };
    let mut metadata = json!({
        "AWSAccountId": keyring.account,
        "Arn": keyring.key_arn(key.id),
        "CreationDate": epoch_seconds(key.created_ms),
        "CustomerMasterKeySpec": SYMMETRIC_DEFAULT,
        "Description": key.description,
        "Enabled": key.state == KeyState::Enabled,
        "EncryptionAlgorithms": [SYMMETRIC_DEFAULT],
        "KeyId": key.id.to_string(),
        "KeyManager": "CUSTOMER",
        "KeySpec": SYMMETRIC_DEFAULT,
        "KeyState": state,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": false,
        "Origin": "AWS_KMS",
    });
    if let (Some(at_ms), Some(members)) = (deletion, metadata.as_object_mut()) {
        members.insert("DeletionDate".to_owned(), epoch_seconds(at_ms));
    }
    metadata
}
