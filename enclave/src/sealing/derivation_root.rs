//! The secret of a deployment that stays the same in every epoch.

use std::fmt;

use aws_lc_rs::hmac::{self, HMAC_SHA256, Tag};
use zeroize::Zeroizing;

use super::SealError;

/// The length of a derivation root, in bytes.
pub const DERIVATION_ROOT_LEN: usize = 32;

/// What derived keys and blind indexes are derived from: made once, with the first root secret, and kept in the record of the root secret
/// in every epoch. So it is older than any epoch that is retired, and no older version of that record has another.
#[derive(Clone)]
pub struct DerivationRoot(Zeroizing<[u8; DERIVATION_ROOT_LEN]>);

impl DerivationRoot {
    /// Takes 32 bytes of full entropy.
    pub fn new(bytes: Zeroizing<[u8; DERIVATION_ROOT_LEN]>) -> Self {
        Self(bytes)
    }

    /// Makes one from the operating system's generator, which the NSM seeds.
    ///
    /// # Errors
    /// The cryptographic library fails to give random bytes.
    pub fn generate() -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; DERIVATION_ROOT_LEN]);
        aws_lc_rs::rand::fill(bytes.as_mut_slice()).map_err(|_| SealError)?;
        Ok(Self(bytes))
    }

    /// The bytes: for key derivation, for the record of the root secret, and for tests that search for them.
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// What names it in public, in 64 lower-case hex digits: HMAC-SHA256 under it of `permafrost derivation root`.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.tag("permafrost derivation root"))
    }

    /// The key of the blind indexes of records: HMAC-SHA256 under the derivation root of `permafrost blind index`.
    pub fn index_key(&self) -> hmac::Key {
        self.key("permafrost blind index")
    }

    /// The key that names the records of derived keys that are not as they were derived (`docs/derivation.md`).
    pub fn exceptions_key(&self) -> hmac::Key {
        self.key("permafrost derived exceptions")
    }

    fn key(&self, purpose: &str) -> hmac::Key {
        hmac::Key::new(HMAC_SHA256, self.tag(purpose).as_ref())
    }

    fn tag(&self, purpose: &str) -> Tag {
        hmac::sign(
            &hmac::Key::new(HMAC_SHA256, self.expose()),
            purpose.as_bytes(),
        )
    }
}

impl fmt::Debug for DerivationRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivationRoot(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_differs_by_root_and_purpose_and_shows_nothing_of_the_root() {
        let root = |byte| DerivationRoot::new(Zeroizing::new([byte; DERIVATION_ROOT_LEN]));
        assert_eq!(root(1).fingerprint(), root(1).fingerprint());
        assert_ne!(root(1).fingerprint(), root(2).fingerprint());
        let tags = |root: DerivationRoot| {
            [root.index_key(), root.exceptions_key()].map(|key| hex::encode(hmac::sign(&key, b"")))
        };
        assert_ne!(tags(root(1))[0], tags(root(1))[1]);
        assert_ne!(tags(root(1)), tags(root(2)));
        assert!(!format!("{:?}", root(7)).contains('7'));
    }
}
