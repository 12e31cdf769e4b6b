//! Structures that KMS does not send, each refused by the rule that it breaks.

mod algorithms;
mod encoding;

use super::encoder::{octets, oid, path, sequence};
use super::*;

#[test]
fn other_content_types_are_refused() {
    for (path, element, expected) in [
        (
            path::CONTENT_TYPE,
            "contentType of ContentInfo",
            "id-envelopedData",
        ),
        (
            path::INNER_TYPE,
            "contentType of encryptedContentInfo",
            "id-data",
        ),
    ] {
        // id-signedData, and a private one that is longer than any of ours.
        for found in ["1.2.840.113549.1.7.2", "1.3.6.1.4.1.99999999.1.2.3.4.5.6.7"] {
            assert_eq!(
                refused(set(path, oid(found))),
                CmsError::ObjectIdentifier {
                    element,
                    found: found.to_owned(),
                    expected
                }
            );
        }
    }
}

#[test]
fn an_error_shows_no_object_identifier_of_any_length() {
    for contents in [vec![], vec![0x81; 3000], vec![0x80; 31], vec![0x55; 33]] {
        let length = contents.len();
        let node = Node::Primitive(0x06, contents);
        let error = refused(set(path::CONTENT_TYPE, node)).to_string();
        assert!(error.len() < 300, "{length}: {error}");
    }
}

#[test]
fn versions_other_than_2_are_refused() {
    for (path, element) in [
        (path::VERSION, "version of EnvelopedData"),
        (path::RECIPIENT_VERSION, "version of KeyTransRecipientInfo"),
    ] {
        for contents in [
            &[0][..],
            &[1],
            &[3],
            &[4],
            &[0, 2],
            &[2, 0],
            &[],
            &[0x82],
            &[2; 300],
        ] {
            assert_eq!(
                refused(set(path, integer(contents))),
                CmsError::Version {
                    element,
                    found: hex::encode(&contents[..contents.len().min(8)]),
                    expected: 2
                }
            );
        }
    }
}

#[test]
fn there_is_exactly_one_recipient() {
    let two = |value: &mut Node| {
        let recipients = value.at(path::RECIPIENTS).children();
        recipients.push(recipients[0].clone());
    };
    assert_eq!(refused(two), CmsError::Recipients);
    assert_eq!(
        refused(|value| value.at(path::RECIPIENTS).children().clear()),
        CmsError::Missing {
            element: "KeyTransRecipientInfo"
        }
    );
}

#[test]
fn other_kinds_of_recipients_are_refused() {
    // kari, kekri, pwri, ori (RFC 5652 section 6.2).
    for found in [0xa1, 0xa2, 0xa3, 0xa4] {
        let other = Node::Definite(found, vec![]);
        assert_eq!(
            refused(set(path::RECIPIENT, other)),
            CmsError::Identifier {
                element: "KeyTransRecipientInfo",
                found,
                expected: 0x30
            }
        );
    }
}

#[test]
fn a_recipient_by_issuer_and_serial_number_is_refused() {
    let issuer = sequence(vec![sequence(vec![]), integer(&[1])]);
    assert_eq!(
        refused(set(path::IDENTIFIER, issuer)),
        CmsError::Identifier {
            element: "subjectKeyIdentifier",
            found: 0x30,
            expected: 0x80
        }
    );
}

#[test]
fn originator_info_is_refused() {
    let certificates = Node::Definite(0xa0, vec![sequence(vec![])]);
    let info = Node::Definite(0xa0, vec![certificates]);
    assert_eq!(
        refused(|value| value.at(path::ENVELOPED_DATA).children().insert(1, info)),
        CmsError::Identifier {
            element: "recipientInfos",
            found: 0xa0,
            expected: 0x31
        }
    );
}

#[test]
fn unprotected_attributes_are_refused() {
    let attributes = Node::Definite(0xa1, vec![sequence(vec![oid("1.2.3"), null()])]);
    let expected = trailing("EnvelopedData", &attributes);
    assert_eq!(refused(push(path::ENVELOPED_DATA, attributes)), expected);
}

#[test]
fn nothing_follows_the_last_element_of_any_structure() {
    for (path, element) in [
        (&[][..], "ContentInfo"),
        (path::CONTENT, "content"),
        (path::ENVELOPED_DATA, "EnvelopedData"),
        (path::RECIPIENT, "KeyTransRecipientInfo"),
        (&[1, 0, 1, 0, 2], "keyEncryptionAlgorithm"),
        (path::OAEP, "RSAES-OAEP-params"),
        (&[1, 0, 1, 0, 2, 1, 0], "hashFunc"),
        (path::HASH, "hashAlgorithm of hashFunc"),
        (&[1, 0, 1, 0, 2, 1, 1], "maskGenFunc"),
        (path::MASK, "maskGenAlgorithm"),
        (path::MASK_HASH, "hashAlgorithm of maskGenFunc"),
        (path::CONTENT_INFO, "encryptedContentInfo"),
        (path::CONTENT_ALGORITHM, "contentEncryptionAlgorithm"),
    ] {
        assert_eq!(refused(push(path, null())), trailing(element, &null()));
    }
}

#[test]
fn parts_of_other_lengths_are_refused() {
    for (path, identifier, element, expected) in [
        (path::IDENTIFIER, 0x80, "subjectKeyIdentifier", 32),
        (path::ENCRYPTED_KEY, 0x04, "encryptedKey", 256),
        (path::IV, 0x04, "AES-IV", 16),
    ] {
        for found in [0, 8, 20, expected - 1, expected + 1, 512] {
            assert_eq!(
                refused(set(path, Node::Primitive(identifier, vec![7; found]))),
                CmsError::Length {
                    element,
                    found,
                    expected
                }
            );
        }
    }
}

#[test]
fn content_is_whole_blocks_and_at_least_one() {
    for found in [0, 1, 15, 17, 47] {
        for node in [
            Node::Primitive(0x80, vec![7; found]),
            Node::Indefinite(0xa0, vec![octets(&vec![7; found])]),
        ] {
            let mut value = kms_form(&Parts::any());
            *value.at(path::CIPHERTEXT) = node;
            value.reform(&mut || false);
            let error = EnvelopedData::parse(&value.encode()).unwrap_err();
            assert_eq!(error, CmsError::Blocks { found });
        }
    }
    // In an element of indefinite length, asn1-rs takes these two octets for its end.
    refused(set(path::CIPHERTEXT, Node::Primitive(0x80, vec![])));
    assert_eq!(
        refused(|value| drop(value.at(path::CONTENT_INFO).children().pop())),
        CmsError::Missing {
            element: "encryptedContent"
        }
    );
}

/// The error for a value that was changed in one place.
fn refused(change: impl FnOnce(&mut Node)) -> CmsError {
    let mut value = kms_form(&Parts::any());
    change(&mut value);
    EnvelopedData::parse(&value.encode()).unwrap_err()
}

fn accepted(change: impl FnOnce(&mut Node)) {
    let mut value = kms_form(&Parts::any());
    change(&mut value);
    assert_eq!(Parts::parse(&value.encode()), Ok(Parts::any()));
}

fn set(path: &'static [usize], node: Node) -> impl FnOnce(&mut Node) {
    move |value| *value.at(path) = node
}

fn push(path: &'static [usize], node: Node) -> impl FnOnce(&mut Node) {
    move |value| value.at(path).children().push(node)
}

fn integer(contents: &[u8]) -> Node {
    Node::Primitive(0x02, contents.to_vec())
}

fn null() -> Node {
    Node::Primitive(0x05, vec![])
}

fn trailing(element: &'static str, node: &Node) -> CmsError {
    let length = node.encode().len();
    CmsError::Trailing { element, length }
}
