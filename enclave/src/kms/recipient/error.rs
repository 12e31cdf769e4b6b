/// Why bytes are not an EnvelopedData as KMS sends it. Elements are named as in RFC 5652 and RFC 4055.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CmsError {
    /// Longer than anything that KMS sends.
    #[error("{found} bytes, expected at most {expected}")]
    TooLong {
        /// How many bytes came.
        found: usize,
        /// The most that is read.
        expected: usize,
    },
    /// The bytes end before the element does, or its end-of-contents octets are missing.
    #[error("{element} is cut off")]
    Truncated {
        /// The element.
        element: &'static str,
    },
    /// An impossible length, or nesting deeper than any encoder needs.
    #[error("{element} is not encoded in BER")]
    Encoding {
        /// The element.
        element: &'static str,
    },
    /// More length octets than the length needs.
    #[error("the length of {element} is not in its shortest form")]
    LengthForm {
        /// The element.
        element: &'static str,
    },
    /// An element of indefinite length does not end with two zero octets.
    #[error("{element} has no end-of-contents octets")]
    EndOfContents {
        /// The element.
        element: &'static str,
    },
    /// The element is absent.
    #[error("{element} is missing")]
    Missing {
        /// The element.
        element: &'static str,
    },
    /// Another element is in its place.
    #[error("identifier octet {found:#04x} in the place of {element}, expected {expected:#04x}")]
    Identifier {
        /// The expected element.
        element: &'static str,
        /// The identifier octet (X.690 section 8.1.2) that came.
        found: u8,
        /// The element's own.
        expected: u8,
    },
    /// Something follows the last element.
    #[error("{length} bytes after the last element of {element}")]
    Trailing {
        /// The element that should end.
        element: &'static str,
        /// How many bytes follow.
        length: usize,
    },
    /// Octets in more pieces than any encoder needs.
    #[error("{element} comes in more than {expected} pieces")]
    Pieces {
        /// The element.
        element: &'static str,
        /// The most that is read.
        expected: usize,
    },
    /// Pieces made of pieces, deeper than any encoder needs.
    #[error("{element} comes in pieces of pieces, more than {expected} deep")]
    Depth {
        /// The element.
        element: &'static str,
        /// The deepest that is read.
        expected: usize,
    },
    /// A version that RFC 5652 gives to something else.
    #[error("{element} is {found} in hex, expected {expected:02x}")]
    Version {
        /// The element.
        element: &'static str,
        /// The integer that came: big-endian two's complement, hex, at most its first 8 bytes.
        found: String,
        /// The only version that KMS sends.
        expected: u8,
    },
    /// The holder of the other key can read the content too.
    #[error("more than one recipient")]
    Recipients,
    /// A content type or an algorithm that KMS does not use.
    #[error("{element} is {found}, expected {expected}")]
    ObjectIdentifier {
        /// The element.
        element: &'static str,
        /// What came, in dotted form.
        found: String,
        /// What is expected, by its name in the RFC.
        expected: &'static str,
    },
    /// Octets of another length.
    #[error("{element} has {found} bytes, expected {expected}")]
    Length {
        /// The element.
        element: &'static str,
        /// How many bytes came.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// CBC works in whole blocks, and padding makes at least one.
    #[error("the encryptedContent has {found} bytes, expected a multiple of 16, at least 16")]
    Blocks {
        /// How many bytes came.
        found: usize,
    },
}
