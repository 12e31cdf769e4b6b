//! The bytes of a sealed record: deterministic CBOR of `[1, epoch, salt, commitment, ciphertext]`.

use ciborium::Value;

use super::Epoch;

/// The length of the salt, in bytes.
pub const SALT_LEN: usize = 32;

/// The length of the key commitment, in bytes.
pub const COMMITMENT_LEN: usize = 32;

/// The only format.
const FORMAT: u64 = 1;

/// The shortest ciphertext: an AES-GCM tag alone.
const TAG_LEN: usize = 16;

/// A sealed record, parsed but not opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    /// The epoch whose root secret sealed it.
    pub epoch: Epoch,
    /// The HKDF salt of this record and version.
    pub salt: [u8; SALT_LEN],
    /// What the derived key commits to.
    pub commitment: [u8; COMMITMENT_LEN],
    /// AES-256-GCM ciphertext with the 16-byte tag at its end.
    pub ciphertext: Vec<u8>,
}

/// Why bytes are not a sealed record.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EnvelopeError {
    /// Truncated, or not CBOR.
    #[error("{length} bytes that are not a single CBOR item")]
    NotCbor {
        /// How many bytes came.
        length: usize,
    },
    /// A part is missing, of another type, or of another length.
    #[error("{0}")]
    Form(&'static str),
    /// A format of another release.
    #[error("format {found}, expected {FORMAT}")]
    Format {
        /// The format that the record names.
        found: u64,
    },
    /// A second encoding of a record is never accepted.
    #[error("the encoding is not deterministic")]
    NotCanonical,
}

impl Envelope {
    /// The bytes to store.
    pub fn encode(&self) -> Vec<u8> {
        let array = Value::Array(vec![
            FORMAT.into(),
            self.epoch.into(),
            Value::Bytes(self.salt.to_vec()),
            Value::Bytes(self.commitment.to_vec()),
            Value::Bytes(self.ciphertext.clone()),
        ]);
        let mut bytes = Vec::with_capacity(self.ciphertext.len() + 96);
        // Writing to a Vec cannot fail.
        let _ = ciborium::into_writer(&array, &mut bytes);
        bytes
    }

    /// Parses stored bytes; accepts only what [`Envelope::encode`] makes.
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let value: Value = ciborium::from_reader(bytes).map_err(|_| EnvelopeError::NotCbor {
            length: bytes.len(),
        })?;
        let Value::Array(parts) = value else {
            return Err(EnvelopeError::Form("expected an array of 5"));
        };
        let [format, epoch, salt, commitment, ciphertext]: [Value; 5] = parts
            .try_into()
            .map_err(|_| EnvelopeError::Form("expected an array of 5"))?;
        let format = format
            .as_integer()
            .and_then(|number| u64::try_from(number).ok())
            .ok_or(EnvelopeError::Form("the format is not an unsigned integer"))?;
        if format != FORMAT {
            return Err(EnvelopeError::Format { found: format });
        }
        let envelope = Self {
            epoch: epoch
                .as_integer()
                .and_then(|number| Epoch::try_from(number).ok())
                .ok_or(EnvelopeError::Form("the epoch is not a 32-bit integer"))?,
            salt: fixed(&salt).ok_or(EnvelopeError::Form("the salt is not 32 bytes"))?,
            commitment: fixed(&commitment)
                .ok_or(EnvelopeError::Form("the commitment is not 32 bytes"))?,
            ciphertext: ciphertext
                .into_bytes()
                .ok()
                .filter(|bytes| bytes.len() >= TAG_LEN)
                .ok_or(EnvelopeError::Form(
                    "the ciphertext is not at least 16 bytes",
                ))?,
        };
        if envelope.encode() != bytes {
            return Err(EnvelopeError::NotCanonical);
        }
        Ok(envelope)
    }
}

fn fixed(value: &Value) -> Option<[u8; 32]> {
    value.as_bytes()?.as_slice().try_into().ok()
}
