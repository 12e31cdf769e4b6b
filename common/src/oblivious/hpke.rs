//! Hybrid public key encryption (RFC 9180) in base mode, for the one suite and one message for each context.

use std::fmt;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, UnparsedPublicKey, X25519};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use zeroize::Zeroizing;

/// DHKEM(X25519, HKDF-SHA256) (RFC 9180 section 7.1).
pub(super) const KEM: u16 = 0x0020;

/// HKDF-SHA256 (RFC 9180 section 7.2).
pub(super) const KDF: u16 = 0x0001;

/// AES-128-GCM (RFC 9180 section 7.3).
pub(super) const AEAD: u16 = 0x0001;

/// The length of a public key and of an encapsulated key, in bytes: Npk and Nenc.
pub(super) const PUBLIC_KEY_LEN: usize = 32;

/// The length of an AEAD key, in bytes: Nk.
pub(super) const KEY_LEN: usize = 16;

/// The length of an AEAD nonce, in bytes: Nn.
pub(super) const NONCE_LEN: usize = 12;

/// The length of an AEAD tag, in bytes: Nt.
pub(super) const TAG_LEN: usize = 16;

/// A key or nonce could not be made or used; the cryptographic library gives no reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the cryptographic library failed: {0}")]
pub struct CryptoError(pub(crate) &'static str);

/// An X25519 key pair.
pub(super) struct KeyPair {
    private_key: agreement::PrivateKey,
    public_key: [u8; PUBLIC_KEY_LEN],
}

impl KeyPair {
    /// `GenerateKeyPair` (RFC 9180 section 4).
    pub(super) fn generate() -> Result<Self, CryptoError> {
        agreement::PrivateKey::generate(&X25519)
            .and_then(Self::of)
            .map_err(|_| CryptoError("cannot make an X25519 key"))
    }

    /// `SerializePublicKey` (RFC 9180 section 7.1.1): 32 bytes.
    pub(super) fn public_key(&self) -> &[u8; PUBLIC_KEY_LEN] {
        &self.public_key
    }

    fn of(private_key: agreement::PrivateKey) -> Result<Self, Unspecified> {
        let public_key = private_key.compute_public_key()?;
        Ok(Self {
            public_key: public_key.as_ref().try_into().map_err(|_| Unspecified)?,
            private_key,
        })
    }

    /// A key of a published vector.
    #[cfg(test)]
    pub(super) fn from_private_key(bytes: &[u8]) -> Self {
        let key = agreement::PrivateKey::from_private_key(&X25519, bytes);
        Self::of(key.expect("32 bytes")).expect("a public key")
    }
}

/// What both ends derive from one encapsulated key (RFC 9180 section 5.1.1).
pub(super) struct Context {
    /// Seals or opens the one message.
    pub(super) message: MessageKey,
    /// Exports further secrets.
    pub(super) exporter: Exporter,
}

impl Context {
    /// `SetupBaseS` (RFC 9180 section 5.1.1) with an ephemeral key that is used this once: its public key is `enc`.
    pub(super) fn of_sender(
        ephemeral: &KeyPair,
        recipient: &[u8; PUBLIC_KEY_LEN],
        info: &[u8],
    ) -> Result<Self, Unspecified> {
        let enc = ephemeral.public_key();
        derive(&ephemeral.private_key, recipient, enc, recipient, info)
    }

    /// `SetupBaseR` (RFC 9180 section 5.1.1).
    pub(super) fn of_recipient(
        enc: &[u8; PUBLIC_KEY_LEN],
        recipient: &KeyPair,
        info: &[u8],
    ) -> Result<Self, Unspecified> {
        derive(
            &recipient.private_key,
            enc,
            enc,
            recipient.public_key(),
            info,
        )
    }
}

/// `Encap` or `Decap` (section 4.1), then `KeySchedule` (section 5.1) with neither PSK nor sender's key.
fn derive(
    own: &agreement::PrivateKey,
    other: &[u8; PUBLIC_KEY_LEN],
    enc: &[u8; PUBLIC_KEY_LEN],
    recipient: &[u8; PUBLIC_KEY_LEN],
    info: &[u8],
) -> Result<Context, Unspecified> {
    let kem_context = [enc.as_slice(), recipient].concat();
    // The library refuses a shared secret of zeros, as section 7.1.4 requires.
    let shared_secret = agreement::agree(
        own,
        UnparsedPublicKey::new(&X25519, other.as_slice()),
        Unspecified,
        |dh| {
            let eae_prk = labeled_extract(KEM_SUITE, &[], b"eae_prk", dh);
            labeled_expand::<32>(&eae_prk, KEM_SUITE, b"shared_secret", &kem_context)
        },
    )?;
    let key_schedule_context = [
        [MODE_BASE].as_slice(),
        public_extract(b"psk_id_hash", &[]).as_ref(),
        public_extract(b"info_hash", info).as_ref(),
    ]
    .concat();
    let secret = labeled_extract(SUITE, shared_secret.as_slice(), b"secret", &[]);
    let key = labeled_expand::<KEY_LEN>(&secret, SUITE, b"key", &key_schedule_context)?;
    let nonce = labeled_expand::<NONCE_LEN>(&secret, SUITE, b"base_nonce", &key_schedule_context)?;
    let exporter = labeled_expand::<32>(&secret, SUITE, b"exp", &key_schedule_context)?;
    Ok(Context {
        message: MessageKey::new(&key, &nonce)?,
        exporter: Exporter(Prk::new_less_safe(HKDF_SHA256, exporter.as_slice())),
    })
}

/// An AEAD key and its nonce, which seal or open one message only.
pub(super) struct MessageKey {
    key: LessSafeKey,
    nonce: [u8; NONCE_LEN],
}

impl MessageKey {
    pub(super) fn new(key: &[u8; KEY_LEN], nonce: &[u8; NONCE_LEN]) -> Result<Self, Unspecified> {
        let key = UnboundKey::new(&AES_128_GCM, key)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            nonce: *nonce,
        })
    }

    /// Appends the ciphertext, with its tag at the end, to `to`. There is no associated data.
    pub(super) fn seal(self, plaintext: &[u8], to: &mut Vec<u8>) -> Result<(), Unspecified> {
        let mut ciphertext = plaintext.to_vec();
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        self.key
            .seal_in_place_append_tag(nonce, Aad::empty(), &mut ciphertext)?;
        to.append(&mut ciphertext);
        Ok(())
    }

    /// The plaintext of a ciphertext with its tag at the end.
    pub(super) fn open(self, ciphertext: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut plaintext = ciphertext.to_vec();
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let length = self
            .key
            .open_in_place(nonce, Aad::empty(), &mut plaintext)?
            .len();
        plaintext.truncate(length);
        Ok(plaintext)
    }
}

/// The exporter secret of a context.
pub(super) struct Exporter(Prk);

impl Exporter {
    /// `Context.Export` (RFC 9180 section 5.3): `N` bytes.
    pub(super) fn export<const N: usize>(
        &self,
        context: &[u8],
    ) -> Result<Zeroizing<[u8; N]>, Unspecified> {
        labeled_expand(&self.0, SUITE, b"sec", context)
    }
}

/// HKDF-Expand (RFC 5869 section 2.3) to `N` bytes.
pub(super) fn expand<const N: usize>(
    prk: &Prk,
    info: &[&[u8]],
) -> Result<Zeroizing<[u8; N]>, Unspecified> {
    let mut out = Zeroizing::new([0; N]);
    prk.expand(info, Length(N))?.fill(out.as_mut_slice())?;
    Ok(out)
}

/// HKDF-Extract (RFC 5869 section 2.2).
pub(super) fn extract(salt: &[u8], secret: &[u8]) -> Prk {
    Salt::new(HKDF_SHA256, salt).extract(secret)
}

/// `LabeledExtract` (RFC 9180 section 4) of a secret.
fn labeled_extract(suite: &[u8], salt: &[u8], label: &[u8], secret: &[u8]) -> Prk {
    let labeled = Zeroizing::new([VERSION, suite, label, secret].concat());
    extract(salt, &labeled)
}

/// `LabeledExtract` (RFC 9180 section 4) of a value that is not secret, with an empty salt. HKDF-Extract is HMAC keyed with the
/// salt, and an empty key is the same as one of zeros.
fn public_extract(label: &[u8], value: &[u8]) -> hmac::Tag {
    let key = hmac::Key::new(HMAC_SHA256, &[0; 32]);
    hmac::sign(&key, &[VERSION, SUITE, label, value].concat())
}

/// `LabeledExpand` (RFC 9180 section 4).
fn labeled_expand<const N: usize>(
    prk: &Prk,
    suite: &[u8],
    label: &[u8],
    info: &[u8],
) -> Result<Zeroizing<[u8; N]>, Unspecified> {
    let length = u16::try_from(N).map_err(|_| Unspecified)?.to_be_bytes();
    expand(prk, &[&length, VERSION, suite, label, info])
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("public_key", &hex::encode(self.public_key))
            .finish_non_exhaustive()
    }
}

const VERSION: &[u8] = b"HPKE-v1";
const MODE_BASE: u8 = 0;

/// `suite_id` in the KEM (RFC 9180 section 4.1).
const KEM_SUITE: &[u8] = b"KEM\x00\x20";

/// `suite_id` in the key schedule (RFC 9180 section 5.1).
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x01";

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::vectors::bytes;
    use super::*;

    #[test]
    fn the_vector_of_rfc_9180_is_reproduced_by_both_ends() {
        let vector: Vector =
            serde_json::from_str(include_str!("../../../clients/vectors/rfc9180-a.1.1.json"))
                .unwrap();
        let sender = KeyPair::from_private_key(&vector.sk_em);
        let recipient = KeyPair::from_private_key(&vector.sk_rm);
        assert_eq!(sender.public_key()[..], vector.pk_em);
        assert_eq!(recipient.public_key()[..], vector.pk_rm);
        let (enc, to) = (sender.public_key(), recipient.public_key());
        for context in [
            Context::of_sender(&sender, to, &vector.info).unwrap(),
            Context::of_recipient(enc, &recipient, &vector.info).unwrap(),
        ] {
            assert_eq!(context.message.nonce[..], vector.base_nonce);
            let mut ciphertext = vector.encryption.pt.clone();
            let nonce = Nonce::assume_unique_for_key(context.message.nonce);
            let aad = Aad::from(&vector.encryption.aad);
            let key = &context.message.key;
            key.seal_in_place_append_tag(nonce, aad, &mut ciphertext)
                .unwrap();
            assert_eq!(ciphertext, vector.encryption.ct);
            for export in &vector.exports {
                let exported = context.exporter.export::<32>(&export.exporter_context);
                assert_eq!(exported.unwrap()[..], export.exported_value);
            }
        }
    }

    #[test]
    fn a_point_of_small_order_gives_no_context() {
        let own = KeyPair::generate().unwrap();
        for point in [[0; 32], small_order_one()] {
            assert!(Context::of_recipient(&point, &own, b"").is_err());
            assert!(Context::of_sender(&own, &point, b"").is_err());
        }
    }

    fn small_order_one() -> [u8; 32] {
        let mut point = [0; 32];
        point[0] = 1;
        point
    }

    #[derive(Deserialize)]
    struct Vector {
        #[serde(deserialize_with = "bytes")]
        info: Vec<u8>,
        #[serde(rename = "skEm", deserialize_with = "bytes")]
        sk_em: Vec<u8>,
        #[serde(rename = "pkEm", deserialize_with = "bytes")]
        pk_em: Vec<u8>,
        #[serde(rename = "skRm", deserialize_with = "bytes")]
        sk_rm: Vec<u8>,
        #[serde(rename = "pkRm", deserialize_with = "bytes")]
        pk_rm: Vec<u8>,
        #[serde(deserialize_with = "bytes")]
        base_nonce: Vec<u8>,
        encryption: Encryption,
        exports: Vec<Export>,
    }

    #[derive(Deserialize)]
    struct Encryption {
        #[serde(deserialize_with = "bytes")]
        aad: Vec<u8>,
        #[serde(deserialize_with = "bytes")]
        pt: Vec<u8>,
        #[serde(deserialize_with = "bytes")]
        ct: Vec<u8>,
    }

    #[derive(Deserialize)]
    struct Export {
        #[serde(deserialize_with = "bytes")]
        exporter_context: Vec<u8>,
        #[serde(deserialize_with = "bytes")]
        exported_value: Vec<u8>,
    }
}
