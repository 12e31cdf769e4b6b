use permafrost_enclave::keys::KeyRecord;

/// A key record: the plaintext of a sealed record.
///
/// An accepted record has one encoding in its version: the input, or that of the second version, which then decodes to itself.
pub fn key_record(data: &[u8]) -> bool {
    let Ok(record) = KeyRecord::decode(data) else {
        return false;
    };
    let encoding = record.encode().expect("what decodes can be encoded");
    let is_first = data.get(1..4) == Some(&[0x61, b'v', 1]);
    let again = match is_first {
        true => KeyRecord::decode(&encoding).and_then(|record| record.encode()),
        false => Ok(data.to_vec().into()),
    };
    assert!(
        again.is_ok_and(|again| *again == *encoding),
        "a second encoding of key {:?}",
        record.id()
    );
    true
}
