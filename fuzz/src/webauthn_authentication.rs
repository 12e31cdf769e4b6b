use permafrost_enclave::webauthn::{
    Authenticated, AuthenticationResponse, CoseKey, Passkey, authenticate,
};

use crate::passkey::{check_error, json, parts, relying_party};

/// A login with the passkey of WebAuthn Level 3 section 16.7: its JSON form if the input begins with `{`, or the client data, the
/// authenticator data and the signature.
///
/// That passkey signed only once: an accepted login says what it signed.
pub fn webauthn_authentication(data: &[u8]) -> bool {
    let (text, given) = if data.first() == Some(&b'{') {
        (data.to_vec(), None)
    } else {
        let Some([client_data, authenticator_data, signature]) = parts(data) else {
            return false;
        };
        let members = [
            ("clientDataJSON", client_data),
            ("authenticatorData", authenticator_data),
            ("signature", signature),
        ];
        let given = Some((client_data, authenticator_data));
        (json(&CREDENTIAL, &members), given)
    };
    let key = CoseKey::from_bytes(KEY).expect("the vector's key");
    let passkey = Passkey {
        credential_id: &CREDENTIAL,
        user_handle: b"user",
        public_key: &key,
        sign_count: 0,
        backup_eligible: true,
    };
    let accepted = AuthenticationResponse::from_json(&text)
        .and_then(|response| authenticate(&relying_party(), &CHALLENGE, &response, &passkey));
    match accepted {
        Ok(authenticated) => {
            let honest = Authenticated {
                sign_count: 0,
                backed_up: false,
            };
            assert_eq!(authenticated, honest);
            if let Some((client_data, authenticator_data)) = given {
                assert_eq!(client_data, CLIENT_DATA.as_bytes());
                assert_eq!(authenticator_data[32..], [0x0d, 0, 0, 0, 0]);
            }
            true
        }
        Err(error) => {
            check_error(&error);
            false
        }
    }
}

const CREDENTIAL: [u8; 32] = [
    0xc9, 0xa6, 0xf5, 0xb3, 0x46, 0x2d, 0x02, 0x87, 0x3f, 0xea, 0x0c, 0x56, 0x86, 0x22, 0x34, 0xf9,
    0x9f, 0x08, 0x17, 0x28, 0x08, 0x4e, 0x51, 0x1b, 0xb7, 0x76, 0x02, 0x01, 0xa8, 0x90, 0x54, 0xa5,
];

const CHALLENGE: [u8; 32] = [
    0xb1, 0x10, 0x6f, 0xa4, 0x6a, 0x57, 0xbe, 0xf1, 0x78, 0x15, 0x11, 0xc0, 0x55, 0x7d, 0xc8, 0x98,
    0xa0, 0x34, 0x13, 0xd5, 0xf0, 0xf1, 0x7d, 0x24, 0x46, 0x30, 0xc1, 0x94, 0xc7, 0xe1, 0xad, 0xb5,
];

const KEY: &[u8] = &[
    0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20, 0x1c, 0xf2, 0x7f, 0x25, 0xda, 0x59,
    0x12, 0x08, 0xa4, 0x23, 0x9c, 0x2e, 0x32, 0x4f, 0x10, 0x4f, 0x58, 0x55, 0x25, 0x47, 0x9a, 0x29,
    0xed, 0xee, 0xdd, 0x83, 0x0f, 0x48, 0xe7, 0x7a, 0xea, 0xe5, 0x22, 0x58, 0x20, 0x59, 0xe4, 0xb7,
    0xda, 0x6c, 0x01, 0x06, 0xe2, 0x06, 0xce, 0x39, 0x0c, 0x93, 0xab, 0x98, 0xa1, 0x5a, 0x5e, 0xc3,
    0x88, 0x7e, 0x57, 0xf0, 0xcc, 0x2b, 0xec, 0xe8, 0x03, 0xb9, 0x20, 0xc4, 0x23,
];

const CLIENT_DATA: &str = r#"{"type":"webauthn.get","challenge":"sRBvpGpXvvF4FRHAVX3ImKA0E9Xw8X0kRjDBlMfhrbU","origin":"https://example.org","crossOrigin":false,"extraData":"clientDataJSON may be extended with additional fields in the future, such as this: AZMwyMxIbD8-uguFNp6r8Q"}"#;
