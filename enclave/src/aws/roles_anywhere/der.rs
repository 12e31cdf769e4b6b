//! DER (ITU-T X.690), as much of it as our certificates have.

/// An element: its identifier, its length, its contents of less than 65,536 bytes.
pub(super) fn element(identifier: u8, contents: &[u8]) -> Vec<u8> {
    let [.., high, low] = contents.len().to_be_bytes();
    let mut bytes = match contents.len() {
        0..=0x7f => vec![identifier, low],
        0x80..=0xff => vec![identifier, 0x81, low],
        _ => vec![identifier, 0x82, high, low],
    };
    bytes.extend(contents);
    bytes
}

pub(super) fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &elements.concat())
}

pub(super) fn set(elements: &[Vec<u8>]) -> Vec<u8> {
    element(0x31, &elements.concat())
}

/// A number of no sign: big-endian without zeros before it, except one where the first bit is set.
pub(super) fn integer(big_endian: &[u8]) -> Vec<u8> {
    let zeros = big_endian.iter().take_while(|byte| **byte == 0).count();
    let digits = big_endian.get(zeros..).unwrap_or_default();
    let needs_zero = digits.first().is_none_or(|first| first & 0x80 != 0);
    let mut contents = vec![0; usize::from(needs_zero)];
    contents.extend(digits);
    element(0x02, &contents)
}

/// Bits that fill whole bytes, but for the last `unused` of them.
pub(super) fn bit_string(unused: u8, bytes: &[u8]) -> Vec<u8> {
    element(0x03, &[&[unused], bytes].concat())
}

pub(super) fn octet_string(bytes: &[u8]) -> Vec<u8> {
    element(0x04, bytes)
}

/// An object identifier, whose contents are encoded already.
pub(super) fn object_identifier(contents: &[u8]) -> Vec<u8> {
    element(0x06, contents)
}

pub(super) fn utf8_string(text: &str) -> Vec<u8> {
    element(0x0c, text.as_bytes())
}

pub(super) const TRUE: [u8; 3] = [0x01, 0x01, 0xff];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_as_few_bytes_as_they_can() {
        for (length, begin) in [
            (0, vec![4, 0]),
            (127, vec![4, 127]),
            (128, vec![4, 0x81, 128]),
            (255, vec![4, 0x81, 255]),
            (256, vec![4, 0x82, 1, 0]),
            (65_535, vec![4, 0x82, 255, 255]),
        ] {
            let element = octet_string(&vec![7; length]);
            assert_eq!(element, [begin, vec![7; length]].concat());
        }
    }

    #[test]
    fn numbers_have_as_few_bytes_as_they_can_and_no_sign() {
        for (number, expected) in [
            (0_u32, vec![2, 1, 0]),
            (1, vec![2, 1, 1]),
            (127, vec![2, 1, 127]),
            (128, vec![2, 2, 0, 128]),
            (256, vec![2, 2, 1, 0]),
            (0x8000_0000, vec![2, 5, 0, 0x80, 0, 0, 0]),
        ] {
            assert_eq!(integer(&number.to_be_bytes()), expected);
        }
    }
}
