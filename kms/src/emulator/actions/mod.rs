//! The actions of KMS, each as its page of the AWS KMS API reference says.

mod aliases;
mod ciphertexts;
mod data_keys;
mod input;
mod keys;
mod plaintexts;
mod policies;
mod states;

use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) use self::input::Bytes;
pub(super) use self::policies::default_policy;
use super::error::KmsError;
use super::service::Invocation;

/// Does what a request's body asks for, and returns the response's body.
pub(super) type Action = fn(&Invocation<'_>, &[u8]) -> Result<Value, KmsError>;

/// The action of a name, and the name.
pub(super) fn find(name: &str) -> Option<(&'static str, Action)> {
    let known = ACTIONS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(known, action)| (*known, *action));
    known.or_else(|| {
        UNSUPPORTED
            .iter()
            .find(|unsupported| **unsupported == name)
            .map(|name| (*name, unsupported as Action))
    })
}

fn run<I: DeserializeOwned>(
    body: &[u8],
    action: impl FnOnce(I) -> Result<Value, KmsError>,
) -> Result<Value, KmsError> {
    // serde's message may quote what it read.
    let input = serde_json::from_slice(body)
        .map_err(|_| KmsError::bare("SerializationException", StatusCode::BAD_REQUEST))?;
    action(input)
}

fn unsupported(invocation: &Invocation<'_>, _body: &[u8]) -> Result<Value, KmsError> {
    Err(KmsError::new(
        "UnsupportedOperationException",
        format!("The development KMS does not do {}.", invocation.action),
    ))
}

const ACTIONS: &[(&str, Action)] = &[
    ("CancelKeyDeletion", |i, b| {
        run(b, |x| states::cancel_deletion(i, &x))
    }),
    ("CreateAlias", |i, b| run(b, |x| aliases::create(i, &x))),
    ("CreateKey", |i, b| run(b, |x| keys::create(i, x))),
    ("Decrypt", |i, b| run(b, |x| ciphertexts::decrypt(i, &x))),
    ("DeleteAlias", |i, b| run(b, |x| aliases::delete(i, &x))),
    ("DescribeKey", |i, b| run(b, |x| keys::describe(i, &x))),
    ("DisableKey", |i, b| run(b, |x| states::disable(i, &x))),
    ("EnableKey", |i, b| run(b, |x| states::enable(i, &x))),
    ("Encrypt", |i, b| run(b, |x| ciphertexts::encrypt(i, &x))),
    ("GenerateDataKey", |i, b| {
        run(b, |x| data_keys::generate(i, &x))
    }),
    ("GenerateDataKeyWithoutPlaintext", |i, b| {
        run(b, |x| data_keys::generate_without_plaintext(i, &x))
    }),
    ("GenerateRandom", |i, b| {
        run(b, |x| data_keys::random(i, &x))
    }),
    ("GetKeyPolicy", |i, b| run(b, |x| policies::show(i, &x))),
    ("ListAliases", |i, b| run(b, |x| aliases::list(i, &x))),
    ("ListKeys", |i, b| run(b, |x| keys::list(i, &x))),
    ("ListResourceTags", |i, b| {
        run(b, |x| keys::list_tags(i, &x))
    }),
    ("PutKeyPolicy", |i, b| run(b, |x| policies::put(i, x))),
    ("ReEncrypt", |i, b| {
        run(b, |x| ciphertexts::re_encrypt(i, &x))
    }),
    ("ScheduleKeyDeletion", |i, b| {
        run(b, |x| states::schedule_deletion(i, &x))
    }),
    ("UpdateAlias", |i, b| run(b, |x| aliases::update(i, &x))),
];

/// What KMS does and this one does not.
const UNSUPPORTED: &[&str] = &[
    "ConnectCustomKeyStore",
    "CreateCustomKeyStore",
    "CreateGrant",
    "DeleteCustomKeyStore",
    "DeleteImportedKeyMaterial",
    "DeriveSharedSecret",
    "DescribeCustomKeyStores",
    "DisableKeyRotation",
    "DisconnectCustomKeyStore",
    "EnableKeyRotation",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateMac",
    "GetKeyRotationStatus",
    "GetParametersForImport",
    "GetPublicKey",
    "ImportKeyMaterial",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListRetirableGrants",
    "ReplicateKey",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "Sign",
    "TagResource",
    "UntagResource",
    "UpdateCustomKeyStore",
    "UpdateKeyDescription",
    "UpdatePrimaryRegion",
    "Verify",
    "VerifyMac",
];
