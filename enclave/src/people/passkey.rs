//! The passkeys of a user: named, approved, revoked.

use std::time::Duration;

use permafrost_common::api::people::{ApprovePasskey, PASSKEY_NAME_MAX, User as UserView};
use permafrost_common::problem::{Problem, ProblemType};
use serde_bytes::{ByteArray, ByteBuf};

use super::user::{PASSKEYS_MAX, Passkey};
use super::{Approved, People, User};
use crate::hash::sha256;
use crate::principal::Person;
use crate::webauthn::NewPasskey;

/// How long a passkey that another device offers waits for approval, in seconds.
const PENDING_S: u64 = 600;

impl People {
    /// Gives a passkey another name.
    pub async fn rename_passkey(
        &self,
        person: Person,
        id: &str,
        name: &str,
    ) -> Result<UserView, Problem> {
        check_name(name, "/name")?;
        let (_, user) = self
            .change(person.user, |user, now| {
                user.passkey_by_id(id)?.name = name.to_owned();
                user.note(now.as_secs(), "passkey_renamed", id);
                Ok(())
            })
            .await?;
        Ok(self.user_view(&user.value))
    }

    /// Activates a passkey that another device has offered, after an active one has signed that it is this very passkey.
    pub async fn approve_passkey(
        &self,
        approved: &Approved,
        id: &str,
        request: &ApprovePasskey,
    ) -> Result<UserView, Problem> {
        self.change_approved(approved, ("passkey_added", id), |user, now| {
                user.forget_offers(now);
                let passkey = user.passkey_by_id(id)?;
                if hex::encode(passkey.key_digest()) != request.public_key_digest {
                    return Err(Problem::new(
                        ProblemType::PasskeyUnknown,
                        "the passkey of this id has another public key than the request approves; nothing was done",
                    ));
                }
                passkey.active = true;
                Ok(())
            })
            .await
    }

    /// Revokes a passkey, and ends every session that it opened.
    pub async fn revoke_passkey(&self, approved: &Approved, id: &str) -> Result<UserView, Problem> {
        self.change_approved(approved, ("passkey_revoked", id), |user, _| {
                let passkey = user.passkey_by_id(id)?;
                let (gone, was_active) = (passkey.id(), passkey.active);
                if was_active && user.active_passkeys() == 1 && !user.can_be_recovered() {
                    return Err(Problem::new(
                        ProblemType::LastPasskey,
                        "it is the only passkey, and the user has no recovery codes and no guardians; accepted: once the user has one of these",
                    ));
                }
                user.passkeys.retain(|passkey| passkey.id() != gone);
                user.sessions.retain(|session| *session.passkey != gone);
                Ok(())
            })
            .await
    }
}

impl Passkey {
    /// A passkey as it was registered.
    pub(super) fn new(made: &NewPasskey, name: &str, active: bool, now: Duration) -> Self {
        Self {
            key: ByteBuf::from(made.public_key.as_bytes().to_vec()),
            name: name.to_owned(),
            aaguid: ByteArray::new(made.aaguid),
            active,
            used_at: 0,
            added_at: now.as_secs(),
            backed_up: made.backed_up,
            sign_count: made.sign_count,
            transports: made.transports.clone(),
            credential_id: ByteBuf::from(made.credential_id.clone()),
            backup_eligible: made.backup_eligible,
        }
    }

    /// Its id in the API: the first 16 bytes of the SHA-256 of its credential id.
    pub(super) fn id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(sha256(&self.credential_id)) {
            *to = from;
        }
        id
    }

    /// The SHA-256 of its COSE key.
    pub(super) fn key_digest(&self) -> [u8; 32] {
        sha256(&self.key)
    }
}

impl User {
    /// Adds a passkey, if there is room.
    pub(super) fn add_passkey(&mut self, passkey: Passkey, now: Duration) -> Result<(), Problem> {
        self.forget_offers(now);
        if self.passkeys.len() >= PASSKEYS_MAX {
            let detail =
                format!("the user has {PASSKEYS_MAX} passkeys; accepted: after one is revoked");
            return Err(Problem::new(ProblemType::TooMany, detail));
        }
        self.passkeys.push(passkey);
        Ok(())
    }

    fn passkey_by_id(&mut self, id: &str) -> Result<&mut Passkey, Problem> {
        self.passkeys
            .iter_mut()
            .find(|passkey| hex::encode(passkey.id()) == id)
            .ok_or_else(|| {
                let detail = "none of the user's passkeys has this id";
                Problem::new(ProblemType::PasskeyNotFound, detail)
            })
    }

    /// Drops offers that were not approved in time.
    fn forget_offers(&mut self, now: Duration) {
        let now = now.as_secs();
        self.passkeys
            .retain(|passkey| passkey.active || now < passkey.added_at + PENDING_S);
    }

    fn can_be_recovered(&self) -> bool {
        !self.recovery_codes.is_empty() || self.guardians.threshold > 0
    }
}

/// 1 to 64 bytes without control characters.
pub(super) fn check_name(name: &str, field: &str) -> Result<(), Problem> {
    if (1..=PASSKEY_NAME_MAX).contains(&name.len()) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let came = format!("{} bytes, perhaps with a control character", name.len());
    let accepted = "1 to 64 bytes of text without control characters";
    Err(Problem::field(field, came, accepted))
}
