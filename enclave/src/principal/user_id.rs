//! Users, by the id that WebAuthn calls a user handle.

/// A user handle (WebAuthn Level 3 section 5.4.3), by which guardians and recovery sheets name the user.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UserId(pub [u8; Self::LEN]);

impl UserId {
    /// Its length in bytes.
    pub const LEN: usize = 16;

    /// Parses 32 lower-case hex digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut id = [0; Self::LEN];
        hex::decode_to_slice(text, &mut id).ok()?;
        (hex::encode(id) == text).then_some(Self(id))
    }
}

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
