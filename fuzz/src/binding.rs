use permafrost_common::binding::Binding;

/// `user_data` of an attestation document, as bytes.
///
/// An accepted binding has only one encoding: the input.
pub fn binding(data: &[u8]) -> bool {
    let Ok(binding) = Binding::from_user_data(data) else {
        return false;
    };
    assert_eq!(
        binding.to_user_data(),
        data,
        "a second encoding of {binding:?}"
    );
    true
}
