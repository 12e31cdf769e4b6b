//! The bodies about people: users, passkeys, sessions, links and recovery (docs/people.md).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Key;

/// The header that carries a passkey's response: base64url without padding of [`PasskeyResponse`] as JSON.
pub const PASSKEY_HEADER: &str = "passkey-response";

/// The header of every request of a session: `sha-256=` and the 64 hex digits of the device facts declared at login.
pub const DEVICE_HEADER: &str = "device-facts";

/// The longest name of a passkey, in bytes of UTF-8.
pub const PASSKEY_NAME_MAX: usize = 64;

/// The longest device facts, in bytes of UTF-8.
pub const DEVICE_FACTS_MAX: usize = 512;

/// `POST /v1/challenges`: what a passkey is to approve.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChallenge {
    /// The `operationId` of the request that the passkey will approve, e.g. `register`, `login` or `rotate_key`.
    pub purpose: String,
}

/// One part of a challenge. The client makes the challenge itself, from this part and the request to be approved.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Challenge {
    /// 56 bytes. Valid for one approval, at this boot, for this purpose.
    pub nonce: String,
    /// Seconds since 1970, by the enclave's clock.
    pub expires_at: u64,
    /// The user handle of a new user, 16 bytes; only for the purpose `register`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_handle: Option<String>,
    /// The relying party's id.
    pub rp_id: String,
    /// The attestation to request from the authenticator of a new passkey.
    pub attestation: Conveyance,
}

/// What must vouch for the authenticator of a new passkey: `AttestationConveyancePreference` of WebAuthn Level 3 section 5.4.7.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Conveyance {
    /// Nothing.
    None,
    /// Its vendor, by a certificate under a root of the measured configuration.
    Direct,
}

/// A passkey's response: the content of the header `Passkey-Response`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyResponse {
    /// The nonce of the [`Challenge`].
    pub nonce: String,
    /// `RegistrationResponseJSON` or `AuthenticationResponseJSON` of WebAuthn Level 3.
    #[schema(value_type = Object)]
    pub response: serde_json::Value,
}

/// The session that a registration or a login opens.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// The key that verifies its requests: `ecdsa-p256-sha256:` and 130 hex digits, or `ed25519:` and 64.
    pub public_key: String,
    /// What the client says about the device: 0 to 512 bytes of text, shown to the user, and never trusted.
    #[serde(default)]
    pub device: String,
    /// The part of what the user may do that the session may do. Left out: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// A limit on what the user may do. A member that is left out limits nothing.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Only these operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<String>>,
    /// Only these keys, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<String>>,
    /// Only these kinds of Nostr events (NIP-01).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nostr_kinds: Option<Vec<u16>>,
}

/// `POST /v1/users`: a new user, with a passkey, a key and a session.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// The passkey's name: 1 to 64 bytes of text.
    pub passkey_name: String,
    /// The first session.
    pub session: NewSession,
}

/// A new user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Registered {
    /// The user.
    pub user: User,
    /// The first session.
    pub session: Session,
    /// The user's key.
    pub key: Key,
}

/// A login.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct LoggedIn {
    /// The user.
    pub user: User,
    /// The new session.
    pub session: Session,
}

/// A user, as the user sees it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct User {
    /// The user handle, 16 bytes, which guardians and recovery sheets use to name the user.
    pub id: String,
    /// The owner's name of the user's keys.
    pub owner: String,
    /// Seconds since 1970.
    pub created_at: u64,
    /// The passkeys, pending ones included.
    pub passkeys: Vec<Passkey>,
    /// The sessions that have not expired.
    pub sessions: Vec<Session>,
    /// How the user narrows what the deployment allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Scope>,
    /// How many recovery codes are left.
    pub recovery_codes: usize,
    /// The users who may approve a recovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardians: Option<Guardians>,
    /// The recoveries in progress.
    pub recoveries: Vec<Recovery>,
    /// The user's activity, the newest first; at most 100 entries.
    pub activity: Vec<Activity>,
}

/// A passkey, except for what only the enclave needs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Passkey {
    /// The first 16 bytes of the SHA-256 of the credential id.
    pub id: String,
    /// 1 to 64 bytes of text.
    pub name: String,
    /// Whether it may log in.
    pub status: PasskeyStatus,
    /// `ES256`, `EdDSA` or `RS256`.
    pub algorithm: String,
    /// The SHA-256 of its COSE public key, 32 bytes: what two devices compare when one is linked.
    pub public_key_digest: String,
    /// The authenticator's model, 16 bytes; zero if the authenticator does not say.
    pub aaguid: String,
    /// Whether it may be synchronised to other devices.
    pub backup_eligible: bool,
    /// Whether it is.
    pub backed_up: bool,
    /// Seconds since 1970.
    pub added_at: u64,
    /// Seconds since 1970; 0 before the first use.
    pub used_at: u64,
}

/// Whether a passkey may log in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PasskeyStatus {
    /// It may.
    Active,
    /// It waits for the approval of a passkey that may.
    Pending,
}

/// A session, without its key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Session {
    /// The `keyid` of its requests.
    pub id: String,
    /// The passkey that logged in.
    pub passkey: String,
    /// What the client said about the device.
    pub device: String,
    /// SHA-256 over credential, AAGUID, transports and device facts, 32 bytes: a hint, not a boundary.
    pub fingerprint: String,
    /// Seconds since 1970.
    pub created_at: u64,
    /// Seconds since 1970: at most 15 minutes later, with or without requests.
    pub expires_at: u64,
    /// The scope that it is narrowed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// `POST /v1/passkeys/{id}/approve`: which pending passkey to approve.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovePasskey {
    /// Its `public_key_digest`, as the other device shows it.
    pub public_key_digest: String,
}

/// `POST /v1/passkeys/{id}/name`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenamePasskey {
    /// 1 to 64 bytes of text.
    pub name: String,
}

/// A code by which another device offers a passkey to this user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Link {
    /// 20 of `A-Z 2-7` in four groups, 100 bits.
    pub code: String,
    /// Seconds since 1970.
    pub expires_at: u64,
}

/// `POST /v1/links/open`: finds the user of a code.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenLink {
    /// The code; spaces, hyphens and case do not matter.
    pub code: String,
}

/// The user that a new passkey is for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct LinkOpened {
    /// The user handle, 16 bytes.
    pub user_handle: String,
    /// Seconds since 1970.
    pub expires_at: u64,
}

/// `POST /v1/links/passkey`: offers a new passkey to the user of the code.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferPasskey {
    /// The code.
    pub code: String,
    /// The passkey's name: 1 to 64 bytes of text.
    pub passkey_name: String,
}

/// Ten recovery codes, shown once.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// Each 20 of `A-Z 2-7` in four groups, 100 bits.
    pub codes: Vec<String>,
}

/// `POST /v1/guardians`: users of whom a threshold may together start a recovery.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Guardians {
    /// How many of them must approve: 1 to the number of users; 0 with no users.
    pub threshold: u8,
    /// Their user ids, 0 to 10, all different and not the user's own.
    pub users: Vec<String>,
}

/// `POST /v1/recoveries`: a new passkey for a user who has lost theirs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRecovery {
    /// The user id.
    pub user: String,
    /// A recovery code; left out if guardians are to approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The new passkey's name: 1 to 64 bytes of text.
    pub passkey_name: String,
}

/// A recovery in progress.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Recovery {
    /// 16 bytes.
    pub id: String,
    /// The new passkey's name.
    pub passkey_name: String,
    /// The SHA-256 of the new passkey's COSE public key, 32 bytes.
    pub public_key_digest: String,
    /// Seconds since 1970.
    pub started_at: u64,
    /// How many guardians have approved, if it waits for them.
    pub approvals: usize,
    /// When it may be completed, seconds since 1970; absent while it waits for guardians.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<u64>,
}

/// `POST /v1/recoveries/{id}/approve` by a guardian, and `POST /v1/recoveries/{id}/complete`: which recovery.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryOf {
    /// The id of the user who is recovered.
    pub user: String,
    /// The recovery's `public_key_digest`, so that no one approves another passkey than the one they were shown.
    pub public_key_digest: String,
}

/// One entry of a user's activity.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub struct Activity {
    /// Seconds since 1970.
    pub at: u64,
    /// What happened: `registered`, `logged_in`, `passkey_added`, ...
    pub what: String,
    /// Which passkey, session or recovery.
    pub detail: String,
}
