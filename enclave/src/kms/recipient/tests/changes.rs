//! Values that were changed in transit.

use super::*;

#[test]
fn a_value_that_is_cut_off_is_refused() {
    let ber = kms_form(&Parts::any()).encode();
    for length in 0..ber.len() {
        EnvelopedData::parse(&ber[..length]).unwrap_err();
    }
    EnvelopedData::parse(&ber).unwrap();
}

#[test]
fn bytes_after_the_value_are_refused() {
    let mut ber = kms_form(&Parts::any()).encode();
    ber.extend([0, 0]);
    assert_eq!(
        EnvelopedData::parse(&ber).unwrap_err(),
        CmsError::Trailing {
            element: "the CiphertextForRecipient",
            length: 2
        }
    );
}

/// Every byte belongs to one of the four parts or must be as it is.
#[test]
fn a_changed_byte_changes_one_byte_of_one_part_or_is_refused() {
    let parts = Parts::any();
    let ber = kms_form(&parts).encode();
    let mut accepted = 0;
    for position in 0..ber.len() {
        for change in 1..=255 {
            let mut changed = ber.clone();
            changed[position] ^= change;
            let Ok(found) = Parts::parse(&changed) else {
                continue;
            };
            accepted += 1;
            let differences: usize = [
                (&found.recipient, &parts.recipient),
                (&found.encrypted_key, &parts.encrypted_key),
                (&found.iv, &parts.iv),
                (&found.ciphertext, &parts.ciphertext),
            ]
            .map(|(found, sent)| {
                assert_eq!(found.len(), sent.len(), "byte {position} by {change:#x}");
                found.iter().zip(sent).filter(|(a, b)| a != b).count()
            })
            .iter()
            .sum();
            assert_eq!(differences, 1, "byte {position} by {change:#x}");
        }
    }
    assert_eq!(accepted, (32 + 256 + 16 + 48) * 255);
}

/// AES-CBC has no integrity. A change may give another plaintext, never the same one.
#[test]
fn a_changed_byte_never_opens_to_the_same_plaintext() {
    let ber = kms_form(&Parts::seal(DATA_KEY)).encode();
    assert_eq!(KEY.open(&ber).unwrap().as_slice(), DATA_KEY);
    for position in 0..ber.len() {
        let mut changed = ber.clone();
        changed[position] ^= 1;
        if let Ok(plaintext) = KEY.open(&changed) {
            assert_ne!(plaintext.as_slice(), DATA_KEY, "byte {position}");
        }
    }
}

#[test]
fn a_changed_iv_gives_another_plaintext_of_the_same_length() {
    let mut parts = Parts::seal(DATA_KEY);
    parts.iv[3] ^= 0x55;
    let mut expected = *DATA_KEY;
    expected[3] ^= 0x55;
    let plaintext = KEY.open(&kms_form(&parts).encode()).unwrap();
    assert_eq!(plaintext.as_slice(), expected);
}
