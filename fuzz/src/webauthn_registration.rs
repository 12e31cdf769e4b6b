use std::time::Duration;

use permafrost_enclave::webauthn::{CoseKey, RegistrationResponse, register};

use crate::passkey::{check_error, json, parts, relying_party};

/// A registration: its JSON form where the input begins with `{`, or the credential's id, the client data and the attestation
/// object.
///
/// What is accepted is the named credential, with a key that has one encoding.
pub fn webauthn_registration(data: &[u8]) -> bool {
    let text = if data.first() == Some(&b'{') {
        data.to_vec()
    } else {
        let Some([id, client_data, object]) = parts(data) else {
            return false;
        };
        let members = [
            ("clientDataJSON", client_data),
            ("attestationObject", object),
        ];
        json(id, &members)
    };
    let accepted = RegistrationResponse::from_json(&text).and_then(|response| {
        let passkey = register(&relying_party(), &CHALLENGE, &response, Duration::ZERO)?;
        assert_eq!(passkey.credential_id, response.credential_id());
        Ok(passkey)
    });
    let passkey = match accepted {
        Ok(passkey) => passkey,
        Err(error) => {
            check_error(&error);
            return false;
        }
    };
    assert!((16..=1023).contains(&passkey.credential_id.len()));
    let again = CoseKey::from_bytes(passkey.public_key.as_bytes());
    assert_eq!(again.as_ref(), Ok(&passkey.public_key));
    assert!(passkey.backup_eligible || !passkey.backed_up);
    assert!(passkey.transports.len() <= 8);
    assert!(passkey.transports.is_sorted_by(|one, next| one < next));
    true
}

/// That of section 16.3.
const CHALLENGE: [u8; 32] = [
    0x78, 0x69, 0xc2, 0xb7, 0x72, 0xd4, 0xb5, 0x8e, 0xba, 0x93, 0x78, 0xcf, 0x8f, 0x29, 0xe2, 0x6c,
    0xf9, 0x35, 0xaa, 0x77, 0xdf, 0x0d, 0xa8, 0x9f, 0xa9, 0x9c, 0x0b, 0xdc, 0x0a, 0x76, 0xf7, 0xe5,
];
