//! `Content-Digest` (RFC 9530 section 2), with SHA-256 only.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use sfv::{BareItem, Dictionary, Item, ListEntry, Parser};

/// Why a `Content-Digest` is not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DigestError {
    /// It is not a dictionary with one member `sha-256` of 32 bytes, in the text that RFC 9651 section 4.1 writes.
    #[error(
        "content-digest is malformed: {reason}; accepted: sha-256=:, 44 characters of base64, :"
    )]
    Malformed {
        /// The rule that it breaks.
        reason: String,
    },
    /// It is the digest of another body.
    #[error("content-digest is not that of the body: came {came}, expected {expected}")]
    Mismatch {
        /// The field that came.
        came: String,
        /// The field for the body that came.
        expected: String,
    },
}

/// The field value for a body: `sha-256=:`, the digest in base64, `:` - 54 bytes.
pub fn content_digest(body: &[u8]) -> String {
    let mut field = String::with_capacity(54);
    field.push_str("sha-256=:");
    STANDARD.encode_string(digest(&SHA256, body), &mut field);
    field.push(':');
    field
}

/// Checks a field value against a body.
///
/// # Errors
/// [`DigestError::Malformed`] for a text that [`content_digest`] would never write (other algorithms, more than one,
/// parameters, spaces, unpadded base64), [`DigestError::Mismatch`] for the digest of another body.
pub fn check_content_digest(field: &str, body: &[u8]) -> Result<(), DigestError> {
    let expected = content_digest(body);
    if field == expected {
        return Ok(());
    }
    Err(match malformation(field) {
        Some(reason) => DigestError::Malformed { reason },
        None => DigestError::Mismatch {
            came: field.to_owned(),
            expected,
        },
    })
}

/// The first rule that a field breaks, if it could not be the digest of any body.
fn malformation(field: &str) -> Option<String> {
    let dictionary = match Parser::new(field).parse::<Dictionary>() {
        Ok(dictionary) => dictionary,
        Err(error) => return Some(format!("not a dictionary: {error}")),
    };
    let mut members = dictionary.iter();
    let (Some((name, entry)), None) = (members.next(), members.next()) else {
        return Some(format!("{} members instead of one", dictionary.len()));
    };
    if name.as_str() != "sha-256" {
        return Some(format!("algorithm {:?} instead of sha-256", name.as_str()));
    }
    let ListEntry::Item(Item {
        bare_item: BareItem::ByteSequence(bytes),
        params,
    }) = entry
    else {
        return Some("not a byte sequence".to_owned());
    };
    if !params.is_empty() {
        return Some("it has parameters".to_owned());
    }
    if bytes.len() != 32 {
        return Some(format!("{} bytes instead of 32", bytes.len()));
    }
    if field != format!("sha-256=:{}:", STANDARD.encode(bytes)) {
        return Some("not in the canonical form".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9530 appendix B.1 (the body ends with a line feed) and RFC 9421 appendix B.2 (it does not).
    #[test]
    fn the_published_digests_are_made_and_accepted() {
        for (body, field) in [
            (
                "{\"hello\": \"world\"}\n",
                "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
            ),
            (
                "{\"hello\": \"world\"}",
                "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
            ),
            ("", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
        ] {
            assert_eq!(content_digest(body.as_bytes()), field);
            assert_eq!(check_content_digest(field, body.as_bytes()), Ok(()));
        }
    }

    #[test]
    fn the_digest_of_another_body_is_a_mismatch() {
        let field = content_digest(b"a");
        assert!(matches!(
            check_content_digest(&field, b"b"),
            Err(DigestError::Mismatch { .. })
        ));
    }

    #[test]
    fn every_other_form_is_malformed() {
        let good = content_digest(b"a");
        let base64 = &good[9..53];
        for other in [
            String::new(),
            "sha-256".to_owned(),
            format!("sha-256={base64}"),
            format!("sha-256=\"{base64}\""),
            format!("sha-256=:{}:", &base64[..43]),
            format!("sha-256=:{}:", &base64[..40]),
            format!("sha-512=:{base64}:"),
            format!("SHA-256=:{base64}:"),
            format!("{good};a=1"),
            format!("{good}, {good}"),
            format!("{good}, sha-512=:{base64}:"),
            format!("{good},"),
            format!(" {good}"),
            format!("{good} "),
            format!("({good})"),
        ] {
            assert!(
                matches!(
                    check_content_digest(&other, b"a"),
                    Err(DigestError::Malformed { .. })
                ),
                "{other}"
            );
        }
    }
}
