//! Values that AWS KMS sent.

use std::fs;

use super::*;

fn published() -> Vec<(Vec<u8>, Parts)> {
    let path = concat!(
        env!("PERMAFROST_FIXTURES_DIR"),
        "/kms/ciphertext-for-recipient.json"
    );
    let values: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(values.len(), 2);
    values
        .iter()
        .map(|value| {
            let part = |name: &str| hex::decode(value[name].as_str().unwrap()).unwrap();
            let ber = part("ber");
            // The parts that are published do not name the recipient: 32 bytes after the identifier octets 80 20.
            let identifier = ber.windows(2).position(|bytes| bytes == [0x80, 0x20]);
            let identifier = identifier.unwrap() + 2;
            let parts = Parts {
                recipient: ber[identifier..identifier + 32].to_vec(),
                encrypted_key: part("encrypted_key"),
                iv: part("iv"),
                ciphertext: part("ciphertext"),
            };
            (ber, parts)
        })
        .collect()
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn what_kms_sent_has_the_published_parts() {
    for (ber, parts) in published() {
        assert_eq!(Parts::parse(&ber).unwrap(), parts);
    }
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn the_form_that_these_tests_begin_with_is_that_of_kms() {
    let published = published();
    let (ber, parts) = &published[0];
    assert_eq!(kms_form(parts).encode(), *ber);

    let (ber, parts) = &published[1];
    let mut value = kms_form(parts);
    *value.at(encoder::path::CIPHERTEXT) = Node::Primitive(0x80, parts.ciphertext.clone());
    assert_eq!(value.encode(), *ber);
}

#[test]
#[cfg_attr(not(fixtures), ignore = "PERMAFROST_FIXTURES not found")]
fn what_kms_sent_to_others_is_refused_by_the_name_of_their_key() {
    for (ber, parts) in published() {
        let expected = RecipientError::Recipient {
            found: hex::encode(parts.recipient),
            expected: hex::encode(digest(&SHA256, KEY.public_key_der())),
        };
        assert_eq!(KEY.open(&ber).unwrap_err(), expected);
    }
}
