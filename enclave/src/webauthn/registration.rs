//! The registration ceremony.

use std::time::Duration;

use super::{
    CHALLENGE_LEN, CoseKey, RegistrationResponse, RelyingParty, WebauthnError,
    attestation::AttestationObject, authenticator_data::AuthenticatorData, client_data::ClientData,
};

/// A passkey as its authenticator made it, checked by [`register`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewPasskey {
    /// The credential's id: 16 to 1023 bytes.
    pub credential_id: Vec<u8>,
    /// The key that verifies its assertions.
    pub public_key: CoseKey,
    /// The model of the authenticator, as the authenticator itself says; zeros if it does not say.
    pub aaguid: [u8; 16],
    /// The signature counter; 0 if the authenticator does not count.
    pub sign_count: u32,
    /// How the authenticator can be reached, according to the browser: at most 8 texts of at most 32 bytes, sorted, none twice.
    pub transports: Vec<String>,
    /// Whether it can be copied to other devices (flag BE): a synced passkey. It never changes.
    pub backup_eligible: bool,
    /// Whether it is copied now (flag BS).
    pub backed_up: bool,
}

/// Checks a registration (WebAuthn Level 3 section 7.1, from step 5 on).
///
/// The client data is of type `webauthn.create`, has `challenge`, and comes from an origin of the relying party, from a page that is
/// not embedded. The authenticator acted for this RP ID, the user was present and verified, and the credential that it made is the
/// one that the response names, with a key that [`CoseKey`] accepts. If the relying party has no
/// [`AttestationRoots`](super::AttestationRoots), the attestation statements `none` and `packed` with a signature of the credential's
/// own key (section 8.2, self attestation) are accepted; if it has some, only `packed` with certificates that lead to them at the
/// time `now`, since 1970.
///
/// The caller must ensure that `challenge` was issued for this and is used once, and that no passkey has this id yet (step 26).
///
/// # Errors
/// The first rule that is broken.
pub fn register(
    relying_party: &RelyingParty,
    challenge: &[u8; CHALLENGE_LEN],
    response: &RegistrationResponse,
    now: Duration,
) -> Result<NewPasskey, WebauthnError> {
    let client_data = ClientData::parse(&response.client_data)?;
    client_data.check("webauthn.create", challenge, relying_party)?;

    let object = AttestationObject::parse(&response.attestation_object)?;
    let data = AuthenticatorData::parse(&object.authenticator_data)?;
    data.check(relying_party)?;
    let credential = data.credential.ok_or(WebauthnError::CredentialMissing)?;
    if credential.id != response.credential_id {
        return Err(WebauthnError::CredentialMismatch);
    }
    let asked = relying_party.attestation_roots().map(|roots| (roots, now));
    let model = credential.aaguid;
    object.check_statement(&credential.public_key, &model, &response.client_data, asked)?;
    Ok(NewPasskey {
        credential_id: response.credential_id.clone(),
        public_key: credential.public_key,
        aaguid: credential.aaguid,
        sign_count: data.sign_count,
        transports: response.transports.clone(),
        backup_eligible: data.flags.backup_eligible(),
        backed_up: data.flags.backed_up(),
    })
}
