//! Responses of authenticators as inputs: the JSON form, or its parts.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use permafrost_enclave::webauthn::{RelyingParty, WebauthnError};

/// The relying party of the corpora, which are made from the vectors of WebAuthn Level 3 section 16.
pub(crate) fn relying_party() -> RelyingParty {
    RelyingParty::new("example.org", &["https://example.org".to_owned()]).expect("a valid one")
}

/// An input that is not JSON, in three parts; the first two begin with their length, two bytes, big-endian.
pub(crate) fn parts(data: &[u8]) -> Option<[&[u8]; 3]> {
    let (first, rest) = prefixed(data)?;
    let (second, third) = prefixed(rest)?;
    Some([first, second, third])
}

/// The JSON form of a response to which these members belong.
pub(crate) fn json(id: &[u8], members: &[(&str, &[u8])]) -> Vec<u8> {
    let id = URL_SAFE_NO_PAD.encode(id);
    let members: Vec<_> = members
        .iter()
        .map(|(name, bytes)| format!("\"{name}\":\"{}\"", URL_SAFE_NO_PAD.encode(bytes)))
        .collect();
    format!(
        "{{\"id\":\"{id}\",\"rawId\":\"{id}\",\"type\":\"public-key\",\"response\":{{{}}}}}",
        members.join(",")
    )
    .into_bytes()
}

/// An error is one sentence, however long the input was.
pub(crate) fn check_error(error: &WebauthnError) {
    let text = error.to_string();
    assert!((1..=1024).contains(&text.len()), "{} bytes", text.len());
}

fn prefixed(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
