use permafrost_enclave::sealing::{DerivationRoot, Envelope, Place, RootSecret, RootSecrets, open};
use zeroize::Zeroizing;

/// A sealed record, as the parent's store gives it.
///
/// A record has one encoding, and only what was sealed opens: the worked example of `docs/formats.md`.
pub fn sealed_record(data: &[u8]) -> bool {
    if let Ok(envelope) = Envelope::decode(data) {
        assert_eq!(
            envelope.encode(),
            data,
            "a second encoding of a sealed record"
        );
    }
    let mut secret = Zeroizing::new([0; 32]);
    for (byte, value) in secret.iter_mut().zip(0..) {
        *byte = value;
    }
    let secrets = RootSecrets::new(
        1,
        RootSecret::new(secret),
        DerivationRoot::new(Zeroizing::new([0; 32])),
    );
    let place = Place {
        deployment: "example",
        kind: "key",
        id: "0123456789ab00112233445566778899aabbccddeeff",
        version: 2,
    };
    let Ok(plaintext) = open(&secrets, &place, data) else {
        return false;
    };
    assert_eq!(plaintext.as_slice(), b"the plaintext of a record");
    true
}
