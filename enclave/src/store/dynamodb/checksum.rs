//! `x-amz-crc32`: DynamoDB's checksum of a response's body (Developer Guide, "DynamoDB low-level API").
//!
//! TLS already authenticates the bytes; this finds those that were damaged before TLS had them. A response without the header is
//! accepted, as by AWS's own clients: what could take it away could as well compute another.

use crate::aws::Response;

use super::error::Fault;

/// Compares the body with the header.
pub(super) fn check(response: &Response) -> Result<(), Fault> {
    let Some(header) = &response.crc32 else {
        return Ok(());
    };
    let computed = crc32(&response.text);
    if header
        .to_str()
        .is_ok_and(|text| text == computed.to_string())
    {
        return Ok(());
    }
    Err(Fault::Checksum {
        came: header
            .as_bytes()
            .escape_ascii()
            .take(40)
            .map(char::from)
            .collect(),
        computed,
    })
}

/// CRC-32 as in ISO 3309 and zlib.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let index = (crc ^ u32::from(*byte)) & 0xff;
        // The index has eight bits.
        TABLE.get(index as usize).copied().unwrap_or_default() ^ (crc >> 8)
    };
    !bytes.iter().fold(u32::MAX, step)
}

static TABLE: [u32; 256] = table();

#[allow(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let (mut crc, mut bit) = (index as u32, 0);
        while bit < 8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms, and DynamoDB's own for `{}`.
    #[test]
    fn the_checksum_is_that_of_the_catalogue_and_of_dynamodb() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b"{}"), 2_745_614_147);
        assert_eq!(crc32(b""), 0);
    }
}
