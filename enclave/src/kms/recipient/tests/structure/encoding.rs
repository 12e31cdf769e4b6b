//! What is not BER, or more of it than any encoder needs.

use super::*;

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
