//! Encodings of Ed25519 points that no honest key has.

/// Why 32 bytes are not a canonical encoding of a point of large order, as far as y alone shows.
pub(super) fn fault(bytes: &[u8; 32]) -> Option<&'static str> {
    let mut y = *bytes;
    y.reverse();
    // The highest bit is the sign of x.
    if let Some(top) = y.first_mut() {
        *top &= 0x7f;
    }
    if y >= PRIME {
        return Some("y is not below 2^255 - 19");
    }
    SMALL_ORDER_Y
        .contains(&y)
        .then_some("the point is of small order")
}

/// 2^255 - 19, big-endian.
const PRIME: [u8; 32] = ending_in(0x7f, 0xff, 0xed);

/// The y coordinates of the points of order 1, 2, 4 and 8 (two of them), big-endian.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    ending_in(0, 0, 1),
    ending_in(0x7f, 0xff, 0xec),
    [0; 32],
    [
        0x05, 0xfc, 0x53, 0x6d, 0x88, 0x02, 0x38, 0xb1, 0x39, 0x33, 0xc6, 0xd3, 0x05, 0xac, 0xdf,
        0xd5, 0xf0, 0x98, 0xef, 0xf2, 0x89, 0xf4, 0xc3, 0x45, 0xb0, 0x27, 0xb2, 0xc2, 0x8f, 0x95,
        0xe8, 0x26,
    ],
    [
        0x7a, 0x03, 0xac, 0x92, 0x77, 0xfd, 0xc7, 0x4e, 0xc6, 0xcc, 0x39, 0x2c, 0xfa, 0x53, 0x20,
        0x2a, 0x0f, 0x67, 0x10, 0x0d, 0x76, 0x0b, 0x3c, 0xba, 0x4f, 0xd8, 0x4d, 0x3d, 0x70, 0x6a,
        0x17, 0xc7,
    ],
];

/// 32 bytes: `first`, 30 times `middle`, `last`.
const fn ending_in(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

#[cfg(test)]
mod tests {
    use super::{
        super::{KeyError, PublicKey},
        *,
    };

    #[test]
    fn points_of_small_order_and_encodings_that_are_not_canonical_are_refused() {
        for weak in SMALL_ORDER_Y
            .into_iter()
            .chain([PRIME, ending_in(0x7f, 0xff, 0xff)])
        {
            for sign in [0, 0x80] {
                let mut bytes = weak;
                bytes.reverse();
                bytes[31] |= sign;
                assert!(matches!(
                    PublicKey::ed25519(&bytes),
                    Err(KeyError::InvalidPoint { .. })
                ));
            }
        }
    }
}
