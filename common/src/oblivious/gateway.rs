//! The gateway's side: opens encapsulated requests and seals the responses (RFC 9458 sections 4.3 and 4.4).

use std::fmt;

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::encapsulation::{
    HEADER_LEN, RESPONSE_LABEL, RESPONSE_NONCE_LEN, header, request_info, response_key,
};
use super::hpke::{Context, CryptoError, KEY_LEN, KeyPair, PUBLIC_KEY_LEN, TAG_LEN};
use super::key_configuration::KeyConfiguration;

/// The key that requests are sealed to; it lives as long as the boot that made it.
pub struct GatewayKey {
    id: u8,
    key: KeyPair,
}

/// Why an encapsulated request does not open.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestNotOpened {
    /// Shorter than any encapsulated request.
    #[error(
        "{length} bytes; accepted: at least {REQUEST_MIN}, of which 7 are the header, 32 the encapsulated key"
    )]
    TooShort {
        /// How many bytes came.
        length: usize,
    },
    /// For another key or another suite than those of this boot.
    #[error("key and algorithms {came}; accepted: {expected} (hex of key id, KEM, KDF, AEAD)")]
    OtherKey {
        /// The header that came, hex.
        came: String,
        /// The header of this key, hex.
        expected: String,
    },
    /// It does not open: sealed to a key of another boot with the same id, or altered. The two cannot be distinguished.
    #[error("it does not open under this key: sealed to another key, or altered")]
    Sealed,
}

impl GatewayKey {
    /// Makes a key. Its id is a random byte, so that a request for the key of another boot is usually recognised before anything is
    /// computed; if the ids are the same by chance, the request does not open.
    ///
    /// # Errors
    /// [`CryptoError`].
    pub fn generate() -> Result<Self, CryptoError> {
        let mut id = [0];
        rand::fill(&mut id).map_err(|_| CryptoError("cannot get a random byte"))?;
        let [id] = id;
        Ok(Self {
            id,
            key: KeyPair::generate()?,
        })
    }

    /// The published list (RFC 9458 section 3.2) with this key's one configuration, 43 bytes.
    pub fn key_configurations(&self) -> Vec<u8> {
        KeyConfiguration {
            id: self.id,
            public_key: *self.key.public_key(),
        }
        .to_list()
    }

    /// Opens an encapsulated request: gives the request, and what seals the one response to it.
    ///
    /// # Errors
    /// [`RequestNotOpened`].
    pub fn open(&self, encapsulated: &[u8]) -> Result<(Vec<u8>, Responder), RequestNotOpened> {
        let too_short = || RequestNotOpened::TooShort {
            length: encapsulated.len(),
        };
        let (came, rest) = encapsulated
            .split_first_chunk::<HEADER_LEN>()
            .ok_or_else(too_short)?;
        let (enc, ciphertext) = rest
            .split_first_chunk::<PUBLIC_KEY_LEN>()
            .filter(|(_, ciphertext)| ciphertext.len() >= TAG_LEN)
            .ok_or_else(too_short)?;
        let expected = header(self.id);
        if *came != expected {
            return Err(RequestNotOpened::OtherKey {
                came: hex::encode(came),
                expected: hex::encode(expected),
            });
        }
        let info = request_info(&expected);
        let context = Context::of_recipient(enc, &self.key, &info);
        let Context { message, exporter } = context.map_err(|_| RequestNotOpened::Sealed)?;
        let request = message.open(ciphertext);
        let responder = Responder {
            enc: *enc,
            secret: exporter
                .export(RESPONSE_LABEL)
                .map_err(|_| RequestNotOpened::Sealed)?,
        };
        Ok((request.map_err(|_| RequestNotOpened::Sealed)?, responder))
    }

    pub(super) fn key_pair(&self) -> &KeyPair {
        &self.key
    }

    /// The key of a published vector.
    #[cfg(test)]
    pub(super) fn of(id: u8, private_key: &[u8]) -> Self {
        let key = KeyPair::from_private_key(private_key);
        Self { id, key }
    }
}

/// Seals the response to one request.
pub struct Responder {
    enc: [u8; PUBLIC_KEY_LEN],
    secret: Zeroizing<[u8; KEY_LEN]>,
}

impl Responder {
    /// The encapsulated response: 32 bytes longer than the response.
    ///
    /// # Errors
    /// [`CryptoError`].
    pub fn seal(self, response: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut nonce = [0; RESPONSE_NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| CryptoError("cannot get random bytes"))?;
        self.seal_with(&nonce, response)
    }

    pub(super) fn seal_with(
        self,
        nonce: &[u8; RESPONSE_NONCE_LEN],
        response: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let mut encapsulated = nonce.to_vec();
        response_key(&self.enc, &self.secret, nonce)
            .and_then(|key| key.seal(response, &mut encapsulated))
            .map_err(|_| CryptoError("cannot seal the response"))?;
        Ok(encapsulated)
    }
}

impl fmt::Debug for GatewayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayKey")
            .field("id", &self.id)
            .field("key", &self.key)
            .finish()
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").finish_non_exhaustive()
    }
}

/// The length of an encapsulated empty request, in bytes.
pub(super) const REQUEST_MIN: usize = HEADER_LEN + PUBLIC_KEY_LEN + TAG_LEN;
