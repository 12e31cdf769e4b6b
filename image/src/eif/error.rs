/// Why some bytes are not an image, or why an image cannot be written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EifError {
    /// The file does not begin with the magic bytes of an image.
    #[error("the file begins with {0:02x?}, expected: \".eif\"")]
    Magic(Vec<u8>),
    /// The format is older or newer than this program can read.
    #[error("the format's version is {0}, expected: 3 or 4")]
    Version(u16),
    /// The file ends before the content that it announces.
    #[error("the file ends at byte {end}, expected: {expected} more bytes at byte {at}")]
    Short {
        /// The file's length, in bytes.
        end: usize,
        /// The offset of what was to be read.
        at: usize,
        /// Its length, in bytes.
        expected: u64,
    },
    /// There are bytes that belong to no section.
    #[error("{0} bytes follow the last section, expected: none")]
    Trailing(usize),
    /// More sections than the header has room for.
    #[error("there are {0} sections, expected: at most 32")]
    Sections(usize),
    /// A section is of an unknown kind.
    #[error("section {index} is of kind {found}, expected: 1 to 5")]
    Kind {
        /// Which section, from 0.
        index: usize,
        /// What came.
        found: u16,
    },
    /// The header contradicts the section itself.
    #[error("the header gives {found} as the {what} of section {index}, expected: {expected}")]
    Table {
        /// Which section, from 0.
        index: usize,
        /// The offset or the length.
        what: &'static str,
        /// What came.
        found: u64,
        /// What the section itself has.
        expected: u64,
    },
    /// The file was changed after it was made.
    #[error("the CRC-32 is {found:08x}, expected: {expected:08x}")]
    Crc {
        /// What the header says.
        found: u32,
        /// What the file's content gives.
        expected: u32,
    },
}
