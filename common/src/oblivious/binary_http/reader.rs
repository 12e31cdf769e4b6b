//! Numbers and byte strings, from the front of a message.

use super::BinaryHttpError;

/// The rest of a message.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_at_the_end(&self) -> bool {
        self.0.is_empty()
    }

    /// A number of 1, 2, 4 or 8 bytes (RFC 9000 section 16), which need not be the shortest form.
    pub(super) fn integer(&mut self, what: &'static str) -> Result<u64, BinaryHttpError> {
        let first = self.0.first().ok_or(BinaryHttpError::CutOff(what))?;
        let bytes = self.take(1 << (first >> 6), what)?;
        let number = bytes
            .iter()
            .fold(0, |number, byte| (number << 8) | u64::from(*byte));
        // The two upper bits of the first byte say how many bytes there are.
        Ok(number & !(0b11 << (bytes.len() * 8 - 2)))
    }

    /// As many bytes as the number before them says.
    pub(super) fn prefixed(&mut self, what: &'static str) -> Result<&'a [u8], BinaryHttpError> {
        let length = self.integer(what)?;
        self.take(length, what)
    }

    /// The same, or nothing if the message ends here: empty parts may be left out (RFC 9292 section 3.8).
    pub(super) fn section(&mut self, what: &'static str) -> Result<&'a [u8], BinaryHttpError> {
        match self.is_at_the_end() {
            true => Ok(&[]),
            false => self.prefixed(what),
        }
    }

    pub(super) fn take(
        &mut self,
        length: u64,
        what: &'static str,
    ) -> Result<&'a [u8], BinaryHttpError> {
        let (taken, left) = usize::try_from(length)
            .ok()
            .and_then(|length| self.0.split_at_checked(length))
            .ok_or(BinaryHttpError::CutOff(what))?;
        self.0 = left;
        Ok(taken)
    }

    /// Ends reading: the rest must be padding.
    pub(super) fn finish(self) -> Result<(), BinaryHttpError> {
        match self.0.iter().all(|byte| *byte == 0) {
            true => Ok(()),
            false => Err(BinaryHttpError::Padding),
        }
    }
}
