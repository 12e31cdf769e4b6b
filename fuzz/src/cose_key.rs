use permafrost_enclave::webauthn::CoseKey;

/// A passkey's public key: a COSE_Key in CTAP2 canonical CBOR.
///
/// An accepted key has one encoding, the input, and does not verify a signature that no private key made.
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
