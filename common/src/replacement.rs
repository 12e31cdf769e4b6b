//! The statement by which one key replaces another: what the old key signs, and the check that anyone can make.

use aws_lc_rs::digest::{Context, SHA256, digest};
use ciborium::Value;
use permafrost_frost::{Hex, is_signed_by};

use crate::api::replacement::Replacement;

/// The version of the statement.
const VERSION: u8 = 1;

/// The tag of the hash (BIP-340, section Design), by which the digest passes for nothing else that a key signs.
const TAG: &[u8] = b"permafrost/replacement";

/// What a statement says, before the old key has signed it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnsignedReplacement {
    /// The id of the old key.
    pub old_key_id: Hex<22>,
    /// The old key, which signs.
    pub old_public_key: Hex<32>,
    /// The id of the new key.
    pub new_key_id: Hex<22>,
    /// The new key.
    pub new_public_key: Hex<32>,
    /// The deployment of both.
    pub deployment: String,
    /// When the new key was made: seconds since 1970.
    pub created_at: u64,
}

/// Why a statement is not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplacementError {
    /// Another version.
    #[error("the statement has version {came}; accepted: {VERSION}")]
    Version {
        /// The version that came.
        came: u8,
    },
    /// The statement names one key twice.
    #[error("the statement says that a key replaces itself")]
    OneKey,
    /// The signature is not one of the old key over this statement.
    #[error("the statement is not signed by the old key {old_public_key}")]
    Signature {
        /// The old key.
        old_public_key: Hex<32>,
    },
}

impl UnsignedReplacement {
    /// What the old key signs, 32 bytes: the tagged hash `permafrost/replacement` (BIP-340) of the CBOR array (RFC 8949 section 4.2.1) of
    /// old public key, new public key, deployment, old id, new id and time.
    pub fn digest(&self) -> [u8; 32] {
        let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
        let parts = Value::Array(vec![
            bytes(&self.old_public_key.0),
            bytes(&self.new_public_key.0),
            Value::Text(self.deployment.clone()),
            bytes(&self.old_key_id.0),
            bytes(&self.new_key_id.0),
            self.created_at.into(),
        ]);
        let mut cbor = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = ciborium::into_writer(&parts, &mut cbor);
        let tag = digest(&SHA256, TAG);
        let mut context = Context::new(&SHA256);
        for part in [tag.as_ref(), tag.as_ref(), &cbor] {
            context.update(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }

    /// The statement with this signature, which is verified.
    ///
    /// # Errors
    /// [`ReplacementError::Signature`]; [`ReplacementError::OneKey`].
    pub fn signed(self, signature: Hex<64>) -> Result<Replacement, ReplacementError> {
        let old_public_key = self.old_public_key;
        if old_public_key == self.new_public_key || self.old_key_id == self.new_key_id {
            return Err(ReplacementError::OneKey);
        }
        if !is_signed_by(&old_public_key, &self.digest(), &signature) {
            return Err(ReplacementError::Signature { old_public_key });
        }
        Ok(Replacement {
            version: VERSION,
            old_key_id: self.old_key_id,
            old_public_key,
            new_key_id: self.new_key_id,
            new_public_key: self.new_public_key,
            deployment: self.deployment,
            created_at: self.created_at,
            signature,
        })
    }
}

impl Replacement {
    /// Checks that the old key has signed this statement. Whether the old key is the one that was known, and the deployment the right
    /// one, is for the caller to compare.
    ///
    /// # Errors
    /// [`ReplacementError`] says what does not hold.
    pub fn verify(&self) -> Result<(), ReplacementError> {
        if self.version != VERSION {
            let came = self.version;
            return Err(ReplacementError::Version { came });
        }
        self.unsigned().signed(self.signature).map(|_| ())
    }

    /// What the old key has signed.
    pub fn unsigned(&self) -> UnsignedReplacement {
        UnsignedReplacement {
            old_key_id: self.old_key_id,
            old_public_key: self.old_public_key,
            new_key_id: self.new_key_id,
            new_public_key: self.new_public_key,
            deployment: self.deployment.clone(),
            created_at: self.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statement that docs/replacement.md shows.
    fn documented() -> Replacement {
        let text = include_str!("../../docs/replacement.md");
        let (_, json) = text.split_once("```json\n").unwrap();
        serde_json::from_str(json.split_once("```").unwrap().0).unwrap()
    }

    #[test]
    fn the_documented_statement_verifies_and_has_the_documented_digest() {
        let statement = documented();
        statement.verify().unwrap();
        let text = include_str!("../../docs/replacement.md");
        assert!(text.contains(&hex::encode(statement.unsigned().digest())));
    }

    #[test]
    fn no_word_of_a_statement_can_be_changed() {
        let changed = |change: fn(&mut Replacement)| {
            let mut statement = documented();
            change(&mut statement);
            statement.verify().unwrap_err()
        };
        let unsigned = |error| matches!(error, ReplacementError::Signature { .. });
        assert!(unsigned(changed(|s| s.old_key_id.0[3] ^= 1)));
        assert!(unsigned(changed(|s| s.new_key_id.0[21] ^= 1)));
        assert!(unsigned(changed(|s| s.new_public_key.0[0] ^= 1)));
        assert!(unsigned(changed(|s| s.old_public_key.0[0] ^= 1)));
        assert!(unsigned(changed(|s| s.deployment.push('x'))));
        assert!(unsigned(changed(|s| s.created_at += 1)));
        assert!(unsigned(changed(|s| s.signature.0[63] ^= 1)));
        let swap = |s: &mut Replacement| std::mem::swap(&mut s.old_key_id, &mut s.new_key_id);
        assert!(unsigned(changed(swap)));
        // By the new key over the same statement: the keys swapped, the ids as they were.
        let swap =
            |s: &mut Replacement| std::mem::swap(&mut s.old_public_key, &mut s.new_public_key);
        assert!(unsigned(changed(swap)));
        let other = changed(|s| s.version = 2);
        assert_eq!(other, ReplacementError::Version { came: 2 });
        let same = changed(|s| s.new_public_key = s.old_public_key);
        assert_eq!(same, ReplacementError::OneKey);
        let same = changed(|s| s.new_key_id = s.old_key_id);
        assert_eq!(same, ReplacementError::OneKey);
    }
}
