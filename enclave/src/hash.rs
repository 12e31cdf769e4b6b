//! SHA-256, of bytes and of CBOR.

use aws_lc_rs::digest::{SHA256, digest};
use ciborium::Value;

/// SHA-256 of bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// SHA-256 of the CBOR array of these parts, an encoding that no other parts share (RFC 8949 section 4.2.1).
pub(crate) fn sha256_of(parts: Vec<Value>) -> [u8; 32] {
    let mut bytes = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = ciborium::into_writer(&Value::Array(parts), &mut bytes);
    sha256(&bytes)
}
