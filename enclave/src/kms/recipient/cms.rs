//! CMS EnvelopedData (RFC 5652 section 6), as KMS sends it.

use std::borrow::Cow;

/// The length of the encrypted content-encryption key: that of an RSA modulus of 2048 bits, in bytes.
pub(super) const ENCRYPTED_KEY_LEN: usize = 256;

/// The length of the recipient's identifier, in bytes.
pub(super) const RECIPIENT_LEN: usize = 32;

/// The length of the IV of AES-CBC, in bytes.
pub(super) const IV_LEN: usize = 16;

/// An EnvelopedData for one recipient, taken apart but not opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EnvelopedData<'a> {
    recipient: [u8; RECIPIENT_LEN],
    encrypted_key: [u8; ENCRYPTED_KEY_LEN],
    iv: [u8; IV_LEN],
    ciphertext: Cow<'a, [u8]>,
}

/// Why bytes are not an EnvelopedData as KMS sends it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CmsError {
    /// Longer than anything that KMS sends.
    #[error("{found} bytes, expected at most {expected}")]
    TooLong {
        /// How many bytes came.
        found: usize,
        /// The most that is read.
        expected: usize,
    },
}

impl<'a> EnvelopedData<'a> {
    /// Takes apart what KMS sends, BER.
    ///
    /// # Errors
    ///
    /// Every [`CmsError`].
    pub fn parse(ber: &'a [u8]) -> Result<Self, CmsError> {
        Err(CmsError::TooLong {
            found: ber.len(),
            expected: 0,
        })
    }

    /// The subjectKeyIdentifier of the recipient: 32 bytes.
    pub fn recipient(&self) -> &[u8; RECIPIENT_LEN] {
        &self.recipient
    }

    /// The content-encryption key under RSAES-OAEP: 256 bytes.
    pub fn encrypted_key(&self) -> &[u8; ENCRYPTED_KEY_LEN] {
        &self.encrypted_key
    }

    /// The IV of AES-256-CBC: 16 bytes.
    pub fn iv(&self) -> &[u8; IV_LEN] {
        &self.iv
    }

    /// The encrypted content, its pieces joined: a multiple of 16 bytes, at least 16.
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }
}
