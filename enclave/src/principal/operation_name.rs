//! The operations that need a principal, as policies name them.

use serde::Deserialize;

/// An operation, as policies name it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "snake_case")]
pub enum OperationName {
    /// `POST /v1/keys` and `POST /v1/ceremonies`
    CreateKey,
    /// `POST /v1/keys:derive`
    DeriveKeys,
    /// `POST /v1/keys:import`
    ImportKey,
    /// `GET /v1/keys`
    ListKeys,
    /// `GET /v1/keys/{id}`, `GET /v1/keys/{id}/wallet`, `GET /v1/keys/{id}/certificate` and `GET /v1/keys/{id}/wrapped-shares`
    ShowKey,
    /// `POST /v1/keys/{id}/sign`, `POST /v1/keys/{id}/cosign` and `POST /v1/keys/{id}/aggregate`
    Sign,
    /// `POST /v1/keys/{id}/rotate` and `POST /v1/keys/{id}/refresh`
    RotateKey,
    /// `POST /v1/keys/{id}/replace`, `POST /v1/keys/{id}/cosign-replacement` and `POST /v1/keys/{id}/replacement`
    ReplaceKey,
    /// `POST /v1/keys/{id}/label`
    LabelKey,
    /// `POST /v1/keys/{id}/disable`
    DisableKey,
    /// `POST /v1/keys/{id}/delete`
    DeleteKey,
    /// `POST` and `GET /v1/ceremonies/{id}`, `POST /v1/ceremonies/{id}/abort`
    TakePart,
    /// `GET /v1/root`
    ShowRoot,
    /// `POST /v1/root/rotate`
    RotateRoot,
    /// `POST /v1/root/reseal`
    ResealRecords,
    /// `POST /v1/root/retire`
    RetireRoot,
    /// `GET /v1/store`
    ShowStore,
    /// `POST /v1/store/credentials`
    SetStoreCredentials,
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

    /// Whether it is about the root secret or the store: for administrators of the deployment.
    pub fn is_of_the_root(self) -> bool {
        matches!(
            self,
            Self::ShowRoot | Self::RotateRoot | Self::ResealRecords | Self::RetireRoot
        ) || self.is_of_the_store()
    }

    /// Whether it is about the store, and so served before the enclave has what the store keeps.
    pub fn is_of_the_store(self) -> bool {
        matches!(self, Self::ShowStore | Self::SetStoreCredentials)
    }

    /// Whether a user has to approve each such request with a passkey: every operation that changes something, unless it is named here.
    pub fn needs_a_passkey(self) -> bool {
        match self {
            Self::ListKeys | Self::ShowKey | Self::ShowUser => false,
            // Used all day: the policy, the session's scope and its lifetime limit these.
            Self::CreateKey | Self::Sign => false,
            // It shows public keys, and stores nothing.
            Self::DeriveKeys => false,
            // Of ceremonies that an admitted request began; their messages are signed by the participants that it named.
            Self::TakePart => false,
            // What a user who fears for the account must be able to do at once.
            Self::EndSession | Self::CancelRecovery => false,
            // Names; and a code with which nothing can be done without a further approval.
            Self::LabelKey | Self::RenamePasskey | Self::CreateLink => false,
            // Of no user: the measured configuration refuses them to people.
            Self::ShowRoot | Self::RotateRoot | Self::ResealRecords | Self::RetireRoot => false,
            Self::ShowStore | Self::SetStoreCredentials => false,
            _ => true,
        }
    }

    /// Whether it ends access that another may misuse: a session that floods the enclave with requests does not prevent it.
    pub fn ends_access(self) -> bool {
        matches!(
            self,
            Self::EndSession | Self::RevokePasskey | Self::CancelRecovery
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
            Self::DeriveKeys => "derive_keys",
            Self::ImportKey => "import_key",
            Self::ListKeys => "list_keys",
            Self::ShowKey => "show_key",
            Self::Sign => "sign",
            Self::RotateKey => "rotate_key",
            Self::ReplaceKey => "replace_key",
            Self::LabelKey => "label_key",
            Self::DisableKey => "disable_key",
            Self::DeleteKey => "delete_key",
            Self::TakePart => "take_part",
            Self::ShowRoot => "show_root",
            Self::RotateRoot => "rotate_root",
            Self::ResealRecords => "reseal_records",
            Self::RetireRoot => "retire_root",
            Self::ShowStore => "show_store",
            Self::SetStoreCredentials => "set_store_credentials",
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
