use permafrost_enclave::keys::KeyRecord;

/// A key record: the plaintext of a sealed record.
///
/// An accepted record has one encoding: the input.
pub fn key_record(data: &[u8]) -> bool {
    let Ok(record) = KeyRecord::decode(data) else {
        return false;
    };
    let encoding = record.encode().expect("what decodes can be encoded");
    assert!(
        encoding.as_slice() == data,
        "a second encoding of key {:?}",
        record.id()
    );
    true
}
