//! BER (X.690), element by element.
//!
//! `asn1-rs` finds the elements. It accepts lengths in more octets than they need, and treats any element with tag number 0 and
//! length 0 as end-of-contents. Neither is accepted here: an element has the shortest length or two zero octets at its end, and
//! its contents are read to their last byte, by known identifier octets.

use std::borrow::Cow;

use asn1_rs::{Any, FromBer, Length, Oid};

use super::CmsError;

/// The contents of one element, or what is left of them.
pub(super) struct Reader<'a> {
    element: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads the contents of `element`.
    pub(super) fn new(element: &'static str, contents: &'a [u8]) -> Self {
        Self {
            element,
            rest: contents,
        }
    }

    /// The identifier octet of the next element.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The contents of the next element.
    pub(super) fn take(
        &mut self,
        identifier: u8,
        element: &'static str,
    ) -> Result<&'a [u8], CmsError> {
        match self.peek() {
            None => Err(CmsError::Missing { element }),
            Some(found) if found != identifier => Err(CmsError::Identifier {
                element,
                found,
                expected: identifier,
            }),
            Some(_) => {
                let (contents, rest) = split(self.rest, element)?;
                self.rest = rest;
                Ok(contents)
            }
        }
    }

    /// A reader of the contents of the next element, which is constructed.
    pub(super) fn enter(
        &mut self,
        identifier: u8,
        element: &'static str,
    ) -> Result<Reader<'a>, CmsError> {
        Ok(Reader::new(element, self.take(identifier, element)?))
    }

    /// The octets of the next element, an OCTET STRING in one piece or several (X.690 section 8.7). `primitive` is its
    /// identifier octet when it is in one.
    pub(super) fn octets(
        &mut self,
        primitive: u8,
        element: &'static str,
    ) -> Result<Cow<'a, [u8]>, CmsError> {
        let constructed = primitive | CONSTRUCTED;
        if self.peek() != Some(constructed) {
            return self.take(primitive, element).map(Cow::Borrowed);
        }
        let pieces = self.enter(constructed, element)?;
        let mut joined = Joined::default();
        joined.append(pieces, 1)?;
        Ok(joined.octets.into())
    }

    /// [`Reader::octets`] of a known length.
    pub(super) fn fixed<const LENGTH: usize>(
        &mut self,
        primitive: u8,
        element: &'static str,
    ) -> Result<[u8; LENGTH], CmsError> {
        let octets = self.octets(primitive, element)?;
        octets.as_ref().try_into().map_err(|_| CmsError::Length {
            element,
            found: octets.len(),
            expected: LENGTH,
        })
    }

    /// The next element is the INTEGER `expected`, of 0 to 127.
    pub(super) fn version(&mut self, expected: u8, element: &'static str) -> Result<(), CmsError> {
        let found = self.take(INTEGER, element)?;
        if found != [expected] {
            return Err(CmsError::Version {
                element,
                found: hex::encode(found.get(..8).unwrap_or(found)),
                expected,
            });
        }
        Ok(())
    }

    /// The next element is this OBJECT IDENTIFIER.
    pub(super) fn object_identifier(
        &mut self,
        expected: &ObjectIdentifier,
        element: &'static str,
    ) -> Result<(), CmsError> {
        let found = self.take(OBJECT_IDENTIFIER, element)?;
        if found != expected.octets {
            return Err(CmsError::ObjectIdentifier {
                element,
                found: dotted(found),
                expected: expected.name,
            });
        }
        Ok(())
    }

    /// Nothing follows.
    pub(super) fn end(self) -> Result<(), CmsError> {
        match self.rest.len() {
            0 => Ok(()),
            length => Err(CmsError::Trailing {
                element: self.element,
                length,
            }),
        }
    }
}

/// An OBJECT IDENTIFIER and its name.
pub(super) struct ObjectIdentifier {
    /// As the RFC names it.
    pub(super) name: &'static str,
    /// Its contents octets (X.690 section 8.19).
    pub(super) octets: &'static [u8],
}

#[derive(Default)]
struct Joined {
    octets: Vec<u8>,
    pieces: usize,
}

impl Joined {
    fn append(&mut self, mut pieces: Reader<'_>, depth: usize) -> Result<(), CmsError> {
        let element = pieces.element;
        if depth > DEPTH_MAX {
            return Err(CmsError::Depth {
                element,
                expected: DEPTH_MAX,
            });
        }
        while let Some(identifier) = pieces.peek() {
            self.pieces += 1;
            if self.pieces > PIECES_MAX {
                return Err(CmsError::Pieces {
                    element,
                    expected: PIECES_MAX,
                });
            }
            if identifier == OCTET_STRING | CONSTRUCTED {
                let pieces = pieces.enter(identifier, element)?;
                self.append(pieces, depth + 1)?;
            } else {
                let piece = pieces.take(OCTET_STRING, element)?;
                self.octets.extend_from_slice(piece);
            }
        }
        Ok(())
    }
}

/// The contents of the first element, whose identifier is one octet, and what follows it.
fn split<'a>(bytes: &'a [u8], element: &'static str) -> Result<(&'a [u8], &'a [u8]), CmsError> {
    let (rest, any) = Any::from_ber(bytes).map_err(|error| match error {
        asn1_rs::Err::Incomplete(_) => CmsError::Truncated { element },
        _ => CmsError::Encoding { element },
    })?;
    let contents = any.data;
    let whole = bytes.strip_suffix(rest).unwrap_or(bytes);
    let overhead = whole.len() - contents.len();
    match any.header.length() {
        Length::Definite(length) if overhead != 1 + length_octets(length) => {
            Err(CmsError::LengthForm { element })
        }
        Length::Indefinite if !whole.ends_with(&[0, 0]) => Err(CmsError::EndOfContents { element }),
        _ => Ok((contents, rest)),
    }
}

/// How many octets a definite length takes in its shortest form (X.690 section 10.1).
fn length_octets(length: usize) -> usize {
    match length {
        0..0x80 => 1,
        _ => 1 + (length.ilog2() / 8 + 1) as usize,
    }
}

fn dotted(octets: &[u8]) -> String {
    match octets.len() {
        1..=OID_SHOWN_MAX => Oid::new(octets.into()).to_id_string(),
        length => format!("an object identifier of {length} bytes"),
    }
}

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]` of a primitive type.
pub(super) const CONTEXT_0: u8 = 0x80;
/// Bit 6 of an identifier octet (X.690 section 8.1.2.5).
pub(super) const CONSTRUCTED: u8 = 0x20;

/// 4 KiB, the most that KMS encrypts, in pieces of 1000 octets, as Java's libraries cut them, are five.
const PIECES_MAX: usize = 64;

/// Pieces that are not themselves in pieces have depth 1.
const DEPTH_MAX: usize = 4;

/// The longest object identifier that an error shows.
const OID_SHOWN_MAX: usize = 32;
