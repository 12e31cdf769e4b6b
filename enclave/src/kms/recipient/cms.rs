//! CMS EnvelopedData (RFC 5652 section 6), as KMS sends it.

use std::borrow::Cow;

use super::CmsError;
use super::algorithms::{self, IV_LEN};
use super::ber::{CONSTRUCTED, CONTEXT_0, OCTET_STRING, ObjectIdentifier, Reader, SEQUENCE, SET};

/// The longest `CiphertextForRecipient`, in bytes
/// ([`GenerateDataKey`](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html)). A data key takes
/// about 500.
pub const CIPHERTEXT_FOR_RECIPIENT_MAX: usize = 6144;

/// The length of the encrypted content-encryption key, in bytes: that of an RSA modulus of 2048 bits.
pub(super) const ENCRYPTED_KEY_LEN: usize = 256;

/// The length of the recipient's identifier, in bytes.
pub(super) const RECIPIENT_LEN: usize = 32;

/// An EnvelopedData for one recipient, parsed but not opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EnvelopedData<'a> {
    recipient: [u8; RECIPIENT_LEN],
    encrypted_key: [u8; ENCRYPTED_KEY_LEN],
    iv: [u8; IV_LEN],
    ciphertext: Cow<'a, [u8]>,
}

impl<'a> EnvelopedData<'a> {
    /// Parses a ContentInfo in BER, at most [`CIPHERTEXT_FOR_RECIPIENT_MAX`] bytes.
    ///
    /// Accepts what KMS sends: one KeyTransRecipientInfo with a subjectKeyIdentifier of 32 bytes, RSAES-OAEP with
    /// SHA-256 throughout under a key of 2048 bits, AES-256-CBC, no originatorInfo, no unprotectedAttrs. Lengths may be
    /// definite or indefinite, octets in one piece or in several.
    ///
    /// # Errors
    ///
    /// Every [`CmsError`].
    pub fn parse(ber: &'a [u8]) -> Result<Self, CmsError> {
        if ber.len() > CIPHERTEXT_FOR_RECIPIENT_MAX {
            return Err(CmsError::TooLong {
                found: ber.len(),
                expected: CIPHERTEXT_FOR_RECIPIENT_MAX,
            });
        }
        let mut input = Reader::new("the CiphertextForRecipient", ber);
        let mut info = input.enter(SEQUENCE, "ContentInfo")?;
        input.end()?;
        info.object_identifier(&ID_ENVELOPED_DATA, "contentType of ContentInfo")?;
        let mut content = info.enter(CONTEXT_0 | CONSTRUCTED, "content")?;
        info.end()?;
        let enveloped = content.enter(SEQUENCE, "EnvelopedData")?;
        content.end()?;
        Self::read(enveloped)
    }

    /// The subjectKeyIdentifier of the recipient, 32 bytes.
    pub fn recipient(&self) -> &[u8; RECIPIENT_LEN] {
        &self.recipient
    }

    /// The content-encryption key under RSAES-OAEP, 256 bytes.
    pub fn encrypted_key(&self) -> &[u8; ENCRYPTED_KEY_LEN] {
        &self.encrypted_key
    }

    /// The IV of AES-256-CBC, 16 bytes.
    pub fn iv(&self) -> &[u8; IV_LEN] {
        &self.iv
    }

    /// The encrypted content, its pieces joined: a multiple of 16 bytes, at least 16.
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    /// RFC 5652 section 6.1.
    fn read(mut enveloped: Reader<'a>) -> Result<Self, CmsError> {
        enveloped.version(VERSION, "version of EnvelopedData")?;
        let mut recipients = enveloped.enter(SET, "recipientInfos")?;
        let (recipient, encrypted_key) = key_transport(&mut recipients)?;
        if recipients.peek().is_some() {
            return Err(CmsError::Recipients);
        }
        let (iv, ciphertext) = encrypted_content(&mut enveloped)?;
        enveloped.end()?;
        Ok(Self {
            recipient,
            encrypted_key,
            iv,
            ciphertext,
        })
    }
}

/// KeyTransRecipientInfo: the recipient and the encrypted key (RFC 5652 section 6.2.1).
fn key_transport(
    recipients: &mut Reader<'_>,
) -> Result<([u8; RECIPIENT_LEN], [u8; ENCRYPTED_KEY_LEN]), CmsError> {
    let mut info = recipients.enter(SEQUENCE, "KeyTransRecipientInfo")?;
    info.version(VERSION, "version of KeyTransRecipientInfo")?;
    let recipient = info.fixed(CONTEXT_0, "subjectKeyIdentifier")?;
    algorithms::rsaes_oaep_sha256(&mut info)?;
    let encrypted_key = info.fixed(OCTET_STRING, "encryptedKey")?;
    info.end()?;
    Ok((recipient, encrypted_key))
}

/// EncryptedContentInfo: the IV and the encrypted content (RFC 5652 section 6.1).
fn encrypted_content<'a>(
    enveloped: &mut Reader<'a>,
) -> Result<([u8; IV_LEN], Cow<'a, [u8]>), CmsError> {
    let mut info = enveloped.enter(SEQUENCE, "encryptedContentInfo")?;
    info.object_identifier(&ID_DATA, "contentType of encryptedContentInfo")?;
    let iv = algorithms::aes256_cbc(&mut info)?;
    let ciphertext = info.octets(CONTEXT_0, "encryptedContent")?;
    info.end()?;
    if ciphertext.is_empty() || ciphertext.len() % IV_LEN != 0 {
        return Err(CmsError::Blocks {
            found: ciphertext.len(),
        });
    }
    Ok((iv, ciphertext))
}

/// The version of both structures, because a key identifies the recipient (RFC 5652 sections 6.1 and 6.2.1).
const VERSION: u8 = 2;

const ID_ENVELOPED_DATA: ObjectIdentifier = ObjectIdentifier {
    name: "id-envelopedData",
    octets: &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03],
};
const ID_DATA: ObjectIdentifier = ObjectIdentifier {
    name: "id-data",
    octets: &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01],
};
