//! Keys and policies that the emulator's own program makes: no policy is checked.

use std::collections::BTreeMap;

use permafrost_common::kms::KeyArn;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::EmulatorError;
use super::actions::default_policy;
use super::blob::{self, Blob};
use super::clock::unix_ms;
use super::error::KmsError;
use super::keys::{Key, KeyState, Keyring, Material};
use super::service::Service;
use crate::policy::PolicyDocument;

/// Makes a key.
pub(super) fn create_key(service: &Service, policy: Option<&str>) -> Result<KeyArn, EmulatorError> {
    let now_ms = unix_ms((service.clock)());
    let mut store = service.store();
    let policy = match policy {
        Some(policy) => PolicyDocument::parse(policy)?.as_str().to_owned(),
        None => default_policy(&store.keyring().account),
    };
    let key = Key {
        id: Uuid::new_v4(),
        material: Material::generate().map_err(|_| EmulatorError::NoRandomness)?,
        policy,
        description: String::new(),
        tags: BTreeMap::new(),
        created_ms: now_ms,
        state: KeyState::Enabled,
    };
    let arn = store.keyring().key_arn(key.id);
    let change = store.change(now_ms, |keyring| {
        keyring.keys.insert(key.id, key);
        Ok(())
    });
    change.map_err(not_kept)?;
    arn.parse()
        .map_err(|error| EmulatorError::NotKept(format!("{error}")))
}

/// Replaces a key's policy.
pub(super) fn put_policy(
    service: &Service,
    key: &KeyArn,
    policy: &str,
) -> Result<(), EmulatorError> {
    let policy = PolicyDocument::parse(policy)?.as_str().to_owned();
    let mut store = service.store();
    let now_ms = unix_ms((service.clock)());
    let id = find(store.keyring(), key, now_ms)?.id;
    let change = store.change(now_ms, |keyring| {
        if let Some(key) = keyring.keys.get_mut(&id) {
            key.policy = policy;
        }
        Ok(())
    });
    change.map_err(not_kept)
}

/// What `Encrypt` makes where a policy allows it.
pub(super) fn encrypt(
    service: &Service,
    key: &KeyArn,
    plaintext: &[u8],
    context: &BTreeMap<String, String>,
) -> Result<Vec<u8>, EmulatorError> {
    let store = service.store();
    let found = find(store.keyring(), key, unix_ms((service.clock)()))?;
    blob::seal(found.id, &found.material, context, plaintext).map_err(not_kept)
}

/// The plaintext of a ciphertext.
pub(super) fn reveal(
    service: &Service,
    ciphertext: &[u8],
    context: &BTreeMap<String, String>,
) -> Result<Zeroizing<Vec<u8>>, EmulatorError> {
    let refused = |error: KmsError| EmulatorError::NotRevealed(error.body().to_string());
    let store = service.store();
    let blob = Blob::parse(ciphertext).map_err(refused)?;
    let key = Uuid::try_parse(&blob.key_id())
        .ok()
        .and_then(|id| store.keyring().key(id, unix_ms((service.clock)())))
        .ok_or_else(|| EmulatorError::NotRevealed("made under no key of this KMS".to_owned()))?;
    blob.open(&key.material, context).map_err(refused)
}

/// The key of this ARN.
fn find<'a>(keyring: &'a Keyring, arn: &KeyArn, now_ms: u64) -> Result<&'a Key, EmulatorError> {
    Uuid::try_parse(arn.key_id())
        .ok()
        .filter(|id| keyring.key_arn(id) == arn.as_str())
        .and_then(|id| keyring.key(id, now_ms))
        .ok_or_else(|| EmulatorError::NoSuchKey(arn.clone()))
}

fn not_kept(error: KmsError) -> EmulatorError {
    EmulatorError::NotKept(error.body().to_string())
}
