//! How requests name keys: by id, ARN, alias name or alias ARN (AWS KMS Developer Guide, "Key identifiers").

use uuid::Uuid;

use super::error::KmsError;
use super::keys::{Key, Keyring};

/// The longest `KeyId`, in bytes.
const REFERENCE_MAX: usize = 2048;

/// The longest name of an alias, in bytes, `alias/` included.
const ALIAS_MAX: usize = 256;

/// What names of aliases begin with.
pub(super) const ALIAS_PREFIX: &str = "alias/";

/// A key that was found, and by which alias.
#[derive(Debug)]
pub(super) struct Named<'a> {
    pub(super) key: &'a Key,
    pub(super) arn: String,
    pub(super) alias: Option<String>,
}

/// Finds the key that a request names; `action` as `kms:Decrypt`, for the message of a refusal.
pub(super) fn find<'a>(
    keyring: &'a Keyring,
    now_ms: u64,
    reference: &str,
    caller: &str,
    action: &str,
) -> Result<Named<'a>, KmsError> {
    if !(1..=REFERENCE_MAX).contains(&reference.len()) {
        return Err(KmsError::constraint(
            "keyId",
            reference,
            "Member must have length between 1 and 2048, inclusive",
        ));
    }
    let resource = match reference.strip_prefix("arn:") {
        Some(_) => resource_of_arn(keyring, reference, caller, action)?,
        None => reference,
    };
    if resource.starts_with(ALIAS_PREFIX) {
        return by_alias(keyring, now_ms, resource);
    }
    let id = match resource.strip_prefix("key/") {
        Some(id) if reference.len() != resource.len() => id,
        _ => resource,
    };
    by_id(keyring, now_ms, id)
}

/// Finds a key by its id or its ARN, where an alias is not taken.
pub(super) fn find_without_alias<'a>(
    keyring: &'a Keyring,
    now_ms: u64,
    reference: &str,
    caller: &str,
    action: &str,
) -> Result<Named<'a>, KmsError> {
    let found = find(keyring, now_ms, reference, caller, action)?;
    match found.alias {
        None => Ok(found),
        Some(_) if reference.starts_with("arn:") => Err(KmsError::new(
            "InvalidArnException",
            format!("{reference} names an alias; accepted: a key's id or its ARN"),
        )),
        Some(_) => Err(KmsError::not_found(format!("Invalid keyId '{reference}'"))),
    }
}

/// Checks the name of an alias to be made, `alias/` included.
pub(super) fn check_alias_name(name: &str) -> Result<(), KmsError> {
    let letters = name.strip_prefix(ALIAS_PREFIX).ok_or_else(|| {
        KmsError::validation(format!(
            "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html; found {name:?}"
        ))
    })?;
    if letters.starts_with("aws/") {
        return Err(KmsError::new(
            "NotAuthorizedException",
            "Alias names that begin with alias/aws/ are reserved.",
        ));
    }
    let accepted = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte);
    if letters.is_empty() || name.len() > ALIAS_MAX || !letters.bytes().all(accepted) {
        return Err(KmsError::constraint(
            "aliasName",
            name,
            "Member must satisfy regular expression pattern: ^[a-zA-Z0-9/_-]+$ and have at most 256 letters",
        ));
    }
    Ok(())
}

/// A refusal that does not tell whether there is such a key.
pub(super) fn denied_blindly(caller: &str, action: &str, what: &str) -> KmsError {
    KmsError::denied(format!(
        "User: {caller} is not authorized to perform: {action} on {what} because the resource does not exist in this \
         Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
    ))
}

fn by_alias<'a>(keyring: &'a Keyring, now_ms: u64, name: &str) -> Result<Named<'a>, KmsError> {
    keyring
        .aliases
        .get(name)
        .and_then(|alias| keyring.key(alias.target, now_ms))
        .map(|key| Named {
            arn: keyring.key_arn(key.id),
            key,
            alias: Some(name.to_owned()),
        })
        .ok_or_else(|| {
            KmsError::not_found(format!("Alias {} is not found.", keyring.alias_arn(name)))
        })
}

fn by_id<'a>(keyring: &'a Keyring, now_ms: u64, text: &str) -> Result<Named<'a>, KmsError> {
    let invalid = || KmsError::not_found(format!("Invalid keyId '{text}'"));
    let id = Uuid::try_parse(text).map_err(|_| invalid())?;
    // A UUID has other forms; key ids have one.
    if id.to_string() != text {
        return Err(invalid());
    }
    let arn = keyring.key_arn(id);
    match keyring.key(id, now_ms) {
        Some(key) => Ok(Named {
            key,
            arn,
            alias: None,
        }),
        None => Err(KmsError::not_found(format!("Key '{arn}' does not exist"))),
    }
}

/// `key/ID` or `alias/NAME` of an ARN in this region and account.
fn resource_of_arn<'a>(
    keyring: &Keyring,
    arn: &'a str,
    caller: &str,
    action: &str,
) -> Result<&'a str, KmsError> {
    let invalid = || KmsError::new("InvalidArnException", format!("Invalid arn {arn}"));
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, "aws", "kms", region, account, resource] = parts.as_slice() else {
        return Err(invalid());
    };
    if !resource.starts_with("key/") && !resource.starts_with(ALIAS_PREFIX) {
        return Err(invalid());
    }
    if *region != keyring.region {
        return Err(KmsError::not_found(format!("Invalid arn {region}")));
    }
    if *account != keyring.account {
        return Err(denied_blindly(caller, action, "this resource"));
    }
    Ok(resource)
}
