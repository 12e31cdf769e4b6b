//! A user: passkeys, sessions, and everything for their recovery. One sealed record holds all of it, so that a store that hides or
//! rolls back one part hides or rolls back the whole, and is caught.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};
use zeroize::Zeroizing;

use super::scope::Narrowing;
use crate::principal::UserId;
use crate::records::Record;

/// The most passkeys of a user, pending ones included.
pub(super) const PASSKEYS_MAX: usize = 16;

/// The most sessions of a user at once; a further login ends the oldest.
pub(super) const SESSIONS_MAX: usize = 16;

/// How many entries of a user's activity are kept.
pub(super) const ACTIVITY_MAX: usize = 100;

/// The version of the encoding.
const VERSION: u8 = 1;

/// Everything about a user. Deterministic CBOR (RFC 8949 section 4.2.1) of a map with exactly these entries, in this order.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    v: u8,
    pub(super) id: ByteArray<{ UserId::LEN }>,
    /// How the user narrows what the deployment allows.
    pub(super) policy: Narrowing,
    pub(super) activity: Vec<Happened>,
    /// When wrong recovery codes were tried, seconds since 1970.
    pub(super) failures: Vec<u64>,
    pub(super) passkeys: Vec<Passkey>,
    pub(super) sessions: Vec<Session>,
    pub(super) guardians: Guardians,
    pub(super) created_at: u64,
    pub(super) recoveries: Vec<Recovery>,
    pub(super) recovery_codes: Vec<CodeHash>,
    /// Recoveries that were cancelled or completed: none of them begins again.
    pub(super) ended_recoveries: Vec<Ended>,
}

/// A passkey.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Passkey {
    /// As the authenticator wrote it: a COSE key.
    pub(super) key: ByteBuf,
    pub(super) name: String,
    pub(super) aaguid: ByteArray<16>,
    pub(super) active: bool,
    pub(super) used_at: u64,
    pub(super) added_at: u64,
    pub(super) backed_up: bool,
    pub(super) sign_count: u32,
    pub(super) transports: Vec<String>,
    pub(super) credential_id: ByteBuf,
    pub(super) backup_eligible: bool,
}

/// A session.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    pub(super) id: ByteArray<8>,
    /// The key that verifies its requests, as configurations write it.
    pub(super) key: String,
    pub(super) scope: Narrowing,
    pub(super) device: String,
    /// The id of the passkey that logged in.
    pub(super) passkey: ByteArray<16>,
    pub(super) created_at: u64,
    pub(super) expires_at: u64,
    pub(super) fingerprint: ByteArray<32>,
}

/// Users of whom a threshold may together start a recovery.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Guardians {
    pub(super) users: Vec<ByteArray<{ UserId::LEN }>>,
    pub(super) threshold: u8,
}

/// A recovery in progress: a passkey that will become the user's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recovery {
    pub(super) id: ByteArray<16>,
    pub(super) passkey: Passkey,
    /// When it may be completed; `None` while it waits for guardians.
    pub(super) ready_at: Option<u64>,
    pub(super) approvals: Vec<ByteArray<{ UserId::LEN }>>,
    pub(super) started_at: u64,
}

/// A recovery that is over.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ended {
    pub(super) at: u64,
    pub(super) id: ByteArray<16>,
}

/// The Argon2id hash that a recovery code is compared with.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeHash {
    pub(super) hash: ByteArray<32>,
    pub(super) salt: ByteArray<16>,
    /// The digit that the code begins with.
    pub(super) number: u8,
}

/// One entry of a user's activity.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Happened {
    pub(super) at: u64,
    pub(super) what: String,
    pub(super) detail: String,
}

impl User {
    /// A user who has a passkey and nothing else.
    pub(super) fn new(id: UserId, passkey: Passkey, now: u64) -> Self {
        Self {
            v: VERSION,
            id: ByteArray::new(id.0),
            policy: Narrowing::default(),
            activity: Vec::new(),
            failures: Vec::new(),
            passkeys: vec![passkey],
            sessions: Vec::new(),
            guardians: Guardians::default(),
            created_at: now,
            recoveries: Vec::new(),
            recovery_codes: Vec::new(),
            ended_recoveries: Vec::new(),
        }
    }

    /// The user's id.
    pub fn id(&self) -> UserId {
        UserId(*self.id)
    }

    /// The passkey with this credential id, whether it may log in or not.
    pub(super) fn passkey(&self, credential_id: &[u8]) -> Option<&Passkey> {
        self.passkeys
            .iter()
            .find(|passkey| *passkey.credential_id == credential_id)
    }

    /// How many passkeys may log in.
    pub(super) fn active_passkeys(&self) -> usize {
        self.passkeys
            .iter()
            .filter(|passkey| passkey.active)
            .count()
    }

    /// The session, if it has not expired.
    pub(super) fn session(&self, id: &[u8; 8], now: u64) -> Option<&Session> {
        self.sessions
            .iter()
            .find(|session| *session.id == *id && now < session.expires_at)
    }

    /// Adds a session, and drops those that have expired, and the oldest if there is no room.
    pub(super) fn open_session(&mut self, session: Session, now: u64) {
        self.sessions.retain(|session| now < session.expires_at);
        let too_many = (self.sessions.len() + 1).saturating_sub(SESSIONS_MAX);
        self.sessions.drain(..too_many);
        self.sessions.push(session);
    }

    /// Adds an entry to the user's activity, and drops the oldest if there is no room.
    pub(super) fn note(&mut self, now: u64, what: &str, detail: impl Into<String>) {
        let too_many = (self.activity.len() + 1).saturating_sub(ACTIVITY_MAX);
        self.activity.drain(..too_many);
        self.activity.push(Happened {
            at: now,
            what: what.to_owned(),
            detail: detail.into(),
        });
    }
}

impl Record for User {
    const KIND: &'static str = "user";

    fn encode(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        to_cbor(self)
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        from_cbor(bytes, VERSION, |user: &Self| user.v)
    }
}

/// The encoding of a record whose fields stand in their deterministic order.
pub(super) fn to_cbor<T: Record + Serialize>(record: &T) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    ciborium::into_writer(record, &mut *bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// Reads a record of this version in exactly that encoding.
pub(super) fn from_cbor<T: Record + Serialize + DeserializeOwned>(
    bytes: &[u8],
    version: u8,
    version_of: impl Fn(&T) -> u8,
) -> Result<T, String> {
    let kind = T::KIND;
    let record: T = ciborium::from_reader(bytes)
        .map_err(|_| format!("not a record of a {kind}, version {version}"))?;
    let came = version_of(&record);
    if came != version {
        return Err(format!(
            "version {came} of a {kind}; this program reads version {version}"
        ));
    }
    // Comparing whole encodings also refuses bytes after the map.
    match *to_cbor(&record)? == bytes {
        true => Ok(record),
        false => Err(format!("the {kind} is not in its canonical encoding")),
    }
}
