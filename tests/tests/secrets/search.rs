//! Searching for secrets in every form in which they may have been printed.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Finds secrets in bytes: raw, raw in reverse, in hex, in base64 at any offset, and as the list of numbers that a
/// derived `Debug` prints; whole or half of it; across line breaks.
pub(crate) struct Search {
    needles: Vec<Needle>,
    /// The needles by their first two bytes.
    by_head: Vec<Vec<usize>>,
}

struct Needle {
    name: String,
    form: &'static str,
    bytes: Vec<u8>,
}

impl Search {
    /// Looks for these, each with its name.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = (&'a String, &'a Vec<u8>)>) -> Self {
        let mut search = Self {
            needles: Vec::new(),
            by_head: vec![Vec::new(); 1 << 16],
        };
        for (name, secret) in secrets {
            assert!(
                secret.len() >= 32,
                "{name} is too short to be distinguished from chance"
            );
            let (one, other) = secret.split_at(secret.len() / 2);
            for half in [one, other] {
                for (form, bytes) in forms(half) {
                    search.by_head[head(&bytes)].push(search.needles.len());
                    search.needles.push(Needle {
                        name: name.clone(),
                        form,
                        bytes,
                    });
                }
            }
        }
        search
    }

    /// What is found, and in which form.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let unbroken: Vec<u8> = bytes
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        let mut found = self.matches(bytes);
        found.extend(self.matches(&unbroken));
        found
    }

    fn matches(&self, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for (at, pair) in bytes.windows(2).enumerate() {
            for &needle in &self.by_head[head(pair)] {
                let Needle {
                    name,
                    form,
                    bytes: wanted,
                } = &self.needles[needle];
                if bytes[at..].starts_with(wanted) {
                    found.push(format!("{name} as {form} at byte {at}"));
                }
            }
        }
        found
    }
}

fn head(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let numbers: Vec<_> = secret.iter().map(ToString::to_string).collect();
    let mut forms = vec![
        ("raw bytes", secret.to_vec()),
        (
            "raw bytes in reverse",
            secret.iter().rev().copied().collect(),
        ),
        ("hex", hex::encode(secret).into()),
        ("upper-case hex", hex::encode_upper(secret).into()),
        ("a list of numbers", numbers.join(",").into()),
    ];
    // Three bytes are four characters: what is encoded with something before it, begins in one of three places.
    for start in 0..3 {
        let whole = &secret[start..];
        let whole = &whole[..whole.len() / 3 * 3];
        forms.push(("base64", STANDARD_NO_PAD.encode(whole).into()));
        forms.push(("URL-safe base64", URL_SAFE_NO_PAD.encode(whole).into()));
    }
    forms
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    /// In base64 it has both of the characters that the alphabets differ in.
    fn secret() -> Vec<u8> {
        (0..32).map(|i| 0xfb_u8.wrapping_mul(i * 7 + 3)).collect()
    }

    fn found(text: impl AsRef<[u8]>) -> bool {
        let search = Search::new([(&"it".to_owned(), &secret())]);
        !search.found_in(text.as_ref()).is_empty()
    }

    #[test]
    fn a_planted_secret_is_found_in_every_form() {
        let secret = secret();
        for part in [&secret[..], &secret[..16], &secret[16..]] {
            let reversed: Vec<u8> = part.iter().rev().copied().collect();
            for text in [
                [b"before", part, b"after"].concat(),
                [b"before", &reversed[..], b"after"].concat(),
                format!("before{}after", hex::encode(part)).into(),
                format!("before{}after", hex::encode_upper(part)).into(),
                format!("Secret({part:?})").into(),
                format!("Secret({part:#?})").into(),
            ] {
                assert!(found(&text), "{text:?}");
            }
        }
    }

    #[test]
    fn a_planted_secret_is_found_in_base64_at_every_offset() {
        for before in 0..6 {
            for after in 0..3 {
                let around = [&[1; 6][..before], &secret(), &[2; 3][..after]].concat();
                for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
                    let text = engine.encode(&around);
                    assert!(found(&text), "{text}");
                    let lines: Vec<_> = text.as_bytes().chunks(20).collect();
                    assert!(found(lines.join(&b"\r\n"[..])), "{text}");
                }
            }
        }
    }

    #[test]
    fn an_absent_secret_is_not_found() {
        let other: Vec<u8> = secret().iter().map(|byte| byte ^ 1).collect();
        assert!(!found(&other) && !found(hex::encode(&other)) && !found(format!("{other:?}")));
    }
}
