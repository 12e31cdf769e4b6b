//! What a principal may do. Anything that its policy does not name is denied.

use std::collections::BTreeSet;

use permafrost_common::problem::{Problem, ProblemType};
use serde::Deserialize;

use crate::keys::{Payload, PayloadKind};

/// An operation, as policies name it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "snake_case")]
pub enum OperationName {
    /// `POST /v1/keys`
    CreateKey,
    /// `GET /v1/keys`
    ListKeys,
    /// `GET /v1/keys/{id}`
    ShowKey,
    /// `POST /v1/keys/{id}/sign`
    Sign,
    /// `POST /v1/keys/{id}/rotate`
    RotateKey,
    /// `POST /v1/keys/{id}/replace`
    ReplaceKey,
    /// `POST /v1/keys/{id}/disable`
    DisableKey,
    /// `GET /v1/root`
    ShowRoot,
    /// `POST /v1/root/rotate`
    RotateRoot,
    /// `POST /v1/root/reseal`
    ResealRecords,
    /// `POST /v1/root/retire`
    RetireRoot,
    /// `GET /v1/user`
    ShowUser,
    /// `POST /v1/user/policy`
    SetPolicy,
    /// `POST /v1/sessions/{id}/end`
    EndSession,
    /// `POST /v1/passkeys/{id}/name`
    RenamePasskey,
    /// `POST /v1/passkeys/{id}/approve`
    ApprovePasskey,
    /// `POST /v1/passkeys/{id}/revoke`
    RevokePasskey,
    /// `POST /v1/links`
    CreateLink,
    /// `POST /v1/recovery-codes`
    CreateRecoveryCodes,
    /// `POST /v1/guardians`
    SetGuardians,
    /// `POST /v1/recoveries/{id}/approve`
    ApproveRecovery,
    /// `POST /v1/recoveries/{id}/cancel`
    CancelRecovery,
}

impl OperationName {
    /// What every user may do with their own account, and no other principal may.
    pub const OF_PEOPLE: [Self; 11] = [
        Self::ShowUser,
        Self::SetPolicy,
        Self::EndSession,
        Self::RenamePasskey,
        Self::ApprovePasskey,
        Self::RevokePasskey,
        Self::CreateLink,
        Self::CreateRecoveryCodes,
        Self::SetGuardians,
        Self::ApproveRecovery,
        Self::CancelRecovery,
    ];

    /// Whether it is about a user's own account.
    pub fn is_of_people(self) -> bool {
        Self::OF_PEOPLE.contains(&self)
    }

    /// Whether it is about the root secret.
    pub fn is_of_the_root(self) -> bool {
        matches!(
            self,
            Self::ShowRoot | Self::RotateRoot | Self::ResealRecords | Self::RetireRoot
        )
    }

    /// Whether a user has to approve each such request with a passkey.
    pub fn needs_a_passkey(self) -> bool {
        matches!(
            self,
            Self::RotateKey
                | Self::ReplaceKey
                | Self::DisableKey
                | Self::SetPolicy
                | Self::ApprovePasskey
                | Self::RevokePasskey
                | Self::CreateRecoveryCodes
                | Self::SetGuardians
                | Self::ApproveRecovery
        )
    }

    /// The operation of this name.
    pub fn parse(name: &str) -> Option<Self> {
        let name = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name);
        Self::deserialize(name).ok()
    }

    /// The name as policies and the API description write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateKey => "create_key",
            Self::ListKeys => "list_keys",
            Self::ShowKey => "show_key",
            Self::Sign => "sign",
            Self::RotateKey => "rotate_key",
            Self::ReplaceKey => "replace_key",
            Self::DisableKey => "disable_key",
            Self::ShowRoot => "show_root",
            Self::RotateRoot => "rotate_root",
            Self::ResealRecords => "reseal_records",
            Self::RetireRoot => "retire_root",
            Self::ShowUser => "show_user",
            Self::SetPolicy => "set_policy",
            Self::EndSession => "end_session",
            Self::RenamePasskey => "rename_passkey",
            Self::ApprovePasskey => "approve_passkey",
            Self::RevokePasskey => "revoke_passkey",
            Self::CreateLink => "create_link",
            Self::CreateRecoveryCodes => "create_recovery_codes",
            Self::SetGuardians => "set_guardians",
            Self::ApproveRecovery => "approve_recovery",
            Self::CancelRecovery => "cancel_recovery",
        }
    }
}

/// Which keys a principal may use.
///
/// In the configuration: `"own"`, `"all"` or a list of key ids.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(try_from = "ScopeText")]
pub enum KeyScope {
    /// Those it made.
    #[default]
    Own,
    /// All keys but those of people.
    All,
    /// Those listed by id, whichever principal made them.
    Listed(BTreeSet<String>),
    /// Those of the listed keys that it made. Only for sessions.
    OwnAmong(BTreeSet<String>),
}

/// What a principal may do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    /// The operations it may ask for.
    pub operations: BTreeSet<OperationName>,
    /// The keys it may use.
    pub keys: KeyScope,
    /// The kinds of payload it may have signed.
    pub payloads: BTreeSet<PayloadKind>,
    /// The kinds of Nostr events it may have signed; `None`: all.
    pub nostr_kinds: Option<BTreeSet<u16>>,
    /// How many requests it may make in a minute.
    pub requests_per_minute: u32,
}

impl Policy {
    /// Whether the operation is allowed at all.
    pub fn check_operation(&self, operation: OperationName) -> Result<(), Problem> {
        if self.operations.contains(&operation) {
            return Ok(());
        }
        Err(denied(format!(
            "the operation {} is not among those allowed",
            operation.as_str()
        )))
    }

    /// Whether the principal `name` may see a key.
    pub fn allows_key(&self, name: &str, id: &str, owner: &str) -> bool {
        match &self.keys {
            KeyScope::Own => name == owner,
            KeyScope::All => !is_of_a_user(owner),
            KeyScope::Listed(ids) => ids.contains(id),
            KeyScope::OwnAmong(ids) => name == owner && ids.contains(id),
        }
    }

    /// Whether the payload may be signed.
    pub fn check_payload(&self, payload: &Payload) -> Result<(), Problem> {
        let kind = payload.kind();
        if !self.payloads.contains(&kind) {
            return Err(denied(format!(
                "payloads of kind {} are not among those allowed",
                kind.as_str()
            )));
        }
        match (&self.nostr_kinds, payload.nostr_kind()) {
            (Some(allowed), Some(kind)) if !allowed.contains(&kind) => Err(denied(format!(
                "Nostr events of kind {kind} are not among those allowed"
            ))),
            _ => Ok(()),
        }
    }
}

/// What the name of every user begins with, as the owner of keys. No principal of the configuration has such a name.
pub(crate) const USER_PREFIX: &str = "user.";

fn is_of_a_user(owner: &str) -> bool {
    owner.starts_with(USER_PREFIX)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ScopeText {
    Word(String),
    Ids(BTreeSet<String>),
}

impl TryFrom<ScopeText> for KeyScope {
    type Error = String;

    fn try_from(text: ScopeText) -> Result<Self, String> {
        match text {
            ScopeText::Word(word) if word == "own" => Ok(Self::Own),
            ScopeText::Word(word) if word == "all" => Ok(Self::All),
            ScopeText::Word(word) => Err(format!(
                "keys: {word:?}; accepted: \"own\", \"all\" or a list of key ids"
            )),
            ScopeText::Ids(ids) => Ok(Self::Listed(ids)),
        }
    }
}

fn denied(detail: String) -> Problem {
    Problem::new(ProblemType::NotPermitted, detail)
}
