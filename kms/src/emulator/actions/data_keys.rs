//! `GenerateDataKey`, `GenerateDataKeyWithoutPlaintext`, `GenerateRandom`.

use aws_lc_rs::rand;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::input::{Options, base64};
use super::plaintexts::{tell, verified};
use crate::emulator::authorization;
use crate::emulator::blob::{self, EncryptionContext};
use crate::emulator::error::KmsError;
use crate::emulator::recipient::{Attested, RecipientInfo};
use crate::emulator::service::Invocation;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GenerateDataKey {
    key_id: Option<String>,
    key_spec: Option<String>,
    number_of_bytes: Option<i64>,
    encryption_context: Option<EncryptionContext>,
    grant_tokens: Option<Vec<String>>,
    recipient: Option<RecipientInfo>,
    dry_run: Option<bool>,
}

pub(super) fn generate(
    invocation: &Invocation<'_>,
    input: &GenerateDataKey,
) -> Result<Value, KmsError> {
    let attested = verified(invocation, input.recipient.as_ref())?;
    let (mut response, plaintext) = data_key(invocation, input, attested.as_ref())?;
    tell(invocation, &mut response, &plaintext, attested.as_ref())?;
    Ok(response)
}

pub(super) fn generate_without_plaintext(
    invocation: &Invocation<'_>,
    input: &GenerateDataKey,
) -> Result<Value, KmsError> {
    data_key(invocation, input, None).map(|(response, _)| response)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GenerateRandom {
    number_of_bytes: Option<i64>,
    custom_key_store_id: Option<String>,
    recipient: Option<RecipientInfo>,
}

pub(super) fn random(
    invocation: &Invocation<'_>,
    input: &GenerateRandom,
) -> Result<Value, KmsError> {
    authorization::by_iam(invocation.identity, &invocation.action, "*")?;
    if input.custom_key_store_id.is_some() {
        return Err(KmsError::new(
            "UnsupportedOperationException",
            "The development KMS has no custom key stores.",
        ));
    }
    let count = input
        .number_of_bytes
        .ok_or_else(|| KmsError::missing("numberOfBytes"))
        .and_then(checked_count)?;
    let attested = verified(invocation, input.recipient.as_ref())?;
    let mut response = json!({});
    tell(
        invocation,
        &mut response,
        &random_bytes(count)?,
        attested.as_ref(),
    )?;
    Ok(response)
}

/// The response without the plaintext, and the plaintext.
fn data_key(
    invocation: &Invocation<'_>,
    input: &GenerateDataKey,
    attested: Option<&Attested>,
) -> Result<(Value, Zeroizing<Vec<u8>>), KmsError> {
    let options = Options::new(
        input.encryption_context.as_ref(),
        None,
        input.grant_tokens.as_ref(),
        input.dry_run,
    )?;
    let length = input.length()?;
    let store = invocation.service.store();
    let named = invocation.key(store.keyring(), input.key_id.as_ref())?;
    let request = options.describe(invocation.about(&named));
    match attested {
        Some(attested) => request.with(|values| values.with_attestation(attested.pcrs())),
        None => request,
    }
    .authorize(&named.key.policy)?;
    named.key.usable(&named.arn)?;
    options.stop_if_dry()?;
    let plaintext = random_bytes(length)?;
    let blob = blob::seal(
        named.key.id,
        &named.key.material,
        &options.context,
        &plaintext,
    )?;
    let response = json!({"CiphertextBlob": base64(&blob), "KeyId": named.arn});
    Ok((response, plaintext))
}

impl GenerateDataKey {
    fn length(&self) -> Result<usize, KmsError> {
        match (self.key_spec.as_deref(), self.number_of_bytes) {
            (Some("AES_256"), None) => Ok(32),
            (Some("AES_128"), None) => Ok(16),
            (Some(other), None) => Err(KmsError::constraint(
                "keySpec",
                other,
                "Member must satisfy enum value set: [AES_256, AES_128]",
            )),
            (None, Some(count)) => checked_count(count),
            _ => Err(KmsError::validation(
                "Please specify either number of bytes or key spec.",
            )),
        }
    }
}

fn checked_count(count: i64) -> Result<usize, KmsError> {
    usize::try_from(count)
        .ok()
        .filter(|count| (1..=1024).contains(count))
        .ok_or_else(|| {
            KmsError::constraint(
                "numberOfBytes",
                &count.to_string(),
                "Member must have value between 1 and 1024, inclusive",
            )
        })
}

fn random_bytes(count: usize) -> Result<Zeroizing<Vec<u8>>, KmsError> {
    let mut bytes = Zeroizing::new(vec![0; count]);
    rand::fill(&mut bytes).map_err(|_| KmsError::internal("the system provides no randomness"))?;
    Ok(bytes)
}
