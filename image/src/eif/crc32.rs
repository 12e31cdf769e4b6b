//! CRC-32 as in IEEE 802.3: reflected, polynomial 0x04c11db7, initial and final value inverted.

pub(super) fn crc32(parts: &[&[u8]]) -> u32 {
    let crc = parts
        .iter()
        .flat_map(|part| *part)
        .fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg())
            })
        });
    !crc
}

/// 0x04c11db7 with its bits reversed.
const POLYNOMIAL: u32 = 0xedb8_8320;

#[cfg(test)]
mod tests {
    #[test]
    fn the_catalogued_check_value_comes_out() {
        assert_eq!(super::crc32(&[b"1234", b"56789"]), 0xcbf4_3926);
    }
}
