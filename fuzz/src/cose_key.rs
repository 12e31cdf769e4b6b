use permafrost_enclave::webauthn::CoseKey;

/// A passkey's public key: a COSE_Key in CTAP2 canonical CBOR.
///
/// What is accepted has one encoding, the bytes that came, and takes no signature of nobody's.
pub fn cose_key(data: &[u8]) -> bool {
    let Ok(key) = CoseKey::from_bytes(data) else {
        return false;
    };
    assert_eq!(key.as_bytes(), data);
    for length in [0, 64, 72, data.len()] {
        let signature = vec![0; length];
        assert!(key.verify(b"message", &signature).is_err(), "a forgery");
    }
    true
}
