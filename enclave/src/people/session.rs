//! Sessions: a login registers the browser's key, which expires after 15 minutes at most.

use std::sync::Arc;
use std::time::Duration;

use ciborium::Value;
use permafrost_common::api::people::{
    DEVICE_FACTS_MAX, LoggedIn, NewSession, Session as SessionView, User as UserView,
};
use permafrost_common::http_signature::{PublicKey, SignedRequest};
use permafrost_common::problem::{Problem, ProblemType};
use serde_bytes::ByteArray;

use super::approval::active;
use super::scope::Narrowing;
use super::user::{Passkey, Session};
use super::{Approval, People, User, UserId, random};
use crate::auth::{Authenticator, Charge};
use crate::hash::{sha256, sha256_of};
use crate::principal::{Caller, Person};

/// The prefix of the `keyid` of every session.
const PREFIX: &str = "session.";

/// Whether a `keyid` is that of a session.
pub fn is_session(keyid: &str) -> bool {
    keyid.starts_with(PREFIX)
}

/// The user of the session that a request names, as the store gave it.
pub struct NamedSession {
    user: Arc<User>,
    session: [u8; 8],
}

impl NamedSession {
    pub(super) fn user(&self) -> &User {
        &self.user
    }
}

impl People {
    /// Logs a user in: a passkey signs exactly this request, which names the session's key.
    pub async fn login(&self, new: NewSession, approval: &Approval) -> Result<LoggedIn, Problem> {
        let draft = Draft::parse(new, "")?;
        let assertion = self.assertion(approval)?;
        let id = assertion
            .1
            .user_handle()
            .and_then(|handle| handle.try_into().ok())
            .map(UserId)
            .ok_or_else(|| {
                let detail = "the response has no user handle of 16 bytes; accepted: a discoverable credential of this deployment";
                Problem::new(ProblemType::PasskeyUnknown, detail)
            })?;
        // Only the user may learn whether the user exists.
        let user = self
            .user(id)
            .await
            .map_err(|problem| match problem.kind() {
                Some(ProblemType::UserNotFound) => {
                    Problem::new(ProblemType::PasskeyUnknown, "no user has this passkey")
                }
                _ => problem,
            })?;
        let passkey = active(&user.value, assertion.1.credential_id())?;
        let now = self.now();
        let used = self.check_assertion(approval, &assertion, id, passkey, now)?;
        let session = self.session(&draft, passkey, now)?;
        let (_, user) = self
            .change(id, |user, now| {
                user.passkey_used(&used, now)?;
                user.open_session(session.clone(), now.as_secs());
                user.note(now.as_secs(), "logged_in", hex::encode(*session.id));
                Ok(())
            })
            .await?;
        Ok(LoggedIn {
            session: self.session_view(&user.value, &session),
            user: self.user_view(&user.value),
        })
    }

    /// The user of the session that a request names. One round trip to the store; nothing is judged yet.
    pub async fn named_session(&self, keyid: &str) -> Result<NamedSession, Problem> {
        let (place, session) = parse_keyid(keyid).ok_or_else(ended)?;
        let user = self.records.users.get(&place).await?.ok_or_else(ended)?;
        Ok(NamedSession {
            user: user.value,
            session,
        })
    }

    /// Judges a request that a session has signed; `now` is read after the store gave the session.
    pub fn judge_session(
        &self,
        named: &NamedSession,
        (request, device): (&SignedRequest, Option<&str>),
        (authenticator, charge): (&Authenticator, Charge),
        now: Duration,
    ) -> Result<Caller, Problem> {
        let user = named.user();
        let session = user
            .session(&named.session, now.as_secs())
            .ok_or_else(ended)?;
        let key: PublicKey = session.key.parse().map_err(|_| {
            Problem::new(
                ProblemType::RecordInvalid,
                "the record of a session has no valid key",
            )
        })?;
        authenticator.check_signature(request, &key, now)?;
        check_device(session, device)?;
        let mut policy = self.config.policy.clone();
        user.policy.apply(&mut policy);
        session.scope.apply(&mut policy);
        let presence = self.visitors.presence(user.id(), now)?;
        authenticator.admit(request, &presence.requests, charge, now)?;
        Ok(Caller {
            name: self.owner(user.id()),
            policy,
            person: Some(Person {
                user: user.id(),
                session: *session.id,
            }),
            least_version: None,
        })
    }

    /// Ends a session of the user who sent the request, which may be the very session that signed it.
    pub async fn end_session(&self, person: Person, keyid: &str) -> Result<UserView, Problem> {
        let not_found = || {
            let detail = "none of the user's sessions has this id";
            Problem::new(ProblemType::SessionNotFound, detail)
        };
        let (place, id) = parse_keyid(keyid).ok_or_else(not_found)?;
        if place != self.place(person.user) {
            return Err(not_found());
        }
        let (_, user) = self
            .change(person.user, |user, now| {
                let before = user.sessions.len();
                user.sessions.retain(|session| *session.id != id);
                if user.sessions.len() == before {
                    return Err(not_found());
                }
                user.note(now.as_secs(), "session_ended", hex::encode(id));
                Ok(())
            })
            .await?;
        Ok(self.user_view(&user.value))
    }

    pub(super) fn session(
        &self,
        draft: &Draft,
        passkey: &Passkey,
        now: Duration,
    ) -> Result<Session, Problem> {
        Ok(Session {
            id: ByteArray::new(random()?),
            key: draft.key.to_string(),
            scope: draft.scope.clone(),
            device: draft.device.clone(),
            passkey: ByteArray::new(passkey.id()),
            created_at: now.as_secs(),
            expires_at: now.as_secs() + self.config.session_s,
            fingerprint: ByteArray::new(fingerprint(passkey, &draft.device)),
        })
    }

    pub(super) fn session_view(&self, user: &User, session: &Session) -> SessionView {
        SessionView {
            id: format!(
                "{PREFIX}{}.{}",
                self.place(user.id()),
                hex::encode(*session.id)
            ),
            passkey: hex::encode(*session.passkey),
            device: session.device.clone(),
            fingerprint: hex::encode(*session.fingerprint),
            created_at: session.created_at,
            expires_at: session.expires_at,
            scope: session.scope.view(),
        }
    }
}

/// A requested session.
pub(super) struct Draft {
    key: PublicKey,
    device: String,
    scope: Narrowing,
}

impl Draft {
    /// `field` is the JSON pointer of the session in the request.
    pub(super) fn parse(new: NewSession, field: &str) -> Result<Self, Problem> {
        let key = new.public_key.parse().map_err(|_| {
            Problem::field(
                format!("{field}/public_key"),
                format!("{} bytes", new.public_key.len()),
                "ecdsa-p256-sha256: with 130 hex digits, or ed25519: with 64",
            )
        })?;
        if new.device.len() > DEVICE_FACTS_MAX {
            return Err(Problem::field(
                format!("{field}/device"),
                format!("{} bytes", new.device.len()),
                "0 to 512 bytes",
            ));
        }
        Ok(Self {
            key,
            device: new.device,
            scope: Narrowing::parse(new.scope, &format!("{field}/scope"))?,
        })
    }
}

/// The place of the user's record, and the session.
fn parse_keyid(keyid: &str) -> Option<(String, [u8; 8])> {
    let (place, id) = keyid.strip_prefix(PREFIX)?.split_once('.')?;
    let is_place = place.len() == 32
        && place
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut session = [0; 8];
    hex::decode_to_slice(id, &mut session).ok()?;
    (is_place && hex::encode(session) == id).then(|| (place.to_owned(), session))
}

fn ended() -> Problem {
    let detail = "the session has expired, was ended or never existed; accepted: a new login";
    Problem::new(ProblemType::SessionEnded, detail)
}

/// The client declares these facts itself. A change of them is a hint that someone else has the key, not a proof.
fn check_device(session: &Session, header: Option<&str>) -> Result<(), Problem> {
    let expected = format!("sha-256={}", hex::encode(sha256(session.device.as_bytes())));
    if header == Some(expected.as_str()) {
        return Ok(());
    }
    Err(Problem::new(
        ProblemType::DeviceChanged,
        "the header Device-Facts is missing, or differs from the facts that the login declared; accepted: the same facts, or a new login",
    ))
}

fn fingerprint(passkey: &Passkey, device: &str) -> [u8; 32] {
    let transports = passkey
        .transports
        .iter()
        .map(|text| Value::from(text.as_str()));
    sha256_of(vec![
        Value::from("permafrost device"),
        Value::Bytes(passkey.credential_id.to_vec()),
        Value::Bytes(passkey.aaguid.to_vec()),
        Value::Array(transports.collect()),
        Value::from(device),
    ])
}
