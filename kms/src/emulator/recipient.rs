//! `Recipient`: the attestation document that a request carries, and what is made of it.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use permafrost_common::attestation::{At, Document, RootCertificate, VerifiedDocument};
use serde::Deserialize;

use super::actions::Bytes;
use super::clock::unix_ms;
use super::cms::{ContentForm, Recipient};
use super::error::KmsError;

/// How old a document may be, and how far ahead of our clock.
const AGE_MAX: Duration = Duration::from_secs(5 * 60);

const KEY_ENCRYPTION: &str = "RSAES_OAEP_SHA_256";

/// `RecipientInfo` of the AWS KMS API reference.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RecipientInfo {
    key_encryption_algorithm: Option<String>,
    attestation_document: Option<Bytes>,
}

/// A recipient whose document was verified.
pub(super) struct Attested {
    document: VerifiedDocument,
    recipient: Recipient,
}

impl RecipientInfo {
    /// Verifies the document: under one of the roots, which are read now, fresh, and with an RSA key in it.
    ///
    /// Documents of debug mode verify, as with AWS: refusing their zero PCRs is the key policy's part.
    pub(super) fn verify(&self, roots: &[PathBuf], now: SystemTime) -> Result<Attested, KmsError> {
        match self.key_encryption_algorithm.as_deref() {
            Some(KEY_ENCRYPTION) => {}
            other => {
                return Err(KmsError::constraint(
                    "recipient.keyEncryptionAlgorithm",
                    other.unwrap_or("null"),
                    "Member must satisfy enum value set: [RSAES_OAEP_SHA_256]",
                ));
            }
        }
        let bytes = self
            .attestation_document
            .as_ref()
            .ok_or_else(|| KmsError::missing("recipient.attestationDocument"))?;
        let parsed = Document::parse(bytes.as_slice()).map_err(invalid)?;
        let document = verified(&parsed, roots, now)?;
        check_age(&document, now)?;
        let recipient = document
            .public_key()
            .ok_or_else(|| "it is missing".to_owned())
            .and_then(Recipient::new)
            .map_err(|problem| invalid(format!("the public key: {problem}")))?;
        Ok(Attested {
            document,
            recipient,
        })
    }
}

impl Attested {
    /// The PCRs, for the condition keys `kms:RecipientAttestation:*`.
    pub(super) fn pcrs(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.document
            .pcrs()
            .iter()
            .map(|(index, value)| (*index, value.as_slice()))
    }

    /// `CiphertextForRecipient`: CMS EnvelopedData in BER.
    pub(super) fn envelope(
        &self,
        plaintext: &[u8],
        form: ContentForm,
    ) -> Result<Vec<u8>, KmsError> {
        self.recipient
            .envelope(plaintext, form)
            .map_err(|_| KmsError::internal("the recipient's key does not encrypt"))
    }
}

fn verified(
    document: &Document,
    roots: &[PathBuf],
    now: SystemTime,
) -> Result<VerifiedDocument, KmsError> {
    let mut refusals = Vec::new();
    for path in roots {
        let verified = fs::read_to_string(path)
            .map_err(|error| error.to_string())
            .and_then(|pem| RootCertificate::from_pem(&pem).map_err(|error| error.to_string()))
            .and_then(|root| {
                document
                    .clone()
                    .verify(&root, At::Time(now))
                    .map_err(|error| error.to_string())
            });
        match verified {
            Ok(verified) => return Ok(verified),
            Err(error) => refusals.push(format!("{}: {error}", path.display())),
        }
    }
    match refusals.is_empty() {
        true => Err(invalid(
            "this development KMS was given no attestation root (--root)",
        )),
        false => Err(invalid(refusals.join("; "))),
    }
}

fn check_age(document: &VerifiedDocument, now: SystemTime) -> Result<(), KmsError> {
    let (made, now) = (document.timestamp_ms(), unix_ms(now));
    let max = u64::try_from(AGE_MAX.as_millis()).unwrap_or(u64::MAX);
    if now.saturating_sub(made) > max {
        return Err(invalid(format!(
            "it has expired: it is {} ms old, accepted: at most {max} ms",
            now - made
        )));
    }
    if made.saturating_sub(now) > max {
        return Err(invalid(format!(
            "it is from {} ms in the future, accepted: at most {max} ms",
            made - now
        )));
    }
    Ok(())
}

fn invalid(problem: impl std::fmt::Display) -> KmsError {
    KmsError::validation(format!("The attestation document is not valid: {problem}"))
}
