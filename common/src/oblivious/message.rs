//! Messages to the same key that are not requests of Oblivious HTTP: another `info` keeps the two apart (RFC 9180 section 5.1).

use super::hpke::{Context, CryptoError, KeyPair, PUBLIC_KEY_LEN};
use super::{GatewayKey, KeyConfiguration};

/// An `info` that states a purpose: its label, and each value with its length before it, 2 bytes big-endian. No value is longer than
/// 65,535 bytes: the largest is a name.
pub(crate) fn info<'a>(label: &[u8], values: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut info = label.to_vec();
    for value in values {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        info.extend(length.to_be_bytes());
        info.extend(value);
    }
    info
}

impl KeyConfiguration {
    /// Seals one message for a purpose that `info` states; gives the encapsulated key and the ciphertext, 16 bytes longer than the message.
    pub(crate) fn seal_message(
        &self,
        info: &[u8],
        message: &[u8],
    ) -> Result<([u8; PUBLIC_KEY_LEN], Vec<u8>), CryptoError> {
        self.seal_message_with(&KeyPair::generate()?, info, message)
    }

    pub(super) fn seal_message_with(
        &self,
        ephemeral: &KeyPair,
        info: &[u8],
        message: &[u8],
    ) -> Result<([u8; PUBLIC_KEY_LEN], Vec<u8>), CryptoError> {
        let mut ciphertext = Vec::new();
        Context::of_sender(ephemeral, &self.public_key, info)
            .and_then(|context| context.message.seal(message, &mut ciphertext))
            .map_err(|_| CryptoError("cannot seal the message"))?;
        Ok((*ephemeral.public_key(), ciphertext))
    }
}

impl GatewayKey {
    /// Opens one message that was sealed for this purpose.
    pub(crate) fn open_message(
        &self,
        info: &[u8],
        enc: &[u8; PUBLIC_KEY_LEN],
        ciphertext: &[u8],
    ) -> Option<Vec<u8>> {
        let context = Context::of_recipient(enc, self.key_pair(), info).ok()?;
        context.message.open(ciphertext).ok()
    }
}
