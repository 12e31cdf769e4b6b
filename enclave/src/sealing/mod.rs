//! Sealed records: what the enclave gives the parent to keep (format: `docs/formats.md`).
//!
//! A record is sealed for one [`Place`]: deployment, kind, id and version. Opened anywhere else - another
//! user's id, an older version, another deployment - it fails before anything is decrypted.

mod derivation_root;
mod envelope;
mod held_secrets;
mod root_secret;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf::{self, HKDF_SHA256};
use ciborium::Value;
use zeroize::Zeroizing;

pub use derivation_root::{DERIVATION_ROOT_LEN, DerivationRoot};
pub use envelope::{COMMITMENT_LEN, Envelope, EnvelopeError, SALT_LEN};
pub use held_secrets::HeldSecrets;
pub use root_secret::{Epoch, ROOT_SECRET_LEN, RootSecret, RootSecrets};

/// Where a record belongs. All of it is bound into the record's key and its associated data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place<'a> {
    /// The deployment's name from the measured configuration.
    pub deployment: &'a str,
    /// What the record is, e.g. `key`.
    pub kind: &'a str,
    /// Which record of that kind.
    pub id: &'a str,
    /// From 1.
    pub version: u64,
}

/// Why a record does not open.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// The bytes are not a sealed record.
    #[error("not a sealed record: {0}")]
    Envelope(#[from] EnvelopeError),
    /// The record was sealed in an epoch whose root secret this enclave does not hold.
    #[error("sealed in epoch {found}, but this enclave holds epochs {held}")]
    Epoch {
        /// The epoch that the record names.
        found: Epoch,
        /// The epochs whose root secrets this enclave holds, comma-separated.
        held: String,
    },
    /// The key commitment differs: another deployment, kind, id, version or root secret, or an altered salt.
    #[error("not sealed by this deployment for {kind}/{id} version {version}")]
    Commitment {
        /// The kind it was opened as.
        kind: String,
        /// The id it was opened as.
        id: String,
        /// The version it was opened as.
        version: u64,
    },
    /// The ciphertext or its tag was altered.
    #[error("altered after it was sealed")]
    Altered,
}

/// The cryptographic library failed to seal, which no input can cause.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("sealing failed in the cryptographic library")]
pub struct SealError;

/// Seals `plaintext` for `place` under the newest epoch, with a fresh salt.
pub fn seal(
    secrets: &RootSecrets,
    place: &Place<'_>,
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut salt = [0; SALT_LEN];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| SealError)?;
    seal_with_salt(secrets, place, plaintext, salt)
}

/// Opens a record that must have been sealed for `place`.
pub fn open(
    secrets: &RootSecrets,
    place: &Place<'_>,
    record: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let envelope = Envelope::decode(record)?;
    let secret = secrets
        .of_epoch(envelope.epoch)
        .ok_or_else(|| OpenError::Epoch {
            found: envelope.epoch,
            held: secrets.epochs(),
        })?;
    open_envelope(secret, place, envelope)
}

/// Opens a record that must have been sealed for `place` in this epoch.
pub fn open_with(
    (epoch, secret): (Epoch, &RootSecret),
    place: &Place<'_>,
    record: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let envelope = Envelope::decode(record)?;
    if envelope.epoch != epoch {
        return Err(OpenError::Epoch {
            found: envelope.epoch,
            held: epoch.to_string(),
        });
    }
    open_envelope(secret, place, envelope)
}

fn open_envelope(
    secret: &RootSecret,
    place: &Place<'_>,
    envelope: Envelope,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let keys = RecordKeys::derive(secret, &envelope.salt, place).map_err(|_| OpenError::Altered)?;
    verify_slices_are_equal(&keys.commitment, &envelope.commitment).map_err(|_| {
        OpenError::Commitment {
            kind: place.kind.to_owned(),
            id: place.id.to_owned(),
            version: place.version,
        }
    })?;
    let mut bytes = Zeroizing::new(envelope.ciphertext);
    let length = keys
        .cipher()
        .and_then(|(key, nonce)| {
            key.open_in_place(nonce, Aad::from(place.to_cbor()), &mut bytes)
                .map(|plaintext| plaintext.len())
                .map_err(|_| SealError)
        })
        .map_err(|_| OpenError::Altered)?;
    bytes.truncate(length);
    Ok(bytes)
}

impl Place<'_> {
    /// Deterministic CBOR of `[deployment, kind, id, version]`: the HKDF info and the associated data.
    pub fn to_cbor(&self) -> Vec<u8> {
        let tuple = Value::Array(vec![
            self.deployment.into(),
            self.kind.into(),
            self.id.into(),
            self.version.into(),
        ]);
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = ciborium::into_writer(&tuple, &mut bytes);
        bytes
    }
}

fn seal_with_salt(
    secrets: &RootSecrets,
    place: &Place<'_>,
    plaintext: &[u8],
    salt: [u8; SALT_LEN],
) -> Result<Vec<u8>, SealError> {
    let (epoch, secret) = secrets.newest();
    let keys = RecordKeys::derive(secret, &salt, place)?;
    let (key, nonce) = keys.cipher()?;
    // With room for the tag, so that no reallocation leaves a copy of the plaintext behind.
    let mut ciphertext = Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len());
    ciphertext.extend_from_slice(plaintext);
    key.seal_in_place_append_tag(nonce, Aad::from(place.to_cbor()), &mut ciphertext)
        .map_err(|_| SealError)?;
    Ok(Envelope {
        epoch,
        salt,
        commitment: keys.commitment,
        ciphertext,
    }
    .encode())
}

/// Used for one record and version only, so that the nonce can be derived with the key.
struct RecordKeys {
    key: Zeroizing<[u8; 32]>,
    nonce: [u8; NONCE_LEN],
    commitment: [u8; COMMITMENT_LEN],
}

impl RecordKeys {
    fn derive(
        secret: &RootSecret,
        salt: &[u8; SALT_LEN],
        place: &Place<'_>,
    ) -> Result<Self, SealError> {
        let info = place.to_cbor();
        let mut okm = Zeroizing::new([0; 32 + NONCE_LEN + COMMITMENT_LEN]);
        hkdf::Salt::new(HKDF_SHA256, salt)
            .extract(secret.expose())
            .expand(&[&info], OkmLen)
            .and_then(|okm_source| okm_source.fill(okm.as_mut_slice()))
            .map_err(|_| SealError)?;
        let mut keys = Self {
            key: Zeroizing::new([0; 32]),
            nonce: [0; NONCE_LEN],
            commitment: [0; COMMITMENT_LEN],
        };
        let (key, rest) = okm.split_at(32);
        let (nonce, commitment) = rest.split_at(NONCE_LEN);
        keys.key.copy_from_slice(key);
        keys.nonce.copy_from_slice(nonce);
        keys.commitment.copy_from_slice(commitment);
        Ok(keys)
    }

    fn cipher(&self) -> Result<(LessSafeKey, Nonce), SealError> {
        let key = UnboundKey::new(&AES_256_GCM, self.key.as_slice()).map_err(|_| SealError)?;
        Ok((
            LessSafeKey::new(key),
            Nonce::assume_unique_for_key(self.nonce),
        ))
    }
}

#[derive(Clone, Copy)]
struct OkmLen;

impl hkdf::KeyType for OkmLen {
    fn len(&self) -> usize {
        32 + NONCE_LEN + COMMITMENT_LEN
    }
}

#[cfg(test)]
mod tests;
