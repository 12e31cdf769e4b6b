//! A secret that a password encrypts, as NIP-49 writes it.

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::form::Secret;

/// The most work that a password may cost: scrypt with N = 2^22, which takes 4 GiB; the last row of NIP-49's table.
const LOG_N_MAX: u8 = 22;

/// An encrypted secret (NIP-49), not opened yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Encrypted {
    log_n: u8,
    salt: [u8; 16],
    nonce: [u8; 24],
    security: u8,
    ciphertext: [u8; 32],
    tag: [u8; 16],
}

impl Encrypted {
    /// The length in bytes.
    pub(super) const LEN: usize = 1 + 1 + 16 + 24 + 1 + 32 + 16;

    /// Reads the bytes of an `ncryptsec`.
    ///
    /// # Errors
    /// Says what is wrong and what is accepted.
    pub(super) fn parse(bytes: &[u8; Self::LEN]) -> Result<Self, String> {
        let mut left = bytes.as_slice();
        let [version] = take(&mut left)?;
        if version != VERSION {
            return Err(format!(
                "ncryptsec of version {version}; accepted: {VERSION}"
            ));
        }
        let [log_n] = take(&mut left)?;
        if log_n > LOG_N_MAX {
            return Err(format!(
                "ncryptsec whose password costs scrypt with N = 2^{log_n}; accepted: at most 2^{LOG_N_MAX}, which takes 4 GiB"
            ));
        }
        let (salt, nonce, [security]) = (take(&mut left)?, take(&mut left)?, take(&mut left)?);
        if security > 2 {
            return Err(format!(
                "ncryptsec with the key security {security}; accepted: 0, 1 or 2"
            ));
        }
        Ok(Self {
            log_n,
            salt,
            nonce,
            security,
            ciphertext: take(&mut left)?,
            tag: take(&mut left)?,
        })
    }

    /// Whether the key is known to have been handled insecurely.
    pub(super) fn was_handled_insecurely(&self) -> bool {
        self.security == 0
    }

    /// Opens it with its password.
    ///
    /// # Errors
    /// The password is wrong, or the bytes were altered: the two cannot be distinguished.
    pub(super) fn open(&self, password: &str) -> Result<Secret, String> {
        let failed = |error: String| format!("scrypt: {error}");
        let mut normalised = Zeroizing::new(String::with_capacity(4 * password.len()));
        normalised.extend(password.nfkc());
        let parameters = scrypt::Params::new(self.log_n, 8, 1, 32);
        let parameters = parameters.map_err(|error| failed(error.to_string()))?;
        let mut key = Zeroizing::new([0; 32]);
        scrypt::scrypt(
            normalised.as_bytes(),
            &self.salt,
            &parameters,
            key.as_mut_slice(),
        )
        .map_err(|error| failed(error.to_string()))?;
        let mut secret = Zeroizing::new(self.ciphertext);
        XChaCha20Poly1305::new((&*key).into())
            .decrypt_in_place_detached(
                &XNonce::from(self.nonce),
                &[self.security],
                secret.as_mut_slice(),
                &Tag::from(self.tag),
            )
            .map_err(|_| {
                "ncryptsec that does not open; accepted: its password, and the bytes as they were written".to_owned()
            })?;
        Ok(secret)
    }
}

const VERSION: u8 = 2;

fn take<const N: usize>(left: &mut &[u8]) -> Result<[u8; N], String> {
    let (taken, rest) = left
        .split_first_chunk()
        .ok_or("ncryptsec that is too short")?;
    *left = rest;
    Ok(*taken)
}

#[cfg(test)]
mod tests {
    use super::super::form::{Form, Read, WifNetwork};
    use super::*;

    /// NIP-49, "Test Data": the password is `nostr`, log_n is 16.
    const EXAMPLE: &str = "ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9m0w57lspw8gsq6yphnm8623nsl8xn9j4jdzz84zm3frztj3z7s35vpzmqf6ksu8r89qk5z2zxfmu5gv8th8wclt0h4p";
    const SECRET: &str = "3501454135014541350145413501453fefb02227e449e57cf4d3a3ce05378683";

    fn example() -> Encrypted {
        match Form::Ncryptsec.read(EXAMPLE, WifNetwork::Bitcoin) {
            Ok(Read::Encrypted(encrypted)) => encrypted,
            other => panic!("{other:?}"),
        }
    }

    fn encrypted(password: &str, security: u8) -> Encrypted {
        let (salt, nonce) = ([1; 16], [2; 24]);
        let mut key = [0; 32];
        let parameters = scrypt::Params::new(4, 8, 1, 32).unwrap();
        scrypt::scrypt(password.as_bytes(), &salt, &parameters, &mut key).unwrap();
        let mut ciphertext = [7; 32];
        let tag = XChaCha20Poly1305::new(&key.into())
            .encrypt_in_place_detached(&XNonce::from(nonce), &[security], &mut ciphertext)
            .unwrap();
        Encrypted {
            log_n: 4,
            salt,
            nonce,
            security,
            ciphertext,
            tag: tag.into(),
        }
    }

    #[test]
    fn the_example_of_nip_49_opens() {
        let opened = example().open("nostr").unwrap();
        assert_eq!(hex::encode(*opened), SECRET);
    }

    #[test]
    fn another_password_and_altered_bytes_do_not_open() {
        let whole = encrypted("nostr", 1);
        assert_eq!(*whole.open("nostr").unwrap(), [7; 32]);
        let altered = [
            Encrypted {
                security: 2,
                ..whole.clone()
            },
            Encrypted {
                nonce: [3; 24],
                ..whole.clone()
            },
            Encrypted {
                salt: [3; 16],
                ..whole.clone()
            },
            Encrypted {
                ciphertext: [3; 32],
                ..whole.clone()
            },
            Encrypted {
                log_n: 5,
                ..whole.clone()
            },
        ];
        for altered in altered {
            assert!(altered.open("nostr").is_err(), "{altered:?}");
        }
        let refused = whole.open("Nostr").unwrap_err();
        assert!(refused.contains("does not open") && refused.contains("password"));
    }

    /// NIP-49, "Password Unicode Normalization": what is typed, and what is derived from.
    #[test]
    fn passwords_are_normalised() {
        let typed = "\u{c5}\u{2126}\u{1e9b}\u{323}";
        let (other, normal) = ("\u{212b}\u{2126}\u{1e9b}\u{323}", "\u{c5}\u{3a9}\u{1e69}");
        let encrypted = encrypted(normal, 2);
        for password in [typed, other, normal] {
            assert_eq!(*encrypted.open(password).unwrap(), [7; 32], "{password}");
        }
    }

    #[test]
    fn other_versions_and_excessive_work_are_refused() {
        let bytes = |version: u8, log_n: u8, security: u8| {
            let mut bytes = [0; Encrypted::LEN];
            (bytes[0], bytes[1], bytes[42]) = (version, log_n, security);
            Encrypted::parse(&bytes)
        };
        assert!(bytes(2, 22, 0).unwrap().was_handled_insecurely());
        assert!(!bytes(2, 16, 1).unwrap().was_handled_insecurely());
        for (refused, words) in [
            (bytes(1, 16, 0), "version 1"),
            (bytes(3, 16, 0), "version 3"),
            (bytes(2, 23, 0), "2^23"),
            (bytes(2, 16, 3), "key security 3"),
        ] {
            assert!(refused.unwrap_err().contains(words));
        }
    }
}
