//! Plaintexts: returned to the caller, or only to an attested recipient.

use serde_json::Value;

use super::input::base64;
use crate::emulator::error::KmsError;
use crate::emulator::recipient::{Attested, RecipientInfo};
use crate::emulator::service::Invocation;

/// Verifies the attestation document of a request that has one.
pub(super) fn verified(
    invocation: &Invocation<'_>,
    recipient: Option<&RecipientInfo>,
) -> Result<Option<Attested>, KmsError> {
    recipient
        .map(|recipient| recipient.verify(&invocation.service.roots, invocation.now))
        .transpose()
}

/// Puts into the response the plaintext, or what only the recipient can read; never both.
pub(super) fn tell(
    invocation: &Invocation<'_>,
    response: &mut Value,
    plaintext: &[u8],
    attested: Option<&Attested>,
) -> Result<(), KmsError> {
    let (member, text) = match attested {
        Some(attested) => {
            let form = invocation.service.content_form();
            (
                "CiphertextForRecipient",
                base64(&attested.envelope(plaintext, form)?),
            )
        }
        None => ("Plaintext", base64(plaintext)),
    };
    if let Some(members) = response.as_object_mut() {
        members.insert(member.to_owned(), text.into());
    }
    Ok(())
}
