//! `CiphertextBlob`: AES-256-GCM under a key's material.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | `PFK1` |
//! | 4..20 | the key's id, a UUID |
//! | 20..32 | the nonce |
//! | 32.. | ciphertext and tag; authenticated with them: bytes 0..20 and the encryption context |

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::error::KmsError;
use super::keys::Material;

/// An encryption context, its pairs in order.
pub(super) type EncryptionContext = BTreeMap<String, String>;

const MAGIC: &[u8; 4] = b"PFK1";

/// A blob that has the form of one.
pub(super) struct Blob<'a> {
    key_id: Uuid,
    nonce: [u8; NONCE_LEN],
    sealed: &'a [u8],
}

impl<'a> Blob<'a> {
    /// Takes a blob apart.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, KmsError> {
        let parse = || {
            let rest = bytes.strip_prefix(MAGIC)?;
            let (id, rest) = rest.split_first_chunk::<16>()?;
            let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
            Some(Self {
                key_id: Uuid::from_bytes(*id),
                nonce: *nonce,
                sealed,
            })
        };
        parse().ok_or_else(KmsError::invalid_ciphertext)
    }

    /// The key that it says it was made under.
    pub(super) fn key_id(&self) -> String {
        self.key_id.to_string()
    }

    /// Opens it. Another material, another context and an altered byte all fail alike.
    pub(super) fn open(
        &self,
        material: &Material,
        context: &EncryptionContext,
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let mut bytes = Zeroizing::new(self.sealed.to_vec());
        let length = cipher(material)?
            .open_in_place(
                Nonce::assume_unique_for_key(self.nonce),
                Aad::from(associated(self.key_id, context)),
                &mut bytes,
            )
            .map_err(|_| KmsError::invalid_ciphertext())?
            .len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// Makes a blob.
pub(super) fn seal(
    key_id: Uuid,
    material: &Material,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Vec<u8>, KmsError> {
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(|_| KmsError::internal("the system provides no randomness"))?;
    let mut sealed = Zeroizing::new(Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len()));
    sealed.extend_from_slice(plaintext);
    cipher(material)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated(key_id, context)),
            &mut *sealed,
        )
        .map_err(|_| KmsError::internal("AES-256-GCM does not encrypt"))?;
    Ok([MAGIC.as_slice(), key_id.as_bytes(), &nonce, &sealed].concat())
}

fn cipher(material: &Material) -> Result<LessSafeKey, KmsError> {
    UnboundKey::new(&AES_256_GCM, material.bytes())
        .map(LessSafeKey::new)
        .map_err(|_| KmsError::internal("the key's material is not 32 bytes long"))
}

/// The blob's head, then each pair of the context, every text behind its length: no two contexts look alike.
fn associated(key_id: Uuid, context: &EncryptionContext) -> Vec<u8> {
    let mut bytes = [MAGIC.as_slice(), key_id.as_bytes()].concat();
    for text in context.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend_from_slice(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_blob_opens_under_its_key_and_context_only() {
        let (id, material) = (Uuid::new_v4(), Material::generate().unwrap());
        let sealed_for = context(&[("deployment", "a"), ("epoch", "1")]);
        let blob = seal(id, &material, &sealed_for, b"plaintext").unwrap();
        let parsed = Blob::parse(&blob).unwrap();
        assert_eq!(parsed.key_id(), id.to_string());
        assert_eq!(
            parsed.open(&material, &sealed_for).unwrap().as_slice(),
            b"plaintext"
        );
        for other in [
            context(&[]),
            context(&[("deployment", "a")]),
            context(&[("deployment", "a"), ("epoch", "2")]),
            context(&[("deployment", "aepoch"), ("", "1")]),
        ] {
            assert!(parsed.open(&material, &other).is_err(), "{other:?}");
        }
        let other = Material::generate().unwrap();
        assert!(parsed.open(&other, &sealed_for).is_err());
    }

    #[test]
    fn no_byte_of_a_blob_can_be_changed() {
        let material = Material::generate().unwrap();
        let blob = seal(Uuid::new_v4(), &material, &context(&[]), &[7; 5]).unwrap();
        for index in 0..blob.len() {
            let mut altered = blob.clone();
            altered[index] ^= 1;
            let opened = Blob::parse(&altered).and_then(|b| b.open(&material, &context(&[])));
            assert!(opened.is_err(), "byte {index}");
        }
        for end in 0..blob.len() {
            let opened = Blob::parse(&blob[..end]).and_then(|b| b.open(&material, &context(&[])));
            assert!(opened.is_err(), "{end} bytes");
        }
    }
}
