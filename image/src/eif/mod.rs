//! The Enclave Image Format, version 4, big endian throughout.
//!
//! | bytes | what |
//! |---|---|
//! | 548 | header: magic `.eif`, version, flags, memory, CPUs, number of sections, 32 offsets, 32 lengths, CRC-32 |
//! | 12 | a section's header: kind, flags, length of the content |
//! | ... | its content |
//! | ... | further sections, without gaps |
//!
//! The CRC-32 (IEEE) covers everything but itself. AWS publishes the format as code
//! (`aws-nitro-enclaves-image-format`, `src/defs`), which brings OpenSSL and the AWS SDK with it. This module is the same
//! format in a few hundred lines; `image/against-aws` compares it with AWS's.

mod crc32;
mod error;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use error::EifError;

/// An image: what its header says and its sections, in the order of the file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Eif {
    /// The machine that it is for.
    pub architecture: Architecture,
    /// The memory that an enclave gets by default, in bytes.
    pub default_memory: u64,
    /// The number of CPUs that an enclave gets by default.
    pub default_cpus: u64,
    /// Its sections.
    pub sections: Vec<Section>,
}

/// The kind of machine that an image is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Architecture {
    /// Bit 0 of the header's flags is clear.
    X86_64,
    /// Bit 0 of the header's flags is set.
    Aarch64,
}

/// One part of an image.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Section {
    /// Its kind.
    pub kind: Kind,
    /// Its bytes, without the section's header.
    pub content: Vec<u8>,
}

/// The kind of a section.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u16)]
pub enum Kind {
    /// A bzImage (on Arm, an Image). Measured in PCR0 and PCR1.
    Kernel = 1,
    /// The kernel's command line, without a line ending. Measured in PCR0 and PCR1.
    CommandLine = 2,
    /// A cpio archive. The first is measured in PCR0 and PCR1, the others in PCR0 and PCR2.
    Ramdisk = 3,
    /// Signatures of PCR0, CBOR. Not measured; the signer's certificate is in PCR8.
    Signature = 4,
    /// What `nitro-cli describe-eif` shows, JSON. Not measured.
    Metadata = 5,
}

impl Eif {
    /// The sections of a kind, in the order of the file.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Section> {
        self.sections
            .iter()
            .filter(move |section| section.kind == kind)
    }
}

impl Kind {
    /// Its name, for a person to read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::CommandLine => "command line",
            Self::Ramdisk => "ramdisk",
            Self::Signature => "signature",
            Self::Metadata => "metadata",
        }
    }
}

/// The length of the file's header, in bytes.
pub const HEADER_LEN: usize = 548;

const MAGIC: [u8; 4] = *b".eif";
const VERSION: u16 = 4;
/// How many offsets and lengths the header has room for.
const SECTIONS_MAX: usize = 32;
const AARCH64: u16 = 1;
