//! `Encrypt`, `Decrypt`, `ReEncrypt`.

use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::input::{Bytes, Options, SYMMETRIC_DEFAULT, base64, bounded};
use super::plaintexts::{tell, verified};
use crate::emulator::blob::{self, Blob, EncryptionContext};
use crate::emulator::error::KmsError;
use crate::emulator::keys::Keyring;
use crate::emulator::recipient::RecipientInfo;
use crate::emulator::reference::{self, Named};
use crate::emulator::service::Invocation;

/// The longest plaintext, in bytes.
const PLAINTEXT_MAX: usize = 4096;

/// The longest ciphertext, in bytes.
const CIPHERTEXT_MAX: usize = 6144;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Encrypt {
    key_id: Option<String>,
    plaintext: Option<Bytes>,
    encryption_context: Option<EncryptionContext>,
    encryption_algorithm: Option<String>,
    grant_tokens: Option<Vec<String>>,
    dry_run: Option<bool>,
}

pub(super) fn encrypt(invocation: &Invocation<'_>, input: &Encrypt) -> Result<Value, KmsError> {
    let options = Options::new(
        input.encryption_context.as_ref(),
        input.encryption_algorithm.as_ref(),
        input.grant_tokens.as_ref(),
        input.dry_run,
    )?;
    let plaintext = bounded("plaintext", input.plaintext.as_ref(), PLAINTEXT_MAX)?;
    let store = invocation.service.store();
    let named = invocation.key(store.keyring(), input.key_id.as_ref())?;
    options
        .describe(invocation.about(&named))
        .authorize(&named.key.policy)?;
    named.key.usable(&named.arn)?;
    options.stop_if_dry()?;
    let blob = blob::seal(
        named.key.id,
        &named.key.material,
        &options.context,
        plaintext,
    )?;
    Ok(json!({
        "CiphertextBlob": base64(&blob),
        "EncryptionAlgorithm": SYMMETRIC_DEFAULT,
        "KeyId": named.arn,
    }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Decrypt {
    ciphertext_blob: Option<Bytes>,
    key_id: Option<String>,
    encryption_context: Option<EncryptionContext>,
    encryption_algorithm: Option<String>,
    grant_tokens: Option<Vec<String>>,
    recipient: Option<RecipientInfo>,
    dry_run: Option<bool>,
}

pub(super) fn decrypt(invocation: &Invocation<'_>, input: &Decrypt) -> Result<Value, KmsError> {
    let options = Options::new(
        input.encryption_context.as_ref(),
        input.encryption_algorithm.as_ref(),
        input.grant_tokens.as_ref(),
        input.dry_run,
    )?;
    let ciphertext = bounded(
        "ciphertextBlob",
        input.ciphertext_blob.as_ref(),
        CIPHERTEXT_MAX,
    )?;
    let attested = verified(invocation, input.recipient.as_ref())?;
    let store = invocation.service.store();
    let (named, blob) = source(
        invocation,
        store.keyring(),
        input.key_id.as_ref(),
        ciphertext,
    )?;
    let request = options.describe(invocation.about(&named));
    match &attested {
        Some(attested) => request.with(|values| values.with_attestation(attested.pcrs())),
        None => request,
    }
    .authorize(&named.key.policy)?;
    let plaintext = open(&named, blob, &options.context)?;
    options.stop_if_dry()?;
    let mut response = json!({"EncryptionAlgorithm": SYMMETRIC_DEFAULT, "KeyId": named.arn});
    tell(invocation, &mut response, &plaintext, attested.as_ref())?;
    Ok(response)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReEncrypt {
    ciphertext_blob: Option<Bytes>,
    source_encryption_context: Option<EncryptionContext>,
    source_key_id: Option<String>,
    source_encryption_algorithm: Option<String>,
    destination_key_id: Option<String>,
    destination_encryption_context: Option<EncryptionContext>,
    destination_encryption_algorithm: Option<String>,
    grant_tokens: Option<Vec<String>>,
    dry_run: Option<bool>,
}

pub(super) fn re_encrypt(
    invocation: &Invocation<'_>,
    input: &ReEncrypt,
) -> Result<Value, KmsError> {
    let from = Options::new(
        input.source_encryption_context.as_ref(),
        input.source_encryption_algorithm.as_ref(),
        input.grant_tokens.as_ref(),
        input.dry_run,
    )?;
    let to = Options::new(
        input.destination_encryption_context.as_ref(),
        input.destination_encryption_algorithm.as_ref(),
        None,
        input.dry_run,
    )?;
    let ciphertext = bounded(
        "ciphertextBlob",
        input.ciphertext_blob.as_ref(),
        CIPHERTEXT_MAX,
    )?;
    let store = invocation.service.store();
    let keyring = store.keyring();
    let (source, blob) = source(
        invocation,
        keyring,
        input.source_key_id.as_ref(),
        ciphertext,
    )?;
    let destination = invocation.key(keyring, input.destination_key_id.as_ref())?;
    let same_key = (source.key.id == destination.key.id).to_string();
    for (action, named, options) in [
        ("kms:ReEncryptFrom", &source, &from),
        ("kms:ReEncryptTo", &destination, &to),
    ] {
        options
            .describe(invocation.about_action(action, named))
            .with(|values| values.with("kms:ReEncryptOnSameKey", same_key.as_str()))
            .authorize(&named.key.policy)?;
    }
    destination.key.usable(&destination.arn)?;
    let plaintext = open(&source, blob, &from.context)?;
    from.stop_if_dry()?;
    let blob = blob::seal(
        destination.key.id,
        &destination.key.material,
        &to.context,
        &plaintext,
    )?;
    Ok(json!({
        "CiphertextBlob": base64(&blob),
        "DestinationEncryptionAlgorithm": SYMMETRIC_DEFAULT,
        "KeyId": destination.arn,
        "SourceEncryptionAlgorithm": SYMMETRIC_DEFAULT,
        "SourceKeyId": source.arn,
    }))
}

/// The key that a blob is opened with: the one that the request names, else the one that the blob names.
fn source<'k, 'b>(
    invocation: &Invocation<'_>,
    keyring: &'k Keyring,
    reference: Option<&String>,
    ciphertext: &'b [u8],
) -> Result<(Named<'k>, Result<Blob<'b>, KmsError>), KmsError> {
    let blob = Blob::parse(ciphertext);
    if reference.is_some() {
        return Ok((invocation.key(keyring, reference)?, blob));
    }
    let blob = blob?;
    let named = reference::find(
        keyring,
        invocation.now_ms(),
        &blob.key_id(),
        &invocation.identity.arn,
        &invocation.action,
    )
    .map_err(|_| {
        reference::denied_blindly(
            &invocation.identity.arn,
            &invocation.action,
            "the resource associated with this ciphertext",
        )
    })?;
    Ok((named, Ok(blob)))
}

/// Opens a blob with the key that was found for it.
fn open(
    named: &Named<'_>,
    blob: Result<Blob<'_>, KmsError>,
    context: &EncryptionContext,
) -> Result<Zeroizing<Vec<u8>>, KmsError> {
    named.key.usable(&named.arn)?;
    let blob = blob?;
    if blob.key_id() != named.key.id.to_string() {
        return Err(KmsError::new(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        ));
    }
    blob.open(&named.key.material, context)
}
