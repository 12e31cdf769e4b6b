//! The actions that a statement names.

use std::fmt;

use super::wildcard;

/// One entry of `Action`: the name of an action, perhaps with wildcards. Names are case-insensitive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ActionPattern {
    written: String,
    lowercase: String,
}

impl ActionPattern {
    pub(crate) fn new(written: String) -> Self {
        Self {
            lowercase: written.to_ascii_lowercase(),
            written,
        }
    }

    /// Whether it covers an action such as `kms:Decrypt`.
    pub(crate) fn matches(&self, action: &str) -> bool {
        wildcard::matches(&self.lowercase, &action.to_ascii_lowercase())
    }

    /// The actions of KMS that it covers.
    pub(super) fn known(&self) -> impl Iterator<Item = &'static str> {
        ACTIONS.into_iter().filter(|action| self.matches(action))
    }

    /// Whether it names an action of KMS, perhaps one that this program does not know.
    pub(super) fn is_of_kms(&self) -> bool {
        self.lowercase.starts_with("kms:")
    }
}

impl fmt::Display for ActionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Every action of KMS (Service Authorization Reference, "Actions, resources, and condition keys for AWS Key Management
/// Service").
pub(super) const ACTIONS: [&str; 58] = [
    "kms:CancelKeyDeletion",
    "kms:ConnectCustomKeyStore",
    "kms:CreateAlias",
    "kms:CreateCustomKeyStore",
    "kms:CreateGrant",
    "kms:CreateKey",
    "kms:Decapsulate",
    "kms:Decrypt",
    "kms:DeleteAlias",
    "kms:DeleteCustomKeyStore",
    "kms:DeleteImportedKeyMaterial",
    "kms:DeriveSharedSecret",
    "kms:DescribeCustomKeyStores",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:DisconnectCustomKeyStore",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:Encapsulate",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateMac",
    "kms:GenerateRandom",
    "kms:GetKeyLastUsage",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:GetParametersForImport",
    "kms:GetPublicKey",
    "kms:ImportKeyMaterial",
    "kms:ListAliases",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListKeys",
    "kms:ListResourceTags",
    "kms:ListRetirableGrants",
    "kms:PutKeyPolicy",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:ReplicateKey",
    "kms:RetireGrant",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:Sign",
    "kms:SynchronizeMultiRegionKey",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateCustomKeyStore",
    "kms:UpdateKeyDescription",
    "kms:UpdatePrimaryRegion",
    "kms:Verify",
    "kms:VerifyMac",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> ActionPattern {
        ActionPattern::new(text.to_owned())
    }

    #[test]
    fn action_names_match_in_any_case_and_with_wildcards() {
        for text in [
            "kms:Decrypt",
            "KMS:DECRYPT",
            "kms:De*",
            "kms:*",
            "*",
            "kms:Decryp?",
            "k*:d*t",
        ] {
            assert!(pattern(text).matches("kms:Decrypt"), "{text}");
        }
        for text in [
            "kms:Encrypt",
            "Decrypt",
            "kms:",
            "kms:Decrypt ",
            "kms:Decrypt?",
        ] {
            assert!(!pattern(text).matches("kms:Decrypt"), "{text}");
        }
    }

    #[test]
    fn a_wildcard_covers_every_action_that_it_matches() {
        let known: Vec<_> = pattern("kms:generatedatakey*").known().collect();
        assert_eq!(
            known,
            [
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyPair",
                "kms:GenerateDataKeyPairWithoutPlaintext",
                "kms:GenerateDataKeyWithoutPlaintext",
            ]
        );
        assert_eq!(pattern("kms:*").known().count(), ACTIONS.len());
    }
}
