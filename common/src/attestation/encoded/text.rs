//! Text that stands for bytes: hex or base64, told apart by the bytes.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::super::error::quoted;
use super::{EncodedError, TextEncoding};

type Reading = (TextEncoding, Vec<u8>);

/// The document that a text stands for, by its first bytes.
pub(super) fn decode(text: &str) -> Result<Reading, Undecodable> {
    let compact: String = text
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .collect();
    let readings: Vec<_> = [hex(&compact), base64(&compact)]
        .into_iter()
        .flatten()
        .collect();
    if readings.is_empty() {
        let found = format!("neither hex nor base64: {}", quoted(text));
        return Err(Undecodable::None(found));
    }
    choose(readings)
}

/// Whether a text stands for a document, by its first bytes.
pub(super) fn contains_document(text: &str) -> bool {
    !matches!(decode(text), Err(Undecodable::None(_)))
}

/// Why a text stands for no document.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Undecodable {
    /// It is this instead.
    None(String),
    /// It stands for two.
    Two,
}

impl Undecodable {
    /// The error, for a text at this place of the input.
    pub(super) fn at(self, place: String) -> EncodedError {
        match self {
            Self::None(found) => EncodedError::Encoding { place, found },
            Self::Two => EncodedError::TwoReadings { place },
        }
    }
}

/// The one reading that begins as a document does.
fn choose(readings: Vec<Reading>) -> Result<Reading, Undecodable> {
    let (mut documents, others): (Vec<_>, Vec<_>) = readings
        .into_iter()
        .partition(|(_, bytes)| begins_as_sign1(bytes));
    match (documents.pop(), documents.pop()) {
        (Some(document), None) => Ok(document),
        (Some(_), Some(_)) => Err(Undecodable::Two),
        (None, _) => {
            let each: Vec<_> = others.iter().map(shown).collect();
            Err(Undecodable::None(each.join(" and ")))
        }
    }
}

/// RFC 9052 section 4.2: an array of four, or of indefinite length, with tag 18 or without, that begins with a byte string.
fn begins_as_sign1(bytes: &[u8]) -> bool {
    let untagged = bytes.strip_prefix(&[0xd2]).unwrap_or(bytes);
    matches!(untagged, [0x84 | 0x9f, 0x40..=0x5b | 0x5f, ..])
}

fn hex(text: &str) -> Option<Reading> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
    let bytes = hex::decode(digits).ok()?;
    Some((TextEncoding::Hex, bytes))
}

fn base64(text: &str) -> Option<Reading> {
    let padded = text.ends_with('=');
    let (encoding, engine) = match (text.contains(['-', '_']), padded) {
        (false, true) => (TextEncoding::Base64, STANDARD),
        (false, false) => (TextEncoding::Base64, STANDARD_NO_PAD),
        (true, true) => (TextEncoding::Base64Url, URL_SAFE),
        (true, false) => (TextEncoding::Base64Url, URL_SAFE_NO_PAD),
    };
    let bytes = engine.decode(text).ok()?;
    Some((encoding, bytes))
}

fn shown((encoding, bytes): &Reading) -> String {
    let start = bytes.get(..4).unwrap_or(bytes);
    format!(
        "{encoding} of {} bytes that begin with {}, not as a COSE_Sign1 does",
        bytes.len(),
        hex::encode(start)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_readings_that_both_are_documents_are_refused() {
        let document = vec![0x84, 0x44];
        let readings = vec![
            (TextEncoding::Hex, document.clone()),
            (TextEncoding::Base64, document.clone()),
        ];
        assert_eq!(choose(readings), Err(Undecodable::Two));
        let hex_alone = vec![
            (TextEncoding::Base64, vec![0xf3]),
            (TextEncoding::Hex, document.clone()),
        ];
        assert_eq!(choose(hex_alone), Ok((TextEncoding::Hex, document)));
    }

    /// `h`, `n`, or `0` and one of `g` to `v`: what the base64 of a document begins with is never hex.
    #[test]
    fn no_hex_is_the_base64_of_a_document() {
        let digits = "0123456789abcdefABCDEF";
        let pairs = digits
            .chars()
            .flat_map(|one| digits.chars().map(move |two| format!("{one}{two}")));
        for pair in pairs.chain(["0x".to_owned(), "0X".to_owned()]) {
            let (_, bytes) = base64(&format!("{pair}AA")).unwrap();
            assert!(!matches!(bytes[0], 0x84 | 0x9f | 0xd2), "{pair}");
        }
    }

    #[test]
    fn the_start_of_a_sign1_is_known() {
        for start in [
            &[0x84, 0x44][..],
            &[0xd2, 0x84, 0x44],
            &[0x9f, 0x58],
            &[0xd2, 0x9f, 0x5f],
        ] {
            assert!(begins_as_sign1(start), "{start:02x?}");
        }
        for start in [
            &[][..],
            &[0x84],
            &[0xd2],
            &[0x84, 0x3f],
            &[0x84, 0x5c],
            &[0x84, 0x60],
            &[0x85, 0x44],
            &[0xd1, 0x84, 0x44],
            &[0xd2, 0xd2, 0x84, 0x44],
        ] {
            assert!(!begins_as_sign1(start), "{start:02x?}");
        }
    }
}
