//! The key, and what does not open under it.

use aws_lc_rs::rsa::OAEP_SHA1_MGF1SHA1;

use super::*;

#[test]
fn the_public_key_fits_into_an_attestation_document() {
    let der = KEY.public_key_der();
    assert_eq!(der.len(), 294);
    let key = PublicEncryptingKey::from_der(der).unwrap();
    assert_eq!(key.key_size_bits(), 2048);
}

#[test]
fn no_two_keys_are_the_same() {
    let key = RecipientKey::generate().unwrap();
    assert_ne!(key.public_key_der(), KEY.public_key_der());
}

#[test]
fn a_key_is_printed_by_its_identifier_alone() {
    let identifier = hex::encode(digest(&SHA256, KEY.public_key_der()));
    assert_eq!(
        format!("{:?}", *KEY),
        format!("RecipientKey {{ identifier: {identifier:?}, .. }}")
    );
}

#[test]
fn plaintexts_of_every_length_open_up_to_the_most_that_kms_encrypts() {
    for length in [0, 1, 15, 16, 17, 31, 32, 33, 1024, PLAINTEXT_MAX] {
        let plaintext = vec![7; length];
        let ber = kms_form(&Parts::seal(&plaintext)).encode();
        assert_eq!(*KEY.open(&ber).unwrap(), plaintext);
    }
    let ber = kms_form(&Parts::seal(&[7; PLAINTEXT_MAX + 1])).encode();
    assert_eq!(KEY.open(&ber).unwrap_err(), RecipientError::Sealed);
}

#[test]
fn a_value_for_another_key_is_refused_by_its_name() {
    let mut parts = Parts::seal(DATA_KEY);
    parts.recipient = vec![0xab; 32];
    let error = KEY.open(&kms_form(&parts).encode()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&"ab".repeat(32)), "{text}");
    assert!(
        text.contains(&hex::encode(digest(&SHA256, KEY.public_key_der()))),
        "{text}"
    );
}

/// The error does not tell which of them failed.
#[test]
fn what_follows_from_the_private_key_is_one_error() {
    let ours = KEY.public_key_der();
    let other = RecipientKey::generate().unwrap();
    let good = Parts::seal(DATA_KEY);
    let with_key = |encrypted_key: Vec<u8>| Parts {
        encrypted_key,
        ..good.clone()
    };
    let oaep256 = &OAEP_SHA256_MGF1SHA256;
    let content_key = [0x5c; AES_256_KEY_LEN];
    let mut last_block = good.clone();
    // Of the block before the last: it changes the padding's last byte from 0x10.
    last_block.ciphertext[31] ^= 0x80;

    let cases = [
        (
            "another key",
            with_key(oaep(other.public_key_der(), oaep256, &content_key, None)),
        ),
        ("zeros", with_key(vec![0; 256])),
        ("more than the modulus", with_key(vec![0xff; 256])),
        (
            "OAEP with SHA-1",
            with_key(oaep(ours, &OAEP_SHA1_MGF1SHA1, &content_key, None)),
        ),
        (
            "a label",
            with_key(oaep(ours, oaep256, &content_key, Some(b"label"))),
        ),
        (
            "a short content key",
            with_key(oaep(ours, oaep256, &content_key[1..], None)),
        ),
        (
            "a long content key",
            with_key(oaep(ours, oaep256, &[0x5c; 33], None)),
        ),
        ("no content key", with_key(oaep(ours, oaep256, &[], None))),
        ("wrong padding", last_block),
    ];
    for (name, parts) in cases {
        let error = KEY.open(&kms_form(&parts).encode()).unwrap_err();
        assert_eq!(error, RecipientError::Sealed, "{name}");
    }
}

/// With a random key in its place, the padding of the content is right once in 256 times.
#[test]
fn a_content_key_that_does_not_open_never_gives_a_plaintext() {
    let mut parts = Parts::seal(DATA_KEY);
    parts.encrypted_key[255] ^= 1;
    let ber = kms_form(&parts).encode();
    for _ in 0..1024 {
        assert_eq!(KEY.open(&ber).unwrap_err(), RecipientError::Sealed);
    }
}
