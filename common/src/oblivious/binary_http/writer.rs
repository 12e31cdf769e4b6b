//! Numbers and byte strings, at the end of a message.

use http::HeaderMap;

/// A number in its shortest form (RFC 9000 section 16).
pub(super) fn integer(to: &mut Vec<u8>, number: usize) {
    let bytes = (number as u64).to_be_bytes();
    let (mark, length) = match number {
        0..0x40 => (0, 1),
        0x40..0x4000 => (0x40, 2),
        0x4000..0x4000_0000 => (0x80, 4),
        // Nothing that memory holds comes near 2^62.
        _ => (0xc0, 8),
    };
    let start = to.len();
    to.extend(bytes.iter().skip(8 - length));
    if let Some(first) = to.get_mut(start) {
        *first |= mark;
    }
}

/// Bytes with their length before them.
pub(super) fn prefixed(to: &mut Vec<u8>, bytes: &[u8]) {
    integer(to, bytes.len());
    to.extend(bytes);
}

/// The field section, the content, and no trailers (RFC 9292 section 3.1), every length written out.
pub(super) fn fields_and_content(to: &mut Vec<u8>, fields: &HeaderMap, content: &[u8]) {
    let mut section = Vec::new();
    for (name, value) in fields {
        prefixed(&mut section, name.as_str().as_bytes());
        prefixed(&mut section, value.as_bytes());
    }
    prefixed(to, &section);
    prefixed(to, content);
    integer(to, 0);
}
