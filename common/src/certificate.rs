//! The certificate of a ceremony: that every participant, the enclave among them, has signed what it came to.

use base64::{Engine, engine::general_purpose::STANDARD};
use permafrost_frost::{CeremonyError, Confirmation, Outcome};

use crate::api::split::{Certificate, EnclaveConfirmation};
use crate::attestation::VerifiedDocument;
use crate::binding::{Binding, BindingError};
use crate::http_signature::{KeyError, PublicKey, SigningKey};

/// Why a certificate is not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The outcome, or the signature of a participant, is not accepted.
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    /// The attestation document is not standard base64.
    #[error("the document of the certificate is not standard base64")]
    Encoding,
    /// The attestation document is that of another boot than the participants agreed on.
    #[error("the attestation document is not that of the boot that the ceremony names")]
    OtherBoot,
    /// The attestation document binds no boot key.
    #[error(transparent)]
    Binding(#[from] BindingError),
    /// The document's deployment is another one than the participants agreed on.
    #[error("the attestation document is of the deployment {came:?}, the ceremony of {expected:?}")]
    OtherDeployment {
        /// In the document.
        came: String,
        /// In the ceremony.
        expected: String,
    },
    /// The enclave's signature does not verify.
    #[error("the enclave's signature over the result does not verify")]
    EnclaveSignature,
}

impl Certificate {
    /// What the enclave adds to the confirmations of the others: the signature by the boot key, which the document binds.
    ///
    /// # Errors
    /// [`KeyError`]: the cryptographic library cannot sign.
    pub fn issue(
        outcome: Outcome,
        confirmations: Vec<Confirmation>,
        document: &[u8],
        boot_key: &SigningKey,
    ) -> Result<Self, KeyError> {
        let signature = boot_key.sign(&signed(&outcome))?;
        Ok(Self {
            outcome,
            confirmations,
            enclave: EnclaveConfirmation {
                document: STANDARD.encode(document),
                signature: hex::encode(signature),
            },
        })
    }

    /// The attestation document's bytes, to be verified first.
    ///
    /// # Errors
    /// [`CertificateError::Encoding`].
    pub fn document(&self) -> Result<Vec<u8>, CertificateError> {
        let document = STANDARD.decode(&self.enclave.document);
        document.map_err(|_| CertificateError::Encoding)
    }

    /// Checks every signature. `document` is [`Certificate::document`], verified; its measurements are the caller's to judge.
    ///
    /// # Errors
    /// [`CertificateError`] says whose signature is missing or wrong, or what the document does not fit.
    pub fn verify(&self, document: &VerifiedDocument) -> Result<(), CertificateError> {
        let binding = Binding::from_user_data(document.user_data().unwrap_or_default())?;
        self.verify_by(&binding, document.digest())
    }

    /// The same for a boot that is known: what its document binds, and the SHA-256 of that document.
    ///
    /// # Errors
    /// As [`Certificate::verify`].
    pub fn verify_by(&self, binding: &Binding, boot: &[u8; 32]) -> Result<(), CertificateError> {
        self.outcome.verify(&self.confirmations)?;
        let parameters = &self.outcome.parameters;
        if *boot != parameters.boot.0 {
            return Err(CertificateError::OtherBoot);
        }
        if binding.deployment != parameters.deployment {
            return Err(CertificateError::OtherDeployment {
                came: binding.deployment.clone(),
                expected: parameters.deployment.clone(),
            });
        }
        let mut signature = [0; 64];
        let boot_key = PublicKey::ed25519(&binding.boot_key);
        let verified = hex::decode_to_slice(&self.enclave.signature, &mut signature).is_ok()
            && boot_key.is_ok_and(|key| key.verify(&signed(&self.outcome), &signature).is_ok());
        match verified {
            true => Ok(()),
            false => Err(CertificateError::EnclaveSignature),
        }
    }
}

/// What the boot key signs: a text that no signature base of a response (RFC 9421) begins with, and the digest.
fn signed(outcome: &Outcome) -> Vec<u8> {
    let mut bytes = b"permafrost ceremony certificate\n".to_vec();
    bytes.extend(outcome.digest());
    bytes
}
