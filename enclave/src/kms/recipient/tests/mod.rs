mod changes;
mod encoder;
mod fixtures;
mod forms;
mod openssl;
mod sealed;
mod structure;

use std::sync::LazyLock;

use aws_lc_rs::cipher::{
    AES_256, AES_256_KEY_LEN, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPublicEncryptingKey, PublicEncryptingKey,
};

use super::*;
use encoder::{Node, kms_form};

/// The four parts of a value.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Parts {
    recipient: Vec<u8>,
    encrypted_key: Vec<u8>,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Parts {
    fn parse(ber: &[u8]) -> Result<Self, CmsError> {
        let enveloped = EnvelopedData::parse(ber)?;
        Ok(Self {
            recipient: enveloped.recipient().to_vec(),
            encrypted_key: enveloped.encrypted_key().to_vec(),
            iv: enveloped.iv().to_vec(),
            ciphertext: enveloped.ciphertext().to_vec(),
        })
    }

    /// What KMS sends for `plaintext`.
    fn seal(plaintext: &[u8]) -> Self {
        let public_key = KEY.public_key_der();
        let content_key = [0x5c; AES_256_KEY_LEN];
        Self {
            recipient: digest(&SHA256, public_key).as_ref().to_vec(),
            encrypted_key: oaep(public_key, &OAEP_SHA256_MGF1SHA256, &content_key, None),
            iv: IV.to_vec(),
            ciphertext: aes_cbc(&content_key, plaintext),
        }
    }

    /// Parts of the right lengths that open under no key.
    fn any() -> Self {
        Self {
            recipient: (0..32).collect(),
            encrypted_key: (0..=255).collect(),
            iv: IV.to_vec(),
            ciphertext: (0..48).collect(),
        }
    }
}

fn oaep(
    public_key: &[u8],
    algorithm: &'static OaepAlgorithm,
    content_key: &[u8],
    label: Option<&[u8]>,
) -> Vec<u8> {
    let key = PublicEncryptingKey::from_der(public_key).unwrap();
    let key = OaepPublicEncryptingKey::new(key).unwrap();
    let mut encrypted_key = vec![0; key.ciphertext_size()];
    key.encrypt(algorithm, content_key, &mut encrypted_key, label)
        .unwrap();
    encrypted_key
}

fn aes_cbc(key: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let key = UnboundCipherKey::new(&AES_256, key).unwrap();
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).unwrap();
    let mut content = plaintext.to_vec();
    key.less_safe_encrypt(
        &mut content,
        EncryptionContext::Iv128(FixedLength::from(IV)),
    )
    .unwrap();
    content
}

/// Making a key takes long.
static KEY: LazyLock<RecipientKey> = LazyLock::new(|| RecipientKey::generate().unwrap());

const IV: [u8; 16] = *b"0123456789abcdef";
const DATA_KEY: &[u8; 32] = b"a data key is exactly this long.";
