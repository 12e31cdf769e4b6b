//! The authentication ceremony.

use aws_lc_rs::digest::{SHA256, digest};

use super::{
    AuthenticationResponse, CHALLENGE_LEN, CoseKey, RelyingParty, WebauthnError,
    authenticator_data::AuthenticatorData, client_data::ClientData,
};

/// What is known of a registered passkey.
#[derive(Clone, Copy, Debug)]
pub struct Passkey<'a> {
    /// The credential's id.
    pub credential_id: &'a [u8],
    /// The handle of the user who owns it: 1 to 64 bytes.
    pub user_handle: &'a [u8],
    /// The key that verifies its assertions.
    pub public_key: &'a CoseKey,
    /// The signature counter of its last assertion, or of its registration.
    pub sign_count: u32,
    /// Whether it can be copied to other devices, according to its registration.
    pub backup_eligible: bool,
}

/// What an accepted assertion changes about its passkey. The caller stores it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Authenticated {
    /// The signature counter from now on.
    pub sign_count: u32,
    /// Whether the passkey is copied to other devices now (flag BS).
    pub backed_up: bool,
}

/// Checks an assertion (WebAuthn Level 3 section 7.2, from step 5 on).
///
/// It is of this passkey and, if it names a user, of this user; the client data is of type `webauthn.get`, has `challenge`, and
/// comes from an origin of the relying party, from a page that is not embedded; the authenticator acted for this RP ID and the
/// user was present and verified; the passkey's key signed all of it. The signature counter is checked last: unless both are 0,
/// the new one must be greater (section 6.1.1).
///
/// The caller must ensure that `challenge` was issued for this and is used once; that the user was identified before (step 6), if
/// the response has no user handle ([`AuthenticationResponse::user_handle`]); and that the counter is stored.
///
/// # Errors
/// The first rule that is broken.
pub fn authenticate(
    relying_party: &RelyingParty,
    challenge: &[u8; CHALLENGE_LEN],
    response: &AuthenticationResponse,
    passkey: &Passkey<'_>,
) -> Result<Authenticated, WebauthnError> {
    if response.credential_id != passkey.credential_id {
        return Err(WebauthnError::OtherCredential);
    }
    if response
        .user_handle()
        .is_some_and(|handle| handle != passkey.user_handle)
    {
        return Err(WebauthnError::UserHandle);
    }
    let client_data = ClientData::parse(&response.client_data)?;
    client_data.check("webauthn.get", challenge, relying_party)?;

    let data = AuthenticatorData::parse(&response.authenticator_data)?;
    if data.credential.is_some() {
        return Err(WebauthnError::CredentialPresent);
    }
    data.check(relying_party)?;
    if data.flags.backup_eligible() != passkey.backup_eligible {
        return Err(WebauthnError::BackupEligibility {
            found: data.flags.backup_eligible(),
            accepted: passkey.backup_eligible,
        });
    }
    let message = signed_message(&response.authenticator_data, &response.client_data);
    passkey.public_key.verify(&message, &response.signature)?;
    check_counter(data.sign_count, passkey.sign_count)?;
    Ok(Authenticated {
        sign_count: data.sign_count,
        backed_up: data.flags.backed_up(),
    })
}

/// What assertions and self attestations sign: the authenticator data and the SHA-256 of the client data.
pub(super) fn signed_message(authenticator_data: &[u8], client_data: &[u8]) -> Vec<u8> {
    [authenticator_data, digest(&SHA256, client_data).as_ref()].concat()
}

fn check_counter(found: u32, stored: u32) -> Result<(), WebauthnError> {
    if found > stored || (found, stored) == (0, 0) {
        return Ok(());
    }
    Err(WebauthnError::CounterWentBack { found, stored })
}
