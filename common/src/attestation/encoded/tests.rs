//! The cases of `clients/vectors/document-forms.json`, which every client runs, and what the table cannot say.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Table {
    document: String,
    read: Vec<Case>,
    refused: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    input: String,
    repeat: Option<usize>,
    member: Option<String>,
    form: Option<String>,
    refused_by: Option<String>,
}

impl Case {
    fn read(&self) -> Result<EncodedDocument, EncodedError> {
        EncodedDocument::read(&self.bytes(), self.member.as_deref())
    }

    /// The input, with each `<name>` replaced by the document in that form.
    fn bytes(&self) -> Vec<u8> {
        let tagged = [&[0xd2], document().as_slice()].concat();
        match self.input.as_str() {
            "<binary>" => return document(),
            "<tagged binary>" => return tagged,
            "<ff>" => return vec![0xff],
            _ => {}
        }
        let base64 = STANDARD.encode(document());
        let hex = hex::encode(document());
        [
            ("<base64>", base64.clone()),
            ("<base64 unpadded>", STANDARD_NO_PAD.encode(document())),
            ("<base64 lines>", in_lines(&base64, 76, "\r\n")),
            ("<base64 escaped>", base64.replace('/', "\\/")),
            ("<base64 twice>", STANDARD.encode(&base64)),
            ("<base64url>", URL_SAFE.encode(document())),
            ("<base64url unpadded>", URL_SAFE_NO_PAD.encode(document())),
            ("<hex>", hex.clone()),
            ("<HEX>", hex.to_uppercase()),
            ("<hex lines>", in_lines(&hex, 60, "\n")),
            ("<tagged base64>", STANDARD.encode(&tagged)),
            ("<tagged hex>", hex::encode(&tagged)),
        ]
        .iter()
        .fold(self.input.clone(), |text, (name, form)| {
            text.replace(name, form)
        })
        .repeat(self.repeat.unwrap_or(1))
        .into_bytes()
    }
}

fn in_lines(text: &str, length: usize, end: &str) -> String {
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(length)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    lines.join(end)
}

fn table() -> Table {
    serde_json::from_str(include_str!(
        "../../../../clients/vectors/document-forms.json"
    ))
    .unwrap()
}

fn document() -> Vec<u8> {
    include_bytes!("../example/document.cbor").to_vec()
}

#[test]
fn the_table_is_about_the_example_document() {
    assert_eq!(STANDARD.decode(table().document).unwrap(), document());
}

#[test]
fn every_form_of_the_table_is_read_and_named() {
    let tagged = [&[0xd2], document().as_slice()].concat();
    for case in table().read {
        let read = case
            .read()
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(Some(read.form().to_string()), case.form, "{}", case.name);
        let expected = match case.input.as_str() {
            "<ff>" => &vec![0xff],
            input if input.contains("<tagged") && case.member.is_none() => &tagged,
            _ => &document(),
        };
        assert_eq!(read.bytes(), expected, "{}", case.name);
        assert_eq!(read.parse().is_ok(), expected.len() > 1, "{}", case.name);
    }
}

#[test]
fn every_refusal_of_the_table_breaks_the_rule_that_it_names() {
    for case in table().refused {
        let error = case.read().expect_err(&case.name);
        assert_eq!(
            Some(error.rule()),
            case.refused_by.as_deref(),
            "{}: {error}",
            case.name
        );
    }
}

#[test]
fn a_refusal_says_what_came_and_what_is_accepted() {
    for (input, member, expected) in [
        (
            "hello!",
            None,
            "the text is neither hex nor base64: \"hello!\", accepted: a document in binary, hex, ",
        ),
        (
            "00ff00ff",
            None,
            "the text is hex of 4 bytes that begin with 00ff00ff, not as a COSE_Sign1 does and base64 of ",
        ),
        (
            "{\"doc\": \"x\"}",
            None,
            "the member \"doc\" is neither hex nor base64: \"x\", accepted: ",
        ),
        (
            "{\"doc\": 7}",
            None,
            "the member \"doc\" is a number, accepted: a string",
        ),
        (
            "{\"a\": 1, \"b\": 2}",
            Some("c"),
            "there is no member \"c\", accepted: one of \"a\", \"b\"",
        ),
        (
            "{}",
            None,
            "the object has the members (none), accepted: a document in attestation, attestation_doc, ",
        ),
    ] {
        let error = EncodedDocument::read(input.as_bytes(), member)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_document_under_another_name_is_pointed_out() {
    let input = format!(r#"{{"evidence": "{}", "n": 1}}"#, hex::encode(document()));
    let error = EncodedDocument::read(input.as_bytes(), None).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with(r#"or a member that you name; "evidence" contains a document"#),
        "{error}"
    );
}

#[test]
fn text_of_the_input_reaches_an_error_escaped_and_cut() {
    let long = "\u{1b}[2J\u{202e}".repeat(1000);
    let names: Vec<_> = (0..100)
        .map(|index| format!(r#""{index}{}": 1"#, "x".repeat(100)))
        .collect();
    for input in [long.clone(), format!("{{{}}}", names.join(", "))] {
        let error = EncodedDocument::read(input.as_bytes(), Some(&long))
            .unwrap_err()
            .to_string();
        let other = EncodedDocument::read(input.as_bytes(), None)
            .unwrap_err()
            .to_string();
        for message in [error, other] {
            assert!(message.len() < 2000, "{message}");
            assert!(!message.contains(['\u{1b}', '\u{202e}']), "{message:?}");
        }
    }
}

#[test]
fn a_member_of_a_name_that_is_listed_in_the_error_is_known() {
    let document = hex::encode(document());
    for name in [
        "attestation",
        "attestation_doc",
        "attestation_document",
        "document",
        "doc",
    ] {
        let input = format!(r#"{{"{name}": "{document}"}}"#);
        assert!(
            EncodedDocument::read(input.as_bytes(), None).is_ok(),
            "{name}"
        );
        assert!(
            EncodedDocument::read(b"{}", None)
                .unwrap_err()
                .to_string()
                .contains(name)
        );
    }
}

proptest! {
    #[test]
    fn no_input_panics_and_what_is_read_is_no_longer_than_the_input(
        input in prop::collection::vec(any::<u8>(), 0..512),
        text in r#"[\{"]?[0-9a-fA-FhSQ_+/= :,"\{\}-]{0,64}"#,
    ) {
        for input in [input.as_slice(), text.as_bytes()] {
            if let Ok(read) = EncodedDocument::read(input, None) {
                prop_assert!(read.bytes().len() <= input.len());
            }
        }
    }
}
