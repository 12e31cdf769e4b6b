//! Bytes of a fixed length, which JSON has as lower-case hex.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// `N` bytes, written as `2 * N` lower-case hex digits. Only lower case is accepted, so that a value has one spelling.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Hex<const N: usize>(pub [u8; N]);

/// A text is not a [`Hex`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("accepted: {bytes} bytes as {} lower-case hex digits", 2 * .bytes)]
pub struct HexError {
    bytes: usize,
}

impl<const N: usize> FromStr for Hex<N> {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        let mut bytes = [0; N];
        let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) if is_lower => Ok(Self(bytes)),
            _ => Err(HexError { bytes: N }),
        }
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_spelling() {
        let value: Hex<2> = serde_json::from_str("\"0aff\"").unwrap();
        assert_eq!(value, Hex([10, 255]));
        assert_eq!(serde_json::to_string(&value).unwrap(), "\"0aff\"");
        for other in [
            "\"0AFF\"",
            "\"0aff0\"",
            "\"0aff00\"",
            "\"0aFf\"",
            "\"\"",
            "1",
        ] {
            assert!(serde_json::from_str::<Hex<2>>(other).is_err(), "{other}");
        }
    }
}
