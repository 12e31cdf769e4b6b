//! A user as the API shows it: everything except what only the enclave needs.

use permafrost_common::api::people as api;

use super::user::{Passkey, Recovery};
use super::{People, User, UserId};
use crate::webauthn::CoseKey;

impl People {
    pub(super) fn user_view(&self, user: &User) -> api::User {
        let now = self.now();
        let sessions = user
            .sessions
            .iter()
            .filter(|session| now.as_secs() < session.expires_at);
        let guardians = &user.guardians;
        api::User {
            id: user.id().to_string(),
            owner: self.owner(user.id()),
            created_at: user.created_at,
            passkeys: user.passkeys.iter().map(passkey).collect(),
            sessions: sessions
                .map(|session| self.session_view(user, session))
                .collect(),
            policy: user.policy.view(),
            recovery_codes: user.recovery_codes.len(),
            guardians: (guardians.threshold > 0).then(|| api::Guardians {
                threshold: guardians.threshold,
                users: guardians
                    .users
                    .iter()
                    .map(|id| UserId(**id).to_string())
                    .collect(),
            }),
            recoveries: user.recoveries.iter().map(recovery).collect(),
            activity: user
                .activity
                .iter()
                .rev()
                .map(|happened| api::Activity {
                    at: happened.at,
                    what: happened.what.clone(),
                    detail: happened.detail.clone(),
                })
                .collect(),
        }
    }
}

pub(super) fn passkey(passkey: &Passkey) -> api::Passkey {
    api::Passkey {
        id: hex::encode(passkey.id()),
        name: passkey.name.clone(),
        status: match passkey.active {
            true => api::PasskeyStatus::Active,
            false => api::PasskeyStatus::Pending,
        },
        algorithm: CoseKey::from_bytes(&passkey.key)
            .map(|key| key.algorithm().to_string())
            .unwrap_or_default(),
        public_key_digest: hex::encode(passkey.key_digest()),
        aaguid: hex::encode(*passkey.aaguid),
        backup_eligible: passkey.backup_eligible,
        backed_up: passkey.backed_up,
        added_at: passkey.added_at,
        used_at: passkey.used_at,
    }
}

pub(super) fn recovery(recovery: &Recovery) -> api::Recovery {
    api::Recovery {
        id: hex::encode(*recovery.id),
        passkey_name: recovery.passkey.name.clone(),
        public_key_digest: hex::encode(recovery.passkey.key_digest()),
        started_at: recovery.started_at,
        approvals: recovery.approvals.len(),
        ready_at: recovery.ready_at,
    }
}
