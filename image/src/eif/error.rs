/// Why bytes are not an image, or an image has no bytes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EifError {
    /// The file does not begin as images do.
    #[error("the file begins with {0:02x?}, expected: \".eif\"")]
    Magic(Vec<u8>),
    /// The format is older or newer than this program.
    #[error("the format's version is {0}, expected: 3 or 4")]
    Version(u16),
    /// The file ends before what it announces.
    #[error("the file ends at byte {end}, expected: {expected} more bytes at byte {at}")]
    Short {
        /// The file's length, in bytes.
        end: usize,
        /// Where something was to be read.
        at: usize,
        /// How much of it.
        expected: u64,
    },
    /// There are bytes that belong to nothing.
    #[error("{0} bytes follow the last section, expected: none")]
    Trailing(usize),
    /// More sections than the header has room for.
    #[error("there are {0} sections, expected: at most 32")]
    Sections(usize),
    /// A section is of no known kind.
    #[error("section {index} is of kind {found}, expected: 1 to 5")]
    Kind {
        /// Which, from 0.
        index: usize,
        /// What came.
        found: u16,
    },
    /// The header says something else of a section than the section itself.
    #[error("the header has {found} for the {what} of section {index}, expected: {expected}")]
    Table {
        /// Which, from 0.
        index: usize,
        /// The offset or the length.
        what: &'static str,
        /// What came.
        found: u64,
        /// What is so.
        expected: u64,
    },
    /// The file has changed since it was made.
    #[error("the CRC-32 is {found:08x}, expected: {expected:08x}")]
    Crc {
        /// What the header says.
        found: u32,
        /// What the file has.
        expected: u32,
    },
}
