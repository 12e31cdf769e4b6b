//! The RSA key that KMS encrypts its responses to.

use std::fmt;

use aws_lc_rs::cipher::{
    AES_256, AES_256_KEY_LEN, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use zeroize::Zeroizing;

use super::CmsError;
use super::cms::{ENCRYPTED_KEY_LEN, EnvelopedData, RECIPIENT_LEN};

/// The longest plaintext that [`RecipientKey::open`] gives, in bytes: KMS encrypts at most 4096 bytes for a recipient
/// (the `Plaintext` of [`Decrypt`](https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html)).
pub const PLAINTEXT_MAX: usize = 4096;

/// An RSA key of 2048 bits, made in this process and never written anywhere.
pub struct RecipientKey {
    private_key: OaepPrivateDecryptingKey,
    public_key: PublicKeyX509Der<'static>,
    identifier: [u8; RECIPIENT_LEN],
}

/// Why the key could not be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecipientKeyError {
    /// The library says no more than that.
    #[error("the RSA key for KMS could not be made")]
    Generate,
}

/// Why a `CiphertextForRecipient` does not open.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecipientError {
    /// Not the structure that KMS sends.
    #[error("the CiphertextForRecipient is not as KMS sends it: {0}")]
    Form(#[from] CmsError),
    /// Made for another key: of an earlier boot, or of another enclave.
    #[error(
        "the CiphertextForRecipient is for the public key {found}, expected {expected} (SHA-256 of the DER, in hex)"
    )]
    Recipient {
        /// The key that the value names.
        found: String,
        /// The key of this boot.
        expected: String,
    },
    /// The encrypted key or the content does not open. The error does not say which, so that it is no padding oracle.
    #[error("the CiphertextForRecipient does not open under the key of this boot")]
    Sealed,
}

impl RecipientKey {
    /// Makes a key. It takes a tenth of a second or more.
    ///
    /// # Errors
    ///
    /// [`RecipientKeyError::Generate`].
    pub fn generate() -> Result<Self, RecipientKeyError> {
        PrivateDecryptingKey::generate(KeySize::Rsa2048)
            .and_then(Self::new)
            .map_err(|_| RecipientKeyError::Generate)
    }

    /// The public key for the attestation document: DER of a SubjectPublicKeyInfo (RFC 5280 section 4.1), 294 bytes; the
    /// NSM takes up to 1024.
    pub fn public_key_der(&self) -> &[u8] {
        self.public_key.as_ref()
    }

    /// The plaintext of a `CiphertextForRecipient`, BER: 0 to [`PLAINTEXT_MAX`] bytes.
    ///
    /// The content has no integrity of its own (AES-CBC): bytes that were changed on the way may open to another
    /// plaintext. The caller knows which length it must have.
    ///
    /// # Errors
    ///
    /// [`RecipientError::Form`] and [`RecipientError::Recipient`] follow from what anyone can read,
    /// [`RecipientError::Sealed`] stands for everything that depends on the private key.
    pub fn open(
        &self,
        ciphertext_for_recipient: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, RecipientError> {
        let enveloped = EnvelopedData::parse(ciphertext_for_recipient)?;
        if *enveloped.recipient() != self.identifier {
            return Err(RecipientError::Recipient {
                found: hex::encode(enveloped.recipient()),
                expected: hex::encode(self.identifier),
            });
        }
        let opened = self.content_key(enveloped.encrypted_key());
        // A key that did not open is replaced, so that the content is decrypted either way.
        let substitute = random_key().ok_or(RecipientError::Sealed)?;
        let content = decrypt(opened.as_ref().unwrap_or(&substitute), &enveloped);
        match (opened, content) {
            (Some(_), Some(plaintext)) if plaintext.len() <= PLAINTEXT_MAX => Ok(plaintext),
            _ => Err(RecipientError::Sealed),
        }
    }

    fn new(private_key: PrivateDecryptingKey) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let public_key: PublicKeyX509Der<'static> = private_key.public_key().as_der()?;
        let mut identifier = [0; RECIPIENT_LEN];
        // AWS documents no derivation. This is what the published KMS values with a known public key show.
        identifier.copy_from_slice(digest(&SHA256, public_key.as_ref()).as_ref());
        Ok(Self {
            private_key: OaepPrivateDecryptingKey::new(private_key)?,
            public_key,
            identifier,
        })
    }

    fn content_key(&self, encrypted_key: &[u8; ENCRYPTED_KEY_LEN]) -> Option<ContentKey> {
        let mut buffer = Zeroizing::new([0; ENCRYPTED_KEY_LEN]);
        let key = self
            .private_key
            .decrypt(
                &OAEP_SHA256_MGF1SHA256,
                encrypted_key,
                buffer.as_mut_slice(),
                None,
            )
            .ok()?;
        let key: &[u8; AES_256_KEY_LEN] = (&*key).try_into().ok()?;
        Some(Zeroizing::new(*key))
    }
}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecipientKey")
            .field("identifier", &hex::encode(self.identifier))
            .finish_non_exhaustive()
    }
}

type ContentKey = Zeroizing<[u8; AES_256_KEY_LEN]>;

fn random_key() -> Option<ContentKey> {
    let mut key = Zeroizing::new([0; AES_256_KEY_LEN]);
    rand::fill(key.as_mut_slice()).ok()?;
    Some(key)
}

fn decrypt(key: &ContentKey, enveloped: &EnvelopedData<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let key = UnboundCipherKey::new(&AES_256, key.as_slice()).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let mut content = Zeroizing::new(enveloped.ciphertext().to_vec());
    let length = key
        .decrypt(
            &mut content,
            DecryptionContext::Iv128(FixedLength::from(*enveloped.iv())),
        )
        .ok()?
        .len();
    content.truncate(length);
    Some(content)
}
