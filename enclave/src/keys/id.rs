//! The id of a key.

use std::{fmt, str::FromStr};

/// The id of a key: 22 bytes, written as 44 lower-case hex digits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId([u8; Self::LEN]);

/// A text is not a [`KeyId`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a key id; accepted: 44 lower-case hex digits")]
pub struct KeyIdError;

impl KeyId {
    /// The length in bytes.
    pub const LEN: usize = 22;

    /// The id of these bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes of the id.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        super::hex_field::fixed("", text)
            .map(Self)
            .map_err(|_| KeyIdError)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = KeyId::from_bytes([0xab; 22]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(
            id.to_string().to_uppercase().parse::<KeyId>(),
            Err(KeyIdError)
        );
        assert_eq!("ab".parse::<KeyId>(), Err(KeyIdError));
    }
}
