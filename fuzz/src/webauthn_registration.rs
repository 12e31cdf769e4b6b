use std::time::Duration;

use permafrost_enclave::webauthn::{
    AttestationRoots, CoseKey, NewPasskey, RegistrationResponse, RelyingParty, WebauthnError,
    register,
};

use crate::passkey::{check_error, json, parts, relying_party};

/// A registration: its JSON form if the input begins with `{`, or the credential's id, the client data and the attestation
/// object.
///
/// A registration that is accepted, by a relying party with or without attestation roots, is of the named credential, with a key
/// that has one encoding.
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
    let response = match RegistrationResponse::from_json(&text) {
        Ok(response) => response,
        Err(error) => {
            check_error(&error);
            return false;
        }
    };
    [
        register(&relying_party(), &SELF_ATTESTED, &response, IN_2026),
        register(&asking_vendors(), &VOUCHED_FOR, &response, IN_2026),
    ]
    .into_iter()
    .any(|outcome| check(&response, outcome))
}

fn check(response: &RegistrationResponse, outcome: Result<NewPasskey, WebauthnError>) -> bool {
    let passkey = match outcome {
        Ok(passkey) => passkey,
        Err(error) => {
            check_error(&error);
            return false;
        }
    };
    assert_eq!(passkey.credential_id, response.credential_id());
    assert!((16..=1023).contains(&passkey.credential_id.len()));
    let again = CoseKey::from_bytes(passkey.public_key.as_bytes());
    assert_eq!(again.as_ref(), Ok(&passkey.public_key));
    assert!(passkey.backup_eligible || !passkey.backed_up);
    assert!(passkey.transports.len() <= 8);
    assert!(passkey.transports.is_sorted_by(|one, next| one < next));
    true
}

/// With the root of section 16.1.
fn asking_vendors() -> RelyingParty {
    let root = include_bytes!("webauthn-level-3-root.der").to_vec();
    let roots = AttestationRoots::new(&[root.into()], None).expect("a certificate");
    relying_party().asking_for_attestation(roots)
}

/// The challenge of section 16.3.
const SELF_ATTESTED: [u8; 32] = [
    0x78, 0x69, 0xc2, 0xb7, 0x72, 0xd4, 0xb5, 0x8e, 0xba, 0x93, 0x78, 0xcf, 0x8f, 0x29, 0xe2, 0x6c,
    0xf9, 0x35, 0xaa, 0x77, 0xdf, 0x0d, 0xa8, 0x9f, 0xa9, 0x9c, 0x0b, 0xdc, 0x0a, 0x76, 0xf7, 0xe5,
];

/// The challenge of section 16.7.
const VOUCHED_FOR: [u8; 32] = [
    0xc1, 0x18, 0x4a, 0x5f, 0xdd, 0xf8, 0x04, 0x5e, 0x13, 0xdc, 0x47, 0xf5, 0x4b, 0x61, 0xf5, 0xa6,
    0x56, 0xb6, 0x66, 0xb5, 0x90, 0x18, 0xf1, 0x6d, 0x87, 0x0e, 0x92, 0x56, 0xe9, 0x95, 0x20, 0x12,
];

const IN_2026: Duration = Duration::from_secs(1_767_225_600);
