//! `EnableKey`, `DisableKey`, `ScheduleKeyDeletion`, `CancelKeyDeletion`.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::input::{OfKey, epoch_seconds};
use crate::emulator::error::KmsError;
use crate::emulator::keys::KeyState;
use crate::emulator::service::Invocation;
use crate::emulator::store::Store;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(super) fn enable(invocation: &Invocation<'_>, input: &OfKey) -> Result<Value, KmsError> {
    turn(invocation, input, KeyState::Enabled)
}

pub(super) fn disable(invocation: &Invocation<'_>, input: &OfKey) -> Result<Value, KmsError> {
    turn(invocation, input, KeyState::Disabled)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ScheduleKeyDeletion {
    #[serde(flatten)]
    of: OfKey,
    pending_window_in_days: Option<i64>,
}

pub(super) fn schedule_deletion(
    invocation: &Invocation<'_>,
    input: &ScheduleKeyDeletion,
) -> Result<Value, KmsError> {
    let given = input.pending_window_in_days.unwrap_or(30);
    let days = u64::try_from(given)
        .ok()
        .filter(|days| (7..=30).contains(days))
        .ok_or_else(|| {
            KmsError::constraint(
                "pendingWindowInDays",
                &given.to_string(),
                "Member must have value between 7 and 30, inclusive",
            )
        })?;
    let mut store = invocation.service.store();
    let named = invocation.key_without_alias(store.keyring(), input.of.key_id.as_ref())?;
    invocation
        .about(&named)
        .with(|values| {
            values.with(
                "kms:ScheduleKeyDeletionPendingWindowInDays",
                days.to_string(),
            )
        })
        .authorize(&named.key.policy)?;
    named.key.not_pending(&named.arn)?;
    let (id, arn) = (named.key.id, named.arn);
    let at_ms = invocation.now_ms() + days * DAY_MS;
    set(
        invocation,
        &mut store,
        id,
        KeyState::PendingDeletion { at_ms },
    )?;
    Ok(json!({
        "DeletionDate": epoch_seconds(at_ms),
        "KeyId": arn,
        "KeyState": "PendingDeletion",
        "PendingWindowInDays": days,
    }))
}

pub(super) fn cancel_deletion(
    invocation: &Invocation<'_>,
    input: &OfKey,
) -> Result<Value, KmsError> {
    let mut store = invocation.service.store();
    let named = invocation.key_without_alias(store.keyring(), input.key_id.as_ref())?;
    invocation.about(&named).authorize(&named.key.policy)?;
    if named.key.not_pending(&named.arn).is_ok() {
        return Err(KmsError::new(
            "KMSInvalidStateException",
            format!("{} is not pending deletion.", named.arn),
        ));
    }
    let (id, arn) = (named.key.id, named.arn);
    set(invocation, &mut store, id, KeyState::Disabled)?;
    Ok(json!({"KeyId": arn}))
}

fn turn(invocation: &Invocation<'_>, input: &OfKey, state: KeyState) -> Result<Value, KmsError> {
    let mut store = invocation.service.store();
    let named = invocation.key_without_alias(store.keyring(), input.key_id.as_ref())?;
    invocation.about(&named).authorize(&named.key.policy)?;
    named.key.not_pending(&named.arn)?;
    let id = named.key.id;
    set(invocation, &mut store, id, state)?;
    Ok(Value::Null)
}

fn set(
    invocation: &Invocation<'_>,
    store: &mut Store,
    id: Uuid,
    state: KeyState,
) -> Result<(), KmsError> {
    store.change(invocation.now_ms(), |keyring| {
        if let Some(key) = keyring.keys.get_mut(&id) {
            key.state = state;
        }
        Ok(())
    })
}
