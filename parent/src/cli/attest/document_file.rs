//! Documents in files: the bytes as they are, or base64.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use permafrost_common::attestation::DOCUMENT_MAX;

/// The most bytes that are read: base64 of the longest document, with room for line ends.
const READ_MAX: u64 = 2 * DOCUMENT_MAX as u64;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads a file, or standard input for `-`; at most [`READ_MAX`] bytes and one, so that what is longer shows.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(READ_MAX + 1).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(READ_MAX + 1).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The document in a file: text is base64 (standard alphabet, line ends and missing padding allowed), anything else is
/// the document itself, whose first byte is never ASCII.
///
/// # Errors
/// What is wrong with the base64.
pub(super) fn decode(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if bytes.is_empty() || !bytes.is_ascii() {
        return Ok(bytes);
    }
    let text: Vec<u8> = bytes
        .into_iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    BASE64
        .decode(&text)
        .map_err(|error| format!("the file is text, and not base64: {error}"))
}

/// Standard base64 in one line.
pub(super) fn encode(document: &[u8]) -> String {
    general_purpose::STANDARD.encode(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_and_base64_lead_to_the_same_bytes() {
        let document = vec![0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xff];
        let text = encode(&document);
        let (start, end) = text.split_at(4);
        assert_eq!(decode(document.clone()).unwrap(), document);
        for written in [
            text.clone(),
            format!("{text}\n"),
            format!("{start}\r\n{end}\n"),
            text.trim_end_matches('=').to_owned(),
        ] {
            assert_eq!(decode(written.into_bytes()).unwrap(), document);
        }
    }

    #[test]
    fn text_that_is_not_base64_is_refused() {
        let error = decode(b"-----BEGIN".to_vec()).unwrap_err();
        assert!(error.contains("base64"), "{error}");
    }
}
