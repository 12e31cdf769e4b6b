//! `CreateAlias`, `UpdateAlias`, `DeleteAlias`, `ListAliases`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::input::{epoch_seconds, page};
use super::keys::list_response;
use crate::emulator::authorization;
use crate::emulator::error::KmsError;
use crate::emulator::keys::{Alias, Keyring};
use crate::emulator::reference::{ALIAS_PREFIX, Named, check_alias_name};
use crate::emulator::service::Invocation;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfAlias {
    alias_name: Option<String>,
    target_key_id: Option<String>,
}

pub(super) fn create(invocation: &Invocation<'_>, input: &OfAlias) -> Result<Value, KmsError> {
    let name = input.name()?;
    check_alias_name(name)?;
    let mut store = invocation.service.store();
    let target = input.target(invocation, store.keyring())?;
    let alias_arn = store.keyring().alias_arn(name);
    authorization::by_iam(invocation.identity, &invocation.action, &alias_arn)?;
    invocation.about(&target).authorize(&target.key.policy)?;
    target.key.not_pending(&target.arn)?;
    let (now_ms, target) = (invocation.now_ms(), target.key.id);
    store.change(now_ms, |keyring| {
        if keyring.aliases.contains_key(name) {
            return Err(KmsError::new(
                "AlreadyExistsException",
                format!("An alias with the name {alias_arn} already exists"),
            ));
        }
        let alias = Alias {
            target,
            created_ms: now_ms,
            updated_ms: now_ms,
        };
        keyring.aliases.insert(name.to_owned(), alias);
        Ok(Value::Null)
    })
}

pub(super) fn update(invocation: &Invocation<'_>, input: &OfAlias) -> Result<Value, KmsError> {
    let name = input.name()?;
    let mut store = invocation.service.store();
    let target = input.target(invocation, store.keyring())?;
    let old = old_target(invocation, store.keyring(), name)?;
    authorize(invocation, store.keyring(), name, &[&old, &target])?;
    target.key.not_pending(&target.arn)?;
    let (now_ms, target) = (invocation.now_ms(), target.key.id);
    store.change(now_ms, |keyring| {
        if let Some(alias) = keyring.aliases.get_mut(name) {
            alias.target = target;
            alias.updated_ms = now_ms;
        }
        Ok(Value::Null)
    })
}

pub(super) fn delete(invocation: &Invocation<'_>, input: &OfAlias) -> Result<Value, KmsError> {
    let name = input.name()?;
    let mut store = invocation.service.store();
    let old = old_target(invocation, store.keyring(), name)?;
    authorize(invocation, store.keyring(), name, &[&old])?;
    store.change(invocation.now_ms(), |keyring| {
        keyring.aliases.remove(name);
        Ok(Value::Null)
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListAliases {
    key_id: Option<String>,
    limit: Option<i64>,
    marker: Option<String>,
}

pub(super) fn list(invocation: &Invocation<'_>, input: &ListAliases) -> Result<Value, KmsError> {
    authorization::by_iam(invocation.identity, &invocation.action, "*")?;
    let store = invocation.service.store();
    let keyring = store.keyring();
    let only = match &input.key_id {
        Some(_) => {
            let named = invocation.key_without_alias(keyring, input.key_id.as_ref())?;
            Some(named.key.id)
        }
        None => None,
    };
    let aliases = keyring
        .aliases
        .iter()
        .filter(|(_, alias)| only.is_none_or(|id| alias.target == id))
        .filter(|(_, alias)| keyring.key(alias.target, invocation.now_ms()).is_some())
        .map(|(name, alias)| {
            let entry = json!({
                "AliasArn": keyring.alias_arn(name),
                "AliasName": name,
                "CreationDate": epoch_seconds(alias.created_ms),
                "LastUpdatedDate": epoch_seconds(alias.updated_ms),
                "TargetKeyId": alias.target.to_string(),
            });
            (name.clone(), entry)
        })
        .collect();
    let (aliases, next) = page(aliases, input.limit, input.marker.as_ref())?;
    Ok(list_response("Aliases", aliases, next))
}

impl OfAlias {
    fn name(&self) -> Result<&str, KmsError> {
        self.alias_name
            .as_deref()
            .ok_or_else(|| KmsError::missing("aliasName"))
    }

    fn target<'k>(
        &self,
        invocation: &Invocation<'_>,
        keyring: &'k Keyring,
    ) -> Result<Named<'k>, KmsError> {
        if self.target_key_id.is_none() {
            return Err(KmsError::missing("targetKeyId"));
        }
        invocation.key_without_alias(keyring, self.target_key_id.as_ref())
    }
}

/// The key that an alias names now.
fn old_target<'k>(
    invocation: &Invocation<'_>,
    keyring: &'k Keyring,
    name: &str,
) -> Result<Named<'k>, KmsError> {
    let absent = || KmsError::not_found(format!("Alias {} is not found.", keyring.alias_arn(name)));
    if !name.starts_with(ALIAS_PREFIX) {
        return Err(absent());
    }
    invocation.key(keyring, Some(&name.to_owned()))
}

/// IAM must allow it for the alias, the key policies for the keys.
fn authorize(
    invocation: &Invocation<'_>,
    keyring: &Keyring,
    name: &str,
    keys: &[&Named<'_>],
) -> Result<(), KmsError> {
    let alias_arn = keyring.alias_arn(name);
    authorization::by_iam(invocation.identity, &invocation.action, &alias_arn)?;
    keys.iter()
        .try_for_each(|named| invocation.about(named).authorize(&named.key.policy))
}
