//! `CiphertextForRecipient`: CMS EnvelopedData (RFC 5652 section 6) as AWS KMS encodes it.
//!
//! KMS sends BER with indefinite lengths (X.690 section 8.1.3.6) around definite ones. This writes the same, byte for byte
//! apart from the keys; the published values that it was compared with are in the tests.

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use zeroize::Zeroizing;

/// The key of a recipient: RSA of at least 2048 bits.
pub struct Recipient {
    key: OaepPublicEncryptingKey,
    identifier: [u8; 32],
}

/// How the encrypted content is written. KMS has been seen to send both.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ContentForm {
    /// `[0]` of indefinite length around one OCTET STRING.
    #[default]
    OctetString,
    /// `[0]` of definite length with the bytes in it.
    ContextSpecific,
}

impl Recipient {
    /// Takes a key: SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// Why the key is invalid.
    pub fn new(public_key: &[u8]) -> Result<Self, String> {
        let key = PublicEncryptingKey::from_der(public_key)
            .map_err(|_| "it is not an RSA key, SubjectPublicKeyInfo in DER".to_owned())?;
        let bits = key.key_size_bits();
        if bits < 2048 {
            return Err(format!("it is RSA of {bits} bits, accepted: 2048 and more"));
        }
        let mut identifier = [0; 32];
        identifier.copy_from_slice(digest(&SHA256, public_key).as_ref());
        Ok(Self {
            key: OaepPublicEncryptingKey::new(key)
                .map_err(|_| "it cannot encrypt by RSAES-OAEP".to_owned())?,
            identifier,
        })
    }

    /// Encrypts `plaintext` to the recipient: a new AES-256 key, itself encrypted by RSAES-OAEP with SHA-256.
    ///
    /// # Errors
    /// If the system provides no randomness.
    pub fn envelope(&self, plaintext: &[u8], form: ContentForm) -> Result<Vec<u8>, Unspecified> {
        let mut key = Zeroizing::new([0; 32]);
        rand::fill(key.as_mut_slice())?;
        let mut iv = [0; 16];
        rand::fill(&mut iv)?;

        let mut content = Zeroizing::new(plaintext.to_vec());
        // Room for the padding, so that nothing is moved and left behind.
        content.reserve_exact(AES_256.block_len());
        PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, key.as_slice())?)?
            .less_safe_encrypt(
                &mut *content,
                EncryptionContext::Iv128(FixedLength::from(iv)),
            )?;
        let mut encrypted_key = vec![0; self.key.ciphertext_size()];
        let encrypted_key = self.key.encrypt(
            &OAEP_SHA256_MGF1SHA256,
            key.as_slice(),
            &mut encrypted_key,
            None,
        )?;
        Ok(enveloped_data(
            &self.identifier,
            encrypted_key,
            &iv,
            &content,
            form,
        ))
    }
}

/// ContentInfo with EnvelopedData version 2 and one KeyTransRecipientInfo.
fn enveloped_data(
    identifier: &[u8],
    encrypted_key: &[u8],
    iv: &[u8],
    content: &[u8],
    form: ContentForm,
) -> Vec<u8> {
    let recipient = definite(
        SEQUENCE,
        &[
            VERSION_2,
            &definite(CONTEXT_0, &[identifier]),
            RSAES_OAEP_SHA256,
            &definite(OCTET_STRING, &[encrypted_key]),
        ],
    );
    let content = match form {
        ContentForm::OctetString => indefinite(
            CONTEXT_0_CONSTRUCTED,
            &[&definite(OCTET_STRING, &[content])],
        ),
        ContentForm::ContextSpecific => definite(CONTEXT_0, &[content]),
    };
    let cipher = definite(SEQUENCE, &[AES_256_CBC, &definite(OCTET_STRING, &[iv])]);
    let enveloped = indefinite(
        SEQUENCE,
        &[
            VERSION_2,
            &definite(SET, &[&recipient]),
            &indefinite(SEQUENCE, &[DATA, &cipher, &content]),
        ],
    );
    indefinite(
        SEQUENCE,
        &[
            ENVELOPED_DATA,
            &indefinite(CONTEXT_0_CONSTRUCTED, &[&enveloped]),
        ],
    )
}

fn definite(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let digits = bytes.iter().skip_while(|byte| **byte == 0);
            let count = u8::try_from(digits.clone().count()).unwrap_or(u8::MAX);
            out.push(0x80 | count);
            out.extend(digits);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

fn indefinite(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![tag, INDEFINITE];
    for part in parts {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&END_OF_CONTENTS);
    out
}

const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT_0: u8 = 0x80;
const CONTEXT_0_CONSTRUCTED: u8 = 0xa0;
const INDEFINITE: u8 = 0x80;
const END_OF_CONTENTS: [u8; 2] = [0, 0];

const VERSION_2: &[u8] = &[0x02, 0x01, 0x02];

/// 1.2.840.113549.1.7.3.
const ENVELOPED_DATA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03,
];

/// 1.2.840.113549.1.7.1.
const DATA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01,
];

/// 2.16.840.1.101.3.4.1.42.
const AES_256_CBC: &[u8] = &[
    0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a,
];

/// The AlgorithmIdentifier of id-RSAES-OAEP (1.2.840.113549.1.1.7) with SHA-256, MGF1 with SHA-256 and the label that is
/// implied, the empty one (RFC 4055 section 4.1).
const RSAES_OAEP_SHA256: &[u8] = &[
    0x30, 0x3c, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07, 0x30, 0x2f, 0xa0,
    0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30,
    0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
];

#[cfg(test)]
mod tests {
    use aws_lc_rs::cipher::{DecryptionContext, PaddedBlockDecryptingKey};
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::rsa::{KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey};
    use rcgen::PublicKeyData;

    use super::*;

    #[test]
    #[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
    fn the_structure_is_that_of_kms_byte_for_byte() {
        let path = format!(
            "{}/kms/ciphertext-for-recipient.json",
            env!("PERMAFROST_FIXTURES_DIR")
        );
        let values: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let bytes = |value: &serde_json::Value| hex::decode(value.as_str().unwrap()).unwrap();
        let values = values.as_array().unwrap();
        assert_eq!(values.len(), 2);
        for (value, form) in values
            .iter()
            .zip([ContentForm::OctetString, ContentForm::ContextSpecific])
        {
            let ber = bytes(&value["ber"]);
            // The recipient's identifier is the one part that the fixture does not name.
            let start = ber.windows(2).position(|two| two == [0x80, 0x20]).unwrap() + 2;
            let written = enveloped_data(
                &ber[start..start + 32],
                &bytes(&value["encrypted_key"]),
                &bytes(&value["iv"]),
                &bytes(&value["ciphertext"]),
                form,
            );
            assert_eq!(hex::encode(written), hex::encode(ber));
        }
    }

    #[test]
    fn only_the_recipient_reads_what_is_enveloped() {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa3072).unwrap();
        let public: PublicKeyX509Der<'_> = private.public_key().as_der().unwrap();
        let recipient = Recipient::new(public.as_ref()).unwrap();
        let ber = recipient
            .envelope(b"a data key", ContentForm::ContextSpecific)
            .unwrap();

        let encrypted_key = after(&ber, &[0x05, 0x00, 0x04, 0x82, 0x01, 0x80], 384);
        let mut key = vec![0; 384];
        let key = OaepPrivateDecryptingKey::new(private)
            .unwrap()
            .decrypt(&OAEP_SHA256_MGF1SHA256, encrypted_key, &mut key, None)
            .unwrap();
        let iv: [u8; 16] = after(&ber, &[0x2a, 0x04, 0x10], 16).try_into().unwrap();
        let mut content = ber[ber.len() - 8 - 16..ber.len() - 8].to_vec();
        let plaintext =
            PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, key).unwrap())
                .unwrap()
                .decrypt(&mut content, DecryptionContext::Iv128(iv.into()))
                .unwrap();
        assert_eq!(plaintext, b"a data key");
        assert_eq!(
            after(&ber, &[0x02, 0x01, 0x02, 0x80, 0x20], 32),
            digest(&SHA256, public.as_ref()).as_ref()
        );
    }

    #[test]
    fn two_envelopes_share_nothing() {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let public: PublicKeyX509Der<'_> = private.public_key().as_der().unwrap();
        let recipient = Recipient::new(public.as_ref()).unwrap();
        let form = ContentForm::OctetString;
        let first = recipient.envelope(&[7; 32], form).unwrap();
        let second = recipient.envelope(&[7; 32], form).unwrap();
        assert_ne!(first[first.len() - 58..], second[second.len() - 58..]);
    }

    #[test]
    fn what_is_no_rsa_key_is_refused() {
        let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        for key in [&[][..], b"key", &ed25519.subject_public_key_info()] {
            assert!(Recipient::new(key).is_err());
        }
    }

    fn after<'a>(bytes: &'a [u8], marker: &[u8], length: usize) -> &'a [u8] {
        let found = bytes
            .windows(marker.len())
            .position(|window| window == marker)
            .unwrap();
        &bytes[found + marker.len()..][..length]
    }
}
