use permafrost_enclave::kms::recipient::{CIPHERTEXT_FOR_RECIPIENT_MAX, EnvelopedData};

/// A `CiphertextForRecipient`: CMS EnvelopedData in BER.
///
/// An accepted value is within the limit and, encoded again in DER, has the same parts. The error for a refused value is short.
pub fn ciphertext_for_recipient(data: &[u8]) -> bool {
    let enveloped = match EnvelopedData::parse(data) {
        Ok(enveloped) => enveloped,
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() <= 300, "{text}");
            return false;
        }
    };
    assert!(data.len() <= CIPHERTEXT_FOR_RECIPIENT_MAX);
    let ciphertext = enveloped.ciphertext();
    assert!(!ciphertext.is_empty() && ciphertext.len().is_multiple_of(16));
    let der = der(&enveloped);
    // There is no shorter encoding.
    assert!(der.len() <= data.len());
    assert_eq!(EnvelopedData::parse(&der).as_ref(), Ok(&enveloped));
    true
}

fn der(enveloped: &EnvelopedData<'_>) -> Vec<u8> {
    let version = element(0x02, &[&[2]]);
    let sha256 = element(0x30, &[SHA256]);
    let mgf1 = element(0x30, &[MGF1, &sha256]);
    let oaep = element(
        0x30,
        &[&element(0xa0, &[&sha256]), &element(0xa1, &[&mgf1])],
    );
    let recipient = element(
        0x30,
        &[
            &version,
            &element(0x80, &[enveloped.recipient()]),
            &element(0x30, &[RSAES_OAEP, &oaep]),
            &element(0x04, &[enveloped.encrypted_key()]),
        ],
    );
    let iv = element(0x04, &[enveloped.iv()]);
    let content = element(
        0x30,
        &[
            DATA,
            &element(0x30, &[AES256_CBC, &iv]),
            &element(0x80, &[enveloped.ciphertext()]),
        ],
    );
    let recipients = element(0x31, &[&recipient]);
    let enveloped = element(0x30, &[&version, &recipients, &content]);
    element(0x30, &[ENVELOPED_DATA, &element(0xa0, &[&enveloped])])
}

fn element(identifier: u8, contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let length = contents.len();
    let mut element = vec![identifier];
    match length {
        0..0x80 => element.push(length as u8),
        0x80..0x100 => element.extend([0x81, length as u8]),
        _ => element.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    element.extend(contents);
    element
}

const ENVELOPED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
const DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const RSAES_OAEP: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07";
const MGF1: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";
const SHA256: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
const AES256_CBC: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2a";
