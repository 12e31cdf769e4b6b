use super::{
    AARCH64, Architecture, Eif, EifError, HEADER_LEN, MAGIC, SECTIONS_MAX, VERSION, crc32::crc32,
};

impl Eif {
    /// The bytes of the image file.
    ///
    /// # Errors
    ///
    /// [`EifError::Sections`] for more than 32 sections.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EifError> {
        let count = self.sections.len();
        if count > SECTIONS_MAX {
            return Err(EifError::Sections(count));
        }
        let mut body = Vec::new();
        let (mut offsets, mut lengths) = ([0_u64; SECTIONS_MAX], [0_u64; SECTIONS_MAX]);
        for ((section, offset), length) in self.sections.iter().zip(&mut offsets).zip(&mut lengths)
        {
            *offset = (HEADER_LEN + body.len()) as u64;
            *length = section.content.len() as u64;
            body.extend_from_slice(&(section.kind as u16).to_be_bytes());
            body.extend_from_slice(&0_u16.to_be_bytes());
            body.extend_from_slice(&length.to_be_bytes());
            body.extend_from_slice(&section.content);
        }
        let mut file = self.header(count as u16, &offsets, &lengths);
        let crc = crc32(&[&file, &body]);
        file.extend_from_slice(&crc.to_be_bytes());
        file.append(&mut body);
        Ok(file)
    }

    /// The header up to its last field, the CRC.
    fn header(&self, count: u16, offsets: &[u64], lengths: &[u64]) -> Vec<u8> {
        let flags = match self.architecture {
            Architecture::X86_64 => 0,
            Architecture::Aarch64 => AARCH64,
        };
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&VERSION.to_be_bytes());
        header.extend_from_slice(&flags.to_be_bytes());
        header.extend_from_slice(&self.default_memory.to_be_bytes());
        header.extend_from_slice(&self.default_cpus.to_be_bytes());
        header.extend_from_slice(&0_u16.to_be_bytes());
        header.extend_from_slice(&count.to_be_bytes());
        for number in offsets.iter().chain(lengths) {
            header.extend_from_slice(&number.to_be_bytes());
        }
        header.extend_from_slice(&0_u32.to_be_bytes());
        header
    }
}
