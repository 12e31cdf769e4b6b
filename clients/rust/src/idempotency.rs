//! What makes a creating request safe to repeat.

use std::{fmt, str::FromStr};

use permafrost_common::api::is_name;
use permafrost_common::http_signature::{KeyError, fresh_nonce};

/// The value of `Idempotency-Key`: 1 to 64 of `A-Z a-z 0-9 - _ .`.
///
/// If the same principal repeats a request with the same key, nothing new is created: the enclave returns the
/// response of the first. Keep the key for as long as you may have to repeat the request.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct IdempotencyKey(String);

/// Why a text is not an [`IdempotencyKey`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is not an idempotency key; accepted: 1 to 64 of A-Z a-z 0-9 - _ .")]
pub struct IdempotencyKeyError(String);

impl IdempotencyKey {
    /// A new key of 16 random bytes.
    ///
    /// # Errors
    /// [`KeyError::Library`] if the library gives no random bytes.
    pub fn random() -> Result<Self, KeyError> {
        fresh_nonce().map(Self)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for IdempotencyKey {
    type Err = IdempotencyKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdempotencyKeyError(text.chars().take(80).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ones_fit_the_form_and_differ() {
        let one = IdempotencyKey::random().unwrap();
        assert_ne!(one, IdempotencyKey::random().unwrap());
        assert_eq!(one.as_str().parse(), Ok(one));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "a b", "a,b", "\u{e9}", &"a".repeat(65)] {
            assert!(text.parse::<IdempotencyKey>().is_err(), "{text}");
        }
    }
}
