//! Ramdisks: cpio archives in the "new ASCII" form that the kernel unpacks (Linux,
//! `Documentation/driver-api/early-userspace/buffer-format.rst`).
//!
//! The archives are deterministic: entries in the order of their names, time 0, owner and group 0.

use std::collections::{BTreeMap, BTreeSet};

/// A ramdisk's files: each path, without a leading slash, with its content and mode.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Files(BTreeMap<String, File>);

/// A regular file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct File {
    /// Its bytes.
    pub content: Vec<u8>,
    /// Whether it is executable: mode 0555, otherwise 0444.
    pub executable: bool,
}

/// An entry of an archive, as read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry<'a> {
    /// The path, as the archive spells it.
    pub path: &'a str,
    /// File type and permissions, as `stat` has them.
    pub mode: u32,
    /// Its bytes; none for a directory.
    pub content: &'a [u8],
}

/// Why some bytes are not an archive.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the ramdisk is not a cpio archive: no {expected} at byte {at}")]
pub struct CpioError {
    /// The offset from the beginning, in bytes.
    pub at: usize,
    /// What should have been there.
    pub expected: &'static str,
}

impl Files {
    /// Adds a file, or replaces the one with the same path.
    #[must_use]
    pub fn with(mut self, path: &str, content: Vec<u8>, executable: bool) -> Self {
        self.0.insert(
            path.to_owned(),
            File {
                content,
                executable,
            },
        );
        self
    }

    /// The archive, with the directories that the paths need, padded with zeros to 512 bytes.
    pub fn to_archive(&self) -> Vec<u8> {
        let directories = self
            .0
            .keys()
            .flat_map(|path| path.match_indices('/').map(|(end, _)| path.split_at(end).0));
        let mut out = Vec::new();
        // A directory's name is a prefix of every path in it, so it sorts first.
        let names: BTreeSet<&str> = directories
            .chain(self.0.keys().map(String::as_str))
            .collect();
        for (number, name) in (1..).zip(names) {
            match self.0.get(name) {
                Some(file) => {
                    let mode = REGULAR | if file.executable { 0o555 } else { 0o444 };
                    append(&mut out, number, name, mode, &file.content);
                }
                None => append(&mut out, number, name, DIRECTORY | 0o555, &[]),
            }
        }
        append(&mut out, 0, TRAILER, 0, &[]);
        pad(&mut out, 512);
        out
    }
}

/// Reads an archive: every entry up to the trailer, after which only zeros may follow.
///
/// # Errors
///
/// [`CpioError`] with the offset and what is missing there.
pub fn entries(archive: &[u8]) -> Result<Vec<Entry<'_>>, CpioError> {
    let mut reader = Reader { archive, at: 0 };
    let mut entries = Vec::new();
    loop {
        let entry = reader.entry()?;
        if entry.path == TRAILER {
            break;
        }
        entries.push(entry);
    }
    let rest = archive.get(reader.at..).unwrap_or_default();
    match rest.iter().position(|byte| *byte != 0) {
        Some(offset) => Err(CpioError {
            at: reader.at + offset,
            expected: "zero after the trailer",
        }),
        None => Ok(entries),
    }
}

fn append(out: &mut Vec<u8>, number: u32, name: &str, mode: u32, content: &[u8]) {
    let links = if mode & DIRECTORY == DIRECTORY { 2 } else { 1 };
    let (length, name_length) = (content.len(), name.len() + 1);
    // Owner, group, time and device numbers are zero, and so is the checksum, which this form does not use.
    let header = format!(
        "{MAGIC}{number:08x}{mode:08x}{0:08x}{0:08x}{links:08x}{0:08x}{length:08x}{0:08x}{0:08x}{0:08x}{0:08x}{name_length:08x}{0:08x}",
        0
    );
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    pad(out, ALIGNMENT);
    out.extend_from_slice(content);
    pad(out, ALIGNMENT);
}

fn pad(out: &mut Vec<u8>, to: usize) {
    out.resize(out.len().next_multiple_of(to), 0);
}

struct Reader<'a> {
    archive: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn entry(&mut self) -> Result<Entry<'a>, CpioError> {
        let at = self.at;
        if self.take(MAGIC.len(), "magic number 070701")? != MAGIC.as_bytes() {
            return Err(CpioError {
                at,
                expected: "magic number 070701",
            });
        }
        let mut fields = [0; 13];
        for field in &mut fields {
            *field = self.number()?;
        }
        let [_, mode, _, _, _, _, length, _, _, _, _, name_length, _] = fields;
        let name = self.take(name_length as usize, "name of that length")?;
        self.align();
        let content = self.take(length as usize, "content of that length")?;
        self.align();
        let path = name
            .strip_suffix(&[0])
            .and_then(|name| std::str::from_utf8(name).ok())
            .ok_or(CpioError {
                at,
                expected: "name in UTF-8 that ends in zero",
            })?;
        Ok(Entry {
            path,
            mode,
            content,
        })
    }

    fn number(&mut self) -> Result<u32, CpioError> {
        let expected = "number of 8 hex digits";
        let at = self.at;
        std::str::from_utf8(self.take(8, expected)?)
            .ok()
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or(CpioError { at, expected })
    }

    fn take(&mut self, length: usize, expected: &'static str) -> Result<&'a [u8], CpioError> {
        let taken = self
            .at
            .checked_add(length)
            .and_then(|end| self.archive.get(self.at..end))
            .ok_or(CpioError {
                at: self.at,
                expected,
            })?;
        self.at += length;
        Ok(taken)
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(ALIGNMENT);
    }
}

const MAGIC: &str = "070701";
const TRAILER: &str = "TRAILER!!!";
const ALIGNMENT: usize = 4;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

#[cfg(test)]
mod tests;
