use permafrost_common::oblivious::KeyConfiguration;

/// A list of key configurations (RFC 9458 section 3.2).
///
/// An accepted list has a key that can be encoded as a list of its own, and is found again in that list.
pub fn oblivious_keys(data: &[u8]) -> bool {
    let Ok(configuration) = KeyConfiguration::first_usable(data) else {
        return false;
    };
    let again = KeyConfiguration::first_usable(&configuration.to_list());
    assert_eq!(again, Ok(configuration));
    true
}
