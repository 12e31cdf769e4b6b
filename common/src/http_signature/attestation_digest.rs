//! The value of `X-Enclave-Attestation`: which boot a message belongs to.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 of a boot's own attestation document (made when the boot started, without a nonce).
///
/// As text, in the header: `sha-256=` and 64 lower-case hex digits.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct AttestationDigest([u8; 32]);

/// Why a text is not an [`AttestationDigest`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{came:?} is not an attestation digest; accepted: sha-256= and 64 lower-case hex digits")]
pub struct AttestationDigestError {
    came: String,
}

impl AttestationDigest {
    /// The digest of a document (the bytes of its COSE_Sign1).
    pub fn of(document: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, document).as_ref());
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for AttestationDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttestationDigest({self})")
    }
}

impl fmt::Display for AttestationDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex::encode(self.0))
    }
}

impl FromStr for AttestationDigest {
    type Err = AttestationDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        text.strip_prefix(PREFIX)
            .filter(|hex| !hex.bytes().any(|b| b.is_ascii_uppercase()))
            .and_then(|hex| hex::decode_to_slice(hex, &mut bytes).ok())
            .map(|()| Self(bytes))
            .ok_or_else(|| AttestationDigestError {
                came: text.chars().take(80).collect(),
            })
    }
}

const PREFIX: &str = "sha-256=";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_from_its_text() {
        let digest = AttestationDigest::of(b"document");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(digest.to_string().len(), 72);
    }

    #[test]
    fn another_form_of_the_same_digest_is_refused() {
        let text = AttestationDigest::of(b"document").to_string();
        for other in [
            text.to_uppercase(),
            text.replace("sha-256=", "sha-256=:"),
            text.replace("sha-256=", ""),
            format!("{text}0"),
            format!("{text} "),
            text[..71].to_owned(),
            text.replace(&text[8..], &text[8..].to_uppercase()),
        ] {
            assert!(other.parse::<AttestationDigest>().is_err(), "{other}");
        }
    }
}
