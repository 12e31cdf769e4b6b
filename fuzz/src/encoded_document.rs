use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use permafrost_common::attestation::{ENCODED_MAX, EncodedDocument, Form, TextEncoding};

/// An attestation document in binary, hex, base64, a quoted string or a JSON object.
///
/// Whatever an input stands for, its bytes in every other form stand for the same.
pub fn encoded_document(data: &[u8]) -> bool {
    let named = EncodedDocument::read(data, Some("doc"));
    let Ok(read) = EncodedDocument::read(data, None) else {
        return false;
    };
    assert!(read.bytes().len() <= data.len());
    if let (Ok(named), Form::JsonMember { name, .. }) = (named, read.form())
        && name == "doc"
    {
        assert_eq!(named, read);
    }
    if *read.form() == Form::Binary || data.len() > ENCODED_MAX / 4 {
        return true;
    }
    let hex: String = read
        .bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let base64 = STANDARD.encode(read.bytes());
    for (text, form) in [
        (hex.clone(), Form::Text(TextEncoding::Hex)),
        (base64.clone(), Form::Text(TextEncoding::Base64)),
        (format!("\"{hex}\""), Form::QuotedString(TextEncoding::Hex)),
    ] {
        let again = EncodedDocument::read(text.as_bytes(), None).expect("a form that is accepted");
        assert_eq!((again.form(), again.bytes()), (&form, read.bytes()));
    }
    let url = URL_SAFE_NO_PAD.encode(read.bytes());
    let again = EncodedDocument::read(url.as_bytes(), None).expect("base64url is accepted");
    assert_eq!(again.bytes(), read.bytes());
    let twice = format!(r#"{{"doc": "{hex}", "document": "{base64}"}}"#);
    let refused = EncodedDocument::read(twice.as_bytes(), None).expect_err("two documents");
    assert_eq!(refused.rule(), "ambiguous");
    true
}
