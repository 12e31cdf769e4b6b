//! The text form of a private key: PKCS#8 (RFC 5958) in PEM (RFC 7468 section 10).

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::KeyError;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// More than any Ed25519 or P-256 key takes, in bytes.
const TEXT_MAX: usize = 4096;

/// Writes the PEM block, with lines of 64 characters and a final line feed.
pub(super) fn encode(pkcs8: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(pkcs8));
    // With room for the whole text, so that growing leaves no buffer with the key behind.
    let mut text = Zeroizing::new(String::with_capacity(2 * base64.len() + 128));
    text.push_str(BEGIN);
    for (at, character) in base64.chars().enumerate() {
        if at % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push('\n');
    text.push_str(END);
    text.push('\n');
    text
}

/// Reads a text with exactly one PEM block; any white space around it and any line breaks within it are accepted.
pub(super) fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if text.len() > TEXT_MAX {
        return Err(KeyError::NotPem(format!(
            "{} bytes, more than {TEXT_MAX}",
            text.len()
        )));
    }
    let inner = text
        .trim()
        .strip_prefix(BEGIN)
        .ok_or_else(|| KeyError::NotPem(other_label(text)))?
        .strip_suffix(END)
        .ok_or_else(|| KeyError::NotPem(format!("it does not end with {END}")))?;
    let mut base64 = Zeroizing::new(String::with_capacity(inner.len()));
    base64.extend(inner.chars().filter(|c| !c.is_ascii_whitespace()));
    let mut bytes = Zeroizing::new(vec![0; base64.len()]);
    let length = STANDARD
        .decode_slice(base64.as_bytes(), &mut bytes)
        .map_err(|_| KeyError::NotPem("its content is not base64".to_owned()))?;
    bytes.truncate(length);
    Ok(bytes)
}

/// What a text has instead; repeats only a known label, since the rest may be a secret.
fn other_label(text: &str) -> String {
    let known = [
        "EC PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "RSA PRIVATE KEY",
        "PUBLIC KEY",
        "CERTIFICATE",
    ];
    match known
        .iter()
        .find(|label| text.contains(&format!("-----BEGIN {label}-----")))
    {
        Some(label) => format!("its label is {label:?}"),
        None => "it does not begin with one".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_reads_back_with_any_line_breaks() {
        let der = [0x5a; 100];
        let text = encode(&der);
        assert_eq!(decode(&text).unwrap().as_slice(), der);
        assert_eq!(decode(&text.replace('\n', "\r\n")).unwrap().as_slice(), der);
        assert_eq!(decode(&format!("\n {} \n", *text)).unwrap().as_slice(), der);
        assert!(text.lines().all(|line| line.len() <= 64));
    }

    #[test]
    fn anything_but_one_block_is_refused_without_repeating_it() {
        let text = encode(b"secret");
        for other in [
            String::new(),
            "c2VjcmV0".to_owned(),
            format!("{}{}", *text, *text),
            format!("c2VjcmV0\n{}", *text),
            text.replace("PRIVATE", "EC PRIVATE"),
            text.replace("PRIVATE", "ENCRYPTED PRIVATE"),
            text.replace("-----END PRIVATE KEY-----", ""),
            text.replace("c2VjcmV0", "c2VjcmV"),
            text.replace("c2VjcmV0", "c2Vj!mV0"),
            text.replace("c2VjcmV0", &"c2VjcmV0".repeat(1000)),
        ] {
            let error = decode(&other).unwrap_err().to_string();
            assert!(!error.contains("c2V"), "{error}");
        }
        let error = decode(&text.replace("PRIVATE", "EC PRIVATE")).unwrap_err();
        assert!(error.to_string().contains("EC PRIVATE KEY"), "{error}");
    }
}
