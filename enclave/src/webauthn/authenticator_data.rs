//! Authenticator data: what the authenticator says about itself, the user and a new credential (WebAuthn Level 3 section 6.1).

use ciborium::Value;

use super::{CREDENTIAL_ID_BYTES, CoseKey, RelyingParty, WebauthnError, cbor};

/// Authenticator data, parsed.
pub(super) struct AuthenticatorData<'a> {
    rp_id_hash: [u8; 32],
    pub(super) flags: Flags,
    pub(super) sign_count: u32,
    /// Attested credential data: present if flag AT is set.
    pub(super) credential: Option<AttestedCredential<'a>>,
}

/// A credential that the authenticator made (section 6.5.1).
pub(super) struct AttestedCredential<'a> {
    pub(super) aaguid: [u8; 16],
    pub(super) id: &'a [u8],
    pub(super) public_key: CoseKey,
}

/// The flags; reserved bits are ignored.
#[derive(Clone, Copy)]
pub(super) struct Flags(u8);

impl<'a> AuthenticatorData<'a> {
    /// Parses the data to its last byte: nothing may follow what the flags announce.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, WebauthnError> {
        let mut rest = bytes;
        let rp_id_hash = *array(&mut rest)?;
        let [flags] = *array(&mut rest)?;
        let flags = Flags(flags);
        let sign_count = u32::from_be_bytes(*array(&mut rest)?);
        let credential = match flags.has(ATTESTED_CREDENTIAL) {
            true => Some(AttestedCredential::take(&mut rest)?),
            false => None,
        };
        if flags.has(EXTENSIONS) {
            rest = skip_extensions(rest)?;
        }
        match rest.len() {
            0 => Ok(Self {
                rp_id_hash,
                flags,
                sign_count,
                credential,
            }),
            found => Err(WebauthnError::TrailingBytes { part: PART, found }),
        }
    }

    /// Checks that the authenticator acted for this relying party, with the user present and verified.
    pub(super) fn check(&self, relying_party: &RelyingParty) -> Result<(), WebauthnError> {
        relying_party.check_id_hash(&self.rp_id_hash)?;
        if !self.flags.has(USER_PRESENT) {
            return Err(WebauthnError::UserPresence);
        }
        if !self.flags.has(USER_VERIFIED) {
            return Err(WebauthnError::UserVerification);
        }
        if self.flags.backed_up() && !self.flags.backup_eligible() {
            return Err(WebauthnError::BackupState);
        }
        Ok(())
    }
}

impl<'a> AttestedCredential<'a> {
    fn take(rest: &mut &'a [u8]) -> Result<Self, WebauthnError> {
        let aaguid = *array(rest)?;
        let length = usize::from(u16::from_be_bytes(*array(rest)?));
        if !CREDENTIAL_ID_BYTES.contains(&length) {
            return Err(WebauthnError::Length {
                part: "the credential id",
                unit: "bytes",
                found: length,
                min: *CREDENTIAL_ID_BYTES.start(),
                max: *CREDENTIAL_ID_BYTES.end(),
            });
        }
        let (id, behind) = rest
            .split_at_checked(length)
            .ok_or_else(|| truncated(length, rest))?;
        let (public_key, behind) = CoseKey::first(behind)?;
        *rest = behind;
        Ok(Self {
            aaguid,
            id,
            public_key,
        })
    }
}

impl Flags {
    /// Whether the credential can be copied to other devices (BE).
    pub(super) fn backup_eligible(self) -> bool {
        self.has(BACKUP_ELIGIBLE)
    }

    /// Whether the credential is copied now (BS).
    pub(super) fn backed_up(self) -> bool {
        self.has(BACKED_UP)
    }

    fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

/// Extension outputs: one map with texts as keys (section 9.5). Their content is ignored, since no extensions are requested.
fn skip_extensions(bytes: &[u8]) -> Result<&[u8], WebauthnError> {
    let part = "the map of extension outputs";
    let (value, rest) = cbor::first(part, bytes)?;
    match cbor::map(part, value)?
        .iter()
        .find(|(key, _)| !matches!(key, Value::Text(_)))
    {
        None => Ok(rest),
        Some((key, _)) => Err(WebauthnError::Shape {
            part,
            found: format!("one with {} as a key", cbor::kind(key)),
            accepted: "one with texts as keys",
        }),
    }
}

fn array<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], WebauthnError> {
    let (array, behind) = rest.split_first_chunk().ok_or_else(|| truncated(N, rest))?;
    *rest = behind;
    Ok(array)
}

fn truncated(needed: usize, rest: &[u8]) -> WebauthnError {
    WebauthnError::Truncated {
        part: PART,
        needed,
        found: rest.len(),
    }
}

const PART: &str = "the authenticator data";

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED_CREDENTIAL: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;
