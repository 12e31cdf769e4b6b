//! The record of the root secret, as the store gives it.

use permafrost_enclave::root::RootRecord;

/// A record that decodes encodes to the input.
pub fn root_record(input: &[u8]) -> bool {
    let Ok(record) = RootRecord::decode(input) else {
        return false;
    };
    assert_eq!(record.encode(), input);
    assert!(record.documents.len() <= 8 && (1..=6144).contains(&record.blob.len()));
    true
}
