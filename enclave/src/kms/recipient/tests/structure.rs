//! Structures that KMS does not send, each refused by the rule that it breaks.

use super::encoder::{P_SPECIFIED, octets, oid, path, sequence};
use super::*;

/// What is said of a value that was changed in one place.
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
fn an_object_identifier_is_never_shown_at_any_length() {
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
fn other_key_encryption_is_refused() {
    // PKCS #1 v1.5, and RSA-KEM.
    for found in ["1.2.840.113549.1.1.1", "1.2.840.113549.1.9.16.3.14"] {
        assert_eq!(
            refused(set(path::KEY_ALGORITHM, oid(found))),
            CmsError::ObjectIdentifier {
                element: "keyEncryptionAlgorithm",
                found: found.to_owned(),
                expected: "id-RSAES-OAEP"
            }
        );
    }
}

#[test]
fn other_oaep_parameters_are_refused() {
    let algorithm = |identifier: &str| sequence(vec![oid(identifier), null()]);
    let wrong = |element, found: &str, expected| CmsError::ObjectIdentifier {
        element,
        found: found.to_owned(),
        expected,
    };
    // SHA-1, SHA-384.
    for hash in ["1.3.14.3.2.26", "2.16.840.1.101.3.4.2.2"] {
        assert_eq!(
            refused(set(path::HASH, algorithm(hash))),
            wrong("hashAlgorithm of hashFunc", hash, "id-sha256")
        );
        assert_eq!(
            refused(set(path::MASK_HASH, algorithm(hash))),
            wrong("hashAlgorithm of maskGenFunc", hash, "id-sha256")
        );
    }
    assert_eq!(
        refused(set(path::MASK, algorithm("1.2.3"))),
        wrong("maskGenAlgorithm", "1.2.3", "id-mgf1")
    );
}

/// What is absent means SHA-1 (RFC 4055 section 4.1).
#[test]
fn oaep_parameters_that_are_left_to_their_default_are_refused() {
    assert_eq!(
        refused(|value| drop(value.at(&[1, 0, 1, 0, 2]).children().pop())),
        CmsError::Missing {
            element: "RSAES-OAEP-params"
        }
    );
    assert_eq!(
        refused(|value| value.at(path::OAEP).children().clear()),
        CmsError::Missing {
            element: "hashFunc"
        }
    );
    assert_eq!(
        refused(|value| drop(value.at(path::OAEP).children().remove(0))),
        CmsError::Identifier {
            element: "hashFunc",
            found: 0xa1,
            expected: 0xa0
        }
    );
    assert_eq!(
        refused(|value| drop(value.at(path::OAEP).children().pop())),
        CmsError::Missing {
            element: "maskGenFunc"
        }
    );
    assert_eq!(
        refused(|value| drop(value.at(path::MASK).children().pop())),
        CmsError::Missing {
            element: "hashAlgorithm of maskGenFunc"
        }
    );
}

/// RFC 4055 sections 2.1 and 4.1.
#[test]
fn parameters_that_mean_the_same_are_accepted() {
    accepted(|value| drop(value.at(path::HASH).children().pop()));
    accepted(|value| drop(value.at(path::MASK_HASH).children().pop()));
    accepted(push(path::OAEP, label(P_SPECIFIED, octets(&[]))));
}

#[test]
fn a_label_is_refused() {
    assert_eq!(
        refused(push(path::OAEP, label(P_SPECIFIED, octets(b"x")))),
        CmsError::Length {
            element: "the OAEP label",
            found: 1,
            expected: 0
        }
    );
    assert_eq!(
        refused(push(path::OAEP, label("1.2.3", octets(&[])))),
        CmsError::ObjectIdentifier {
            element: "pSourceAlgorithm",
            found: "1.2.3".to_owned(),
            expected: "id-pSpecified"
        }
    );
}

fn label(algorithm: &str, label: Node) -> Node {
    Node::Definite(0xa2, vec![sequence(vec![oid(algorithm), label])])
}

#[test]
fn parameters_of_sha_256_other_than_null_are_refused() {
    let identifier = |found| CmsError::Identifier {
        element: "the parameters of SHA-256",
        found,
        expected: 0x05,
    };
    for path in [path::HASH, path::MASK_HASH] {
        let other = |node: Node| refused(|value| value.at(path).children()[1] = node);
        assert_eq!(other(octets(&[])), identifier(0x04));
        let null = Node::Primitive(0x05, vec![0]);
        let element = "the parameters of SHA-256";
        assert_eq!(other(null), CmsError::Trailing { element, length: 1 });
    }
}

#[test]
fn other_content_encryption_is_refused() {
    // AES-128-CBC, AES-256-GCM, triple DES.
    for found in [
        "2.16.840.1.101.3.4.1.2",
        "2.16.840.1.101.3.4.1.46",
        "1.2.840.113549.3.7",
    ] {
        assert_eq!(
            refused(|value| value.at(path::CONTENT_ALGORITHM).children()[0] = oid(found)),
            CmsError::ObjectIdentifier {
                element: "contentEncryptionAlgorithm",
                found: found.to_owned(),
                expected: "id-aes256-CBC"
            }
        );
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

#[test]
fn pieces_are_octet_strings() {
    for found in [0x0c, 0x80, 0x30] {
        let piece = Node::Primitive(found, vec![7; 16]);
        assert_eq!(
            refused(set(path::CIPHERTEXT, Node::Definite(0xa0, vec![piece]))),
            CmsError::Identifier {
                element: "encryptedContent",
                found,
                expected: 0x04
            }
        );
    }
}

#[test]
fn the_longest_value_is_6144_bytes() {
    let of = |length: usize| {
        let mut value = kms_form(&Parts::any());
        *value.at(path::CIPHERTEXT) = Node::Primitive(0x80, vec![7; length / 16 * 16]);
        value.encode()
    };
    let longest = (0..)
        .step_by(16)
        .map(of)
        .take_while(|ber| ber.len() <= 6144);
    EnvelopedData::parse(&longest.last().unwrap()).unwrap();
    for length in [6145, 100_000] {
        assert_eq!(
            EnvelopedData::parse(&vec![0x30; length]),
            Err(CmsError::TooLong {
                found: length,
                expected: 6144
            })
        );
    }
}

#[test]
fn lengths_in_more_octets_than_they_need_are_refused() {
    let iv = [7; 16];
    for length in [&[0x81, 16][..], &[0x82, 0, 16], &[0x84, 0, 0, 0, 16]] {
        let raw = Node::Raw([&[0x04], length, &iv].concat());
        assert_eq!(
            refused(set(path::IV, raw)),
            CmsError::LengthForm { element: "AES-IV" }
        );
    }
    let raw = Node::Raw([&[0x04, 0x83, 0, 1, 0][..], &[7; 256]].concat());
    assert_eq!(
        refused(set(path::ENCRYPTED_KEY, raw)),
        CmsError::LengthForm {
            element: "encryptedKey"
        }
    );
}

#[test]
fn lengths_that_cannot_be_are_refused() {
    let outer = |length: &[u8]| {
        let ber = [&[0x30], length, &[0x06, 0x01, 0x2a]].concat();
        EnvelopedData::parse(&ber).unwrap_err()
    };
    let element = "ContentInfo";
    // Reserved (X.690 section 8.1.3.5), and more than 64 bits.
    assert_eq!(outer(&[0xff]), CmsError::Encoding { element });
    assert_eq!(
        outer(&[&[0x89, 1][..], &[0; 8]].concat()),
        CmsError::Encoding { element }
    );
    for longer in [
        &[4][..],
        &[0x82, 1, 0],
        &[0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ] {
        assert_eq!(outer(longer), CmsError::Truncated { element });
    }
}

#[test]
fn a_primitive_element_has_a_definite_length() {
    let raw = Node::Raw([&[0x04, 0x80][..], &[7; 16], &[0, 0]].concat());
    assert_eq!(
        refused(set(path::IV, raw)),
        CmsError::Encoding { element: "AES-IV" }
    );
}

/// For asn1-rs, all of these end an element of indefinite length.
#[test]
fn only_two_zero_octets_are_end_of_contents() {
    let pieces = octets(&Parts::any().ciphertext).encode();
    let ended_by = |end: &[u8]| {
        let content = [&[0xa0, 0x80], pieces.as_slice(), end].concat();
        set(path::CIPHERTEXT, Node::Raw(content))
    };
    let element = "encryptedContent";
    for end in [
        &[0x80, 0][..],
        &[0xa0, 0],
        &[0x20, 0],
        &[0x40, 0],
        &[0, 0x81, 0],
    ] {
        assert_eq!(refused(ended_by(end)), CmsError::EndOfContents { element });
    }
    assert_eq!(
        refused(ended_by(&[0x1f, 0, 0])),
        CmsError::Identifier {
            element,
            found: 0x1f,
            expected: 0x04
        }
    );
    accepted(ended_by(&[0, 0]));
}

#[test]
fn an_end_of_contents_too_many_is_refused() {
    let content = [&octets(&[7; 32]).encode()[..], &[0, 0]].concat();
    let content = Node::Definite(0xa0, vec![Node::Raw(content)]);
    assert_eq!(
        refused(set(path::CIPHERTEXT, content)),
        CmsError::Identifier {
            element: "encryptedContent",
            found: 0,
            expected: 0x04
        }
    );
}
