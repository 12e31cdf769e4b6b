//! The client's side: seals requests and opens the responses (RFC 9458 sections 4.3 and 4.4), and what both sides share.

use std::fmt;

use aws_lc_rs::error::Unspecified;
use zeroize::Zeroizing;

use super::hpke::{
    AEAD, Context, CryptoError, KDF, KEM, KEY_LEN, KeyPair, MessageKey, NONCE_LEN, PUBLIC_KEY_LEN,
    TAG_LEN, expand, extract,
};
use super::key_configuration::KeyConfiguration;

/// Why an encapsulated response does not open.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResponseNotOpened {
    /// Shorter than any encapsulated response.
    #[error("{length} bytes; accepted: at least {RESPONSE_MIN}")]
    TooShort {
        /// How many bytes came.
        length: usize,
    },
    /// It does not open: altered, cut off, or the response to another request.
    #[error("it does not open: altered, cut off, or the response to another request")]
    Sealed,
}

impl KeyConfiguration {
    /// Seals a request to this key: 55 bytes longer than the request. Also gives what opens the response.
    ///
    /// # Errors
    /// [`CryptoError`], also if the public key is of small order: with such a key, every shared secret would be zero.
    pub fn encapsulate(&self, request: &[u8]) -> Result<(Vec<u8>, PendingResponse), CryptoError> {
        self.encapsulate_with(&KeyPair::generate()?, request)
    }

    pub(super) fn encapsulate_with(
        &self,
        ephemeral: &KeyPair,
        request: &[u8],
    ) -> Result<(Vec<u8>, PendingResponse), CryptoError> {
        let header = header(self.id);
        let enc = ephemeral.public_key();
        let mut encapsulated = [header.as_slice(), enc].concat();
        let sealed = Context::of_sender(ephemeral, &self.public_key, &request_info(&header))
            .and_then(|Context { message, exporter }| {
                message.seal(request, &mut encapsulated)?;
                exporter.export(RESPONSE_LABEL)
            });
        let pending = PendingResponse {
            enc: *enc,
            secret: sealed.map_err(|_| CryptoError("cannot seal the request"))?,
        };
        Ok((encapsulated, pending))
    }
}

/// Opens the response to one request.
pub struct PendingResponse {
    enc: [u8; PUBLIC_KEY_LEN],
    secret: Zeroizing<[u8; KEY_LEN]>,
}

impl PendingResponse {
    /// What the gateway sealed: only the holder of the key that opens the request can have made it.
    ///
    /// # Errors
    /// [`ResponseNotOpened`].
    pub fn open(self, encapsulated: &[u8]) -> Result<Vec<u8>, ResponseNotOpened> {
        let (nonce, ciphertext) = encapsulated
            .split_first_chunk::<RESPONSE_NONCE_LEN>()
            .filter(|(_, ciphertext)| ciphertext.len() >= TAG_LEN)
            .ok_or(ResponseNotOpened::TooShort {
                length: encapsulated.len(),
            })?;
        response_key(&self.enc, &self.secret, nonce)
            .and_then(|key| key.open(ciphertext))
            .map_err(|_| ResponseNotOpened::Sealed)
    }
}

impl fmt::Debug for PendingResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingResponse").finish_non_exhaustive()
    }
}

/// The header of an encapsulated request (RFC 9458 section 4.1): key id, KEM, KDF, AEAD.
pub(super) fn header(id: u8) -> [u8; HEADER_LEN] {
    let [[a, b], [c, d], [e, f]] = [KEM, KDF, AEAD].map(u16::to_be_bytes);
    [id, a, b, c, d, e, f]
}

/// `info` of the HPKE context (RFC 9458 section 4.3).
pub(super) fn request_info(header: &[u8; HEADER_LEN]) -> Vec<u8> {
    [b"message/bhttp request\x00".as_slice(), header].concat()
}

/// The key of the response to the request with this encapsulated key (RFC 9458 section 4.4).
pub(super) fn response_key(
    enc: &[u8; PUBLIC_KEY_LEN],
    secret: &Zeroizing<[u8; KEY_LEN]>,
    nonce: &[u8; RESPONSE_NONCE_LEN],
) -> Result<MessageKey, Unspecified> {
    let prk = extract(&[enc.as_slice(), nonce].concat(), secret.as_slice());
    let key = expand::<KEY_LEN>(&prk, &[b"key"])?;
    let nonce = expand::<NONCE_LEN>(&prk, &[b"nonce"])?;
    MessageKey::new(&key, &nonce)
}

/// The length of the header of an encapsulated request, in bytes.
pub(super) const HEADER_LEN: usize = 7;

/// The length of a response's nonce, in bytes: max(Nn, Nk), like that of the exported secret.
pub(super) const RESPONSE_NONCE_LEN: usize = KEY_LEN;

/// The exporter context of the secret that seals responses.
pub(super) const RESPONSE_LABEL: &[u8] = b"message/bhttp response";

/// The length of an encapsulated empty response, in bytes.
pub(super) const RESPONSE_MIN: usize = RESPONSE_NONCE_LEN + TAG_LEN;

#[cfg(test)]
mod tests {
    use super::super::{GatewayKey, RequestNotOpened};
    use super::*;

    const REQUEST: &[u8] = b"what the client asks";
    const ANSWER: &[u8] = b"what the enclave answers";

    fn gateway() -> (GatewayKey, KeyConfiguration) {
        let key = GatewayKey::generate().unwrap();
        let configuration = KeyConfiguration::first_usable(&key.key_configurations()).unwrap();
        (key, configuration)
    }

    #[test]
    fn a_request_and_its_response_open_and_have_the_documented_lengths() {
        let (key, configuration) = gateway();
        let (encapsulated, pending) = configuration.encapsulate(REQUEST).unwrap();
        assert_eq!(encapsulated.len(), REQUEST.len() + 55);
        let (request, responder) = key.open(&encapsulated).unwrap();
        assert_eq!(request, REQUEST);
        let response = responder.seal(ANSWER).unwrap();
        assert_eq!(response.len(), ANSWER.len() + 32);
        assert_eq!(pending.open(&response), Ok(ANSWER.to_vec()));
    }

    #[test]
    fn a_request_altered_or_cut_off_anywhere_is_not_opened() {
        let (key, configuration) = gateway();
        let (encapsulated, _) = configuration.encapsulate(REQUEST).unwrap();
        for at in 0..encapsulated.len() {
            let mut altered = encapsulated.clone();
            altered[at] ^= 1;
            match key.open(&altered).unwrap_err() {
                RequestNotOpened::OtherKey { .. } => assert!(at < HEADER_LEN),
                RequestNotOpened::Sealed => assert!(at >= HEADER_LEN),
                other => panic!("byte {at}: {other}"),
            }
            match key.open(&encapsulated[..at]).unwrap_err() {
                RequestNotOpened::TooShort { length } => assert_eq!(length, at),
                RequestNotOpened::Sealed => assert!(at >= 55),
                other => panic!("{at} bytes: {other}"),
            }
        }
    }

    #[test]
    fn a_request_for_another_key_with_the_same_id_is_not_opened() {
        let (key, configuration) = gateway();
        let (_, other) = gateway();
        let other = KeyConfiguration {
            id: configuration.id,
            ..other
        };
        let (encapsulated, _) = other.encapsulate(REQUEST).unwrap();
        assert_eq!(
            key.open(&encapsulated).unwrap_err(),
            RequestNotOpened::Sealed
        );
    }

    #[test]
    fn a_response_altered_cut_off_or_to_another_request_is_not_opened() {
        let (key, configuration) = gateway();
        let (encapsulated, _) = configuration.encapsulate(REQUEST).unwrap();
        let response = |encapsulated: &[u8]| {
            let (_, responder) = key.open(encapsulated).unwrap();
            responder.seal(ANSWER).unwrap()
        };
        let answered = response(&encapsulated);
        for at in 0..answered.len() {
            let (encapsulated, pending) = configuration.encapsulate(REQUEST).unwrap();
            let mut altered = response(&encapsulated);
            altered[at] ^= 1;
            assert_eq!(pending.open(&altered), Err(ResponseNotOpened::Sealed));

            let (encapsulated, pending) = configuration.encapsulate(REQUEST).unwrap();
            let expected = match at {
                0..RESPONSE_MIN => ResponseNotOpened::TooShort { length: at },
                _ => ResponseNotOpened::Sealed,
            };
            assert_eq!(pending.open(&response(&encapsulated)[..at]), Err(expected));
        }
        let (_, pending) = configuration.encapsulate(REQUEST).unwrap();
        assert_eq!(pending.open(&answered), Err(ResponseNotOpened::Sealed));
    }
}
