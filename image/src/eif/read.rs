use super::{
    AARCH64, Architecture, Eif, EifError, HEADER_LEN, Kind, MAGIC, SECTIONS_MAX, Section,
    crc32::crc32,
};

/// The offset of the CRC, the header's last field.
const CRC_AT: usize = HEADER_LEN - 4;

impl Eif {
    /// Reads a file of version 3 or 4, and checks that its header, its sections and its CRC agree.
    ///
    /// # Errors
    ///
    /// [`EifError`] with what was found and what was expected.
    pub fn from_bytes(file: &[u8]) -> Result<Self, EifError> {
        let mut reader = Reader { file, at: 0 };
        let magic = reader.take(4)?;
        if magic != MAGIC {
            return Err(EifError::Magic(magic.to_vec()));
        }
        let version = reader.u16()?;
        if !(3..=4).contains(&version) {
            return Err(EifError::Version(version));
        }
        let flags = reader.u16()?;
        let default_memory = reader.u64()?;
        let default_cpus = reader.u64()?;
        reader.u16()?;
        let count = usize::from(reader.u16()?);
        if count > SECTIONS_MAX {
            return Err(EifError::Sections(count));
        }
        let offsets = reader.table()?;
        let lengths = reader.table()?;
        reader.u32()?;
        let crc = reader.u32()?;
        let mut sections = Vec::new();
        for (index, (offset, length)) in offsets.into_iter().zip(lengths).take(count).enumerate() {
            agrees(index, "offset", offset, reader.at as u64)?;
            let section = reader.section(index)?;
            agrees(index, "length", length, section.content.len() as u64)?;
            sections.push(section);
        }
        if reader.at < file.len() {
            return Err(EifError::Trailing(file.len() - reader.at));
        }
        let before = file.get(..CRC_AT).unwrap_or_default();
        let after = file.get(HEADER_LEN..).unwrap_or_default();
        let expected = crc32(&[before, after]);
        if crc != expected {
            return Err(EifError::Crc {
                found: crc,
                expected,
            });
        }
        Ok(Self {
            architecture: match flags & AARCH64 {
                AARCH64 => Architecture::Aarch64,
                _ => Architecture::X86_64,
            },
            default_memory,
            default_cpus,
            sections,
        })
    }
}

fn agrees(index: usize, what: &'static str, found: u64, expected: u64) -> Result<(), EifError> {
    if found == expected {
        return Ok(());
    }
    Err(EifError::Table {
        index,
        what,
        found,
        expected,
    })
}

struct Reader<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn section(&mut self, index: usize) -> Result<Section, EifError> {
        let kind = match self.u16()? {
            1 => Kind::Kernel,
            2 => Kind::CommandLine,
            3 => Kind::Ramdisk,
            4 => Kind::Signature,
            5 => Kind::Metadata,
            found => return Err(EifError::Kind { index, found }),
        };
        self.u16()?;
        let length = self.u64()?;
        Ok(Section {
            kind,
            content: self.take(length)?.to_vec(),
        })
    }

    fn table(&mut self) -> Result<[u64; SECTIONS_MAX], EifError> {
        let mut table = [0; SECTIONS_MAX];
        for number in &mut table {
            *number = self.u64()?;
        }
        Ok(table)
    }

    fn u16(&mut self) -> Result<u16, EifError> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, EifError> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, EifError> {
        self.array().map(u64::from_be_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], EifError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], EifError> {
        let taken = usize::try_from(length)
            .ok()
            .and_then(|length| self.at.checked_add(length))
            .and_then(|end| self.file.get(self.at..end))
            .ok_or(EifError::Short {
                end: self.file.len(),
                at: self.at,
                expected: length,
            })?;
        self.at += taken.len();
        Ok(taken)
    }
}
