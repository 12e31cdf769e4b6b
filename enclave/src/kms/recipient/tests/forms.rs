//! One value in every form that BER has for it.

use proptest::collection::vec;
use proptest::prelude::*;

use super::encoder::{octets, path};
use super::*;

/// How octets are cut into pieces.
#[derive(Clone, Debug)]
enum Cut {
    Piece,
    Pieces(Vec<Cut>),
}

impl Cut {
    /// The octets as an element whose identifier octet is `primitive` if they are in one piece.
    fn apply(&self, primitive: u8, octets: &[u8]) -> Node {
        match self {
            Self::Piece => Node::Primitive(primitive, octets.to_vec()),
            Self::Pieces(cuts) => {
                let ends = (0..=cuts.len()).map(|n| octets.len() * n / cuts.len().max(1));
                let pieces = ends
                    .clone()
                    .zip(ends.skip(1))
                    .map(|(from, to)| &octets[from..to]);
                let pieces = cuts.iter().zip(pieces);
                Node::Definite(
                    primitive | 0x20,
                    pieces.map(|(cut, piece)| cut.apply(0x04, piece)).collect(),
                )
            }
        }
    }
}

fn cut() -> impl Strategy<Value = Cut> {
    Just(Cut::Piece).prop_recursive(4, 20, 3, |cut| vec(cut, 1..4).prop_map(Cut::Pieces))
}

fn count(cut: &Cut) -> usize {
    match cut {
        Cut::Piece => 0,
        Cut::Pieces(cuts) => cuts.iter().map(|cut| 1 + count(cut)).sum(),
    }
}

proptest! {
    #[test]
    fn a_value_has_the_same_parts_in_every_form(
        recipient in vec(any::<u8>(), 32),
        encrypted_key in vec(any::<u8>(), 256),
        iv in vec(any::<u8>(), 16),
        ciphertext in vec(any::<u8>(), 16..800)
            .prop_map(|bytes| bytes[..bytes.len() / 16 * 16].to_vec()),
        cuts in [cut(), cut(), cut(), cut()],
        indefinite in vec(any::<bool>(), 1..40),
    ) {
        prop_assume!(cuts.iter().all(|cut| count(cut) <= 64));
        let parts = Parts { recipient, encrypted_key, iv, ciphertext };
        let mut value = kms_form(&parts);
        *value.at(path::IDENTIFIER) = cuts[0].apply(0x80, &parts.recipient);
        *value.at(path::ENCRYPTED_KEY) = cuts[1].apply(0x04, &parts.encrypted_key);
        *value.at(path::IV) = cuts[2].apply(0x04, &parts.iv);
        *value.at(path::CIPHERTEXT) = cuts[3].apply(0x80, &parts.ciphertext);
        let mut indefinite = indefinite.into_iter().cycle();
        value.reform(&mut || indefinite.next().unwrap());
        prop_assert_eq!(Parts::parse(&value.encode()), Ok(parts));
    }

    #[test]
    fn no_bytes_break_the_parser(bytes in vec(any::<u8>(), 0..200)) {
        let _ = EnvelopedData::parse(&bytes);
    }
}

#[test]
fn a_value_opens_in_every_form() {
    let parts = Parts::seal(DATA_KEY);
    for indefinite in [false, true] {
        for pieces in 0..=3 {
            let mut value = kms_form(&parts);
            let cut = match pieces {
                0 => Cut::Piece,
                n => Cut::Pieces(vec![Cut::Piece; n]),
            };
            *value.at(path::CIPHERTEXT) = cut.apply(0x80, &parts.ciphertext);
            value.reform(&mut || indefinite);
            assert_eq!(KEY.open(&value.encode()).unwrap().as_slice(), DATA_KEY);
        }
    }
}

#[test]
fn content_comes_in_at_most_64_pieces() {
    let pieces = |count: usize| {
        let mut value = kms_form(&Parts::any());
        let mut pieces = vec![octets(&[]); count - 1];
        pieces.push(octets(&[7; 32]));
        *value.at(path::CIPHERTEXT) = Node::Indefinite(0xa0, pieces);
        Parts::parse(&value.encode()).map(|parts| parts.ciphertext)
    };
    assert_eq!(pieces(64), Ok(vec![7; 32]));
    let element = "encryptedContent";
    assert_eq!(
        pieces(65),
        Err(CmsError::Pieces {
            element,
            expected: 64
        })
    );
}

#[test]
fn pieces_in_pieces_count_together() {
    let mut value = kms_form(&Parts::any());
    let inner = Node::Indefinite(0x24, vec![octets(&[7; 16]); 21]);
    *value.at(path::CIPHERTEXT) = Node::Indefinite(0xa0, vec![inner; 3]);
    let element = "encryptedContent";
    let expected = CmsError::Pieces {
        element,
        expected: 64,
    };
    assert_eq!(Parts::parse(&value.encode()), Err(expected));
}

#[test]
fn pieces_are_nested_at_most_4_deep() {
    let nested = |depth: usize| {
        let mut value = kms_form(&Parts::any());
        let mut node = octets(&[7; 32]);
        for _ in 1..depth {
            node = Node::Indefinite(0x24, vec![node]);
        }
        *value.at(path::CIPHERTEXT) = Node::Indefinite(0xa0, vec![node]);
        Parts::parse(&value.encode()).map(|parts| parts.ciphertext)
    };
    assert_eq!(nested(4), Ok(vec![7; 32]));
    let element = "encryptedContent";
    assert_eq!(
        nested(5),
        Err(CmsError::Depth {
            element,
            expected: 4
        })
    );
    // Deeper than asn1-rs looks.
    assert_eq!(
        nested(80),
        Err(CmsError::Encoding {
            element: "ContentInfo"
        })
    );
}
