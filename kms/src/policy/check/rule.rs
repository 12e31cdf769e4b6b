//! What the check looks for, each by its name.

use std::fmt;

use serde::{Serialize, Serializer};

/// A road around attestation (a finding), or something to know (a notice).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Rule {
    /// A statement allows what the generate-only policy denies to everybody.
    Allowed(Never),
    /// No statement denies to everybody what the generate-only policy denies.
    NotDenied(Never),
    /// The key may be used, and no condition asks for attestation.
    NoAttestation,
    /// Conditions on attestation hold as well without it.
    AttestationOptional,
    /// Conditions on attestation say which enclaves not, and so let every other one in.
    AttestationNegated,
    /// A PCR may have many values.
    AttestationWildcard,
    /// Any enclave will do, also one of an attacker's.
    AnyEnclave,
    /// The PCR does not measure the image.
    UnmeasuredPcr,
    /// Only the code or only the configuration is measured.
    PartialMeasurement,
    /// A PCR is all zero: every enclave in debug mode has it.
    DebugPcr,
    /// Use without attestation is not denied to everybody.
    UnattestedUseNotDenied,
    /// Everybody may use the key or change its policy.
    WildcardPrincipal,
    /// IAM policies of an account decide who uses the key.
    AccountDelegation,
    /// Said of everybody but some.
    NotPrincipal,
    /// Said of everything but some.
    NotAction,
    /// Said of every key but some.
    NotResource,
    /// An action of KMS that this program does not know is allowed.
    UnknownAction,
    /// A grant gives the use of the key without the policy's conditions.
    Grant,
    /// Somebody may have the key material: it was imported.
    ImportedKeyMaterial,
    /// The key material is not in KMS.
    CustomKeyStore,
    /// Replicas of the key have policies of their own.
    MultiRegionKey,
    /// The key is not for data keys.
    KeyKind,
    /// Notice: who may change the policy.
    PolicyChange,
    /// Notice: the key itself was not looked at.
    KeyNotChecked,
    /// Notice: grants, which are not in the policy, were not looked at.
    GrantsNotChecked,
    /// Notice: a condition that this program does not know; it was taken to let everything through.
    UnknownCondition,
    /// Notice: a PCR's value that no enclave can have.
    ImpossiblePcr,
    /// Notice: a denial of an action that this program does not know.
    UnknownDenial,
    /// Notice: the key cannot be used now.
    KeyState,
}

/// What the generate-only policy denies to everybody.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Never {
    /// `Encrypt`
    Encrypt,
    /// `ReEncryptFrom`, `ReEncryptTo`
    ReEncrypt,
    /// `CreateGrant`
    Grant,
    /// `ImportKeyMaterial`
    Import,
    /// `GenerateDataKeyPair`, `GenerateDataKeyPairWithoutPlaintext`
    KeyPair,
    /// `GenerateDataKeyWithoutPlaintext`
    DataKeyWithoutPlaintext,
    /// `ReplicateKey`
    Replica,
}

impl Never {
    /// Each of them.
    pub const ALL: [Self; 7] = [
        Self::Encrypt,
        Self::ReEncrypt,
        Self::Grant,
        Self::Import,
        Self::KeyPair,
        Self::DataKeyWithoutPlaintext,
        Self::Replica,
    ];

    /// The actions that are meant.
    pub fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Encrypt => &["kms:Encrypt"],
            Self::ReEncrypt => &["kms:ReEncryptFrom", "kms:ReEncryptTo"],
            Self::Grant => &["kms:CreateGrant"],
            Self::Import => &["kms:ImportKeyMaterial"],
            Self::KeyPair => &[
                "kms:GenerateDataKeyPair",
                "kms:GenerateDataKeyPairWithoutPlaintext",
            ],
            Self::DataKeyWithoutPlaintext => &["kms:GenerateDataKeyWithoutPlaintext"],
            Self::Replica => &["kms:ReplicateKey"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Encrypt => "encrypt",
            Self::ReEncrypt => "re-encrypt",
            Self::Grant => "grants",
            Self::Import => "import",
            Self::KeyPair => "key-pairs",
            Self::DataKeyWithoutPlaintext => "data-key-without-plaintext",
            Self::Replica => "replicas",
        }
    }

    fn why(self) -> &'static str {
        match self {
            Self::Encrypt => {
                "whoever encrypts makes a blob whose plaintext he knows, and the enclave would take it for its root secret"
            }
            Self::ReEncrypt => {
                "re-encryption brings a blob of a known plaintext under this key, or the root secret under another key"
            }
            Self::Grant => "a grant gives the use of the key without this policy's conditions",
            Self::Import => "whoever imports key material knows it and opens every blob",
            Self::KeyPair => {
                "the private key of a pair is a blob under this key that other software has seen"
            }
            Self::DataKeyWithoutPlaintext => {
                "it makes blobs under this key outside the enclave, which has no use for them"
            }
            Self::Replica => {
                "a replica in another Region has the same key material and a policy of its own"
            }
        }
    }
}

impl Rule {
    /// Its name in the output, such as `encrypt-allowed`.
    pub fn name(self) -> String {
        match self {
            Self::Allowed(what) => format!("{}-allowed", what.name()),
            Self::NotDenied(what) => format!("{}-not-denied", what.name()),
            other => other.plain_name().to_owned(),
        }
    }

    /// Whether it is no road around attestation, but something to know.
    pub fn is_notice(self) -> bool {
        matches!(
            self,
            Self::PolicyChange
                | Self::KeyNotChecked
                | Self::GrantsNotChecked
                | Self::UnknownCondition
                | Self::ImpossiblePcr
                | Self::UnknownDenial
                | Self::KeyState
        )
    }

    /// Why it matters, in one sentence.
    pub fn why(self) -> &'static str {
        match self {
            Self::Allowed(what) => what.why(),
            Self::NotDenied(_) => {
                "a grant made earlier or a statement added later would allow it; only a denial to everybody stands against both"
            }
            Self::NoAttestation => "no enclave is needed: the caller gets the plaintext itself",
            Self::AttestationOptional => {
                "the condition also holds when the request has no attestation document"
            }
            Self::AttestationNegated => {
                "every enclave that is not named is let in, and most such conditions hold without any attestation"
            }
            Self::AttestationWildcard => "an enclave with other code or configuration may match",
            Self::AnyEnclave => "an attacker's own enclave has a valid attestation document, too",
            Self::UnmeasuredPcr => {
                "PCR0 (the image), or PCR1 (code) and PCR2 (configuration), must be fixed; other PCRs do not say what runs"
            }
            Self::PartialMeasurement => {
                "the other half may be an attacker's: PCR0, or PCR1 and PCR2 together, must be fixed"
            }
            Self::DebugPcr => {
                "every enclave in debug mode has these values, and the parent instance reads its memory"
            }
            Self::UnattestedUseNotDenied => {
                "a grant made earlier knows no conditions: only a denial to everybody without attestation stops it"
            }
            Self::WildcardPrincipal => "everybody, of any account, is meant",
            Self::AccountDelegation => {
                "whoever may write IAM policies in the account decides who uses the key"
            }
            Self::NotPrincipal => "it means everybody that is not named, also who comes later",
            Self::NotAction => "it means everything that is not named, also what KMS adds later",
            Self::NotResource => "in a key policy there is one key: say \"Resource\": \"*\"",
            Self::UnknownAction => "this program cannot say that it is harmless",
            Self::Grant => {
                "a grant knows none of the conditions of this policy's allowances: revoke it (aws kms revoke-grant)"
            }
            Self::ImportedKeyMaterial => "whoever imported the key material may have kept it",
            Self::CustomKeyStore => "whoever runs the key store has the key material",
            Self::MultiRegionKey => {
                "each replica has a policy of its own, and this one does not hold for it"
            }
            Self::KeyKind => {
                "the root secret is a data key of a symmetric encryption key (SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT)"
            }
            Self::PolicyChange => {
                "whoever changes the policy can let anything in; CloudTrail shows it as PutKeyPolicy"
            }
            Self::KeyNotChecked => {
                "imported key material and replicas are roads that a policy does not show: give --key-metadata"
            }
            Self::GrantsNotChecked => {
                "a grant made earlier lets its grantee use the key from any enclave: give --grants"
            }
            Self::UnknownCondition => "it can only narrow the statement; nothing was made of it",
            Self::ImpossiblePcr => "no enclave has it: 96 hex digits are expected",
            Self::UnknownDenial => "if a name is misspelt, something else is not denied",
            Self::KeyState => "the enclave cannot start while it is so",
        }
    }

    fn plain_name(self) -> &'static str {
        match self {
            Self::Allowed(_) => "allowed",
            Self::NotDenied(_) => "not-denied",
            Self::NoAttestation => "no-attestation",
            Self::AttestationOptional => "attestation-optional",
            Self::AttestationNegated => "attestation-negated",
            Self::AttestationWildcard => "attestation-wildcard",
            Self::AnyEnclave => "any-enclave",
            Self::UnmeasuredPcr => "unmeasured-pcr",
            Self::PartialMeasurement => "partial-measurement",
            Self::DebugPcr => "debug-pcr",
            Self::UnattestedUseNotDenied => "unattested-use-not-denied",
            Self::WildcardPrincipal => "wildcard-principal",
            Self::AccountDelegation => "account-delegation",
            Self::NotPrincipal => "not-principal",
            Self::NotAction => "not-action",
            Self::NotResource => "not-resource",
            Self::UnknownAction => "unknown-action",
            Self::Grant => "grant",
            Self::ImportedKeyMaterial => "imported-key-material",
            Self::CustomKeyStore => "custom-key-store",
            Self::MultiRegionKey => "multi-region-key",
            Self::KeyKind => "key-kind",
            Self::PolicyChange => "policy-change",
            Self::KeyNotChecked => "key-not-checked",
            Self::GrantsNotChecked => "grants-not-checked",
            Self::UnknownCondition => "unknown-condition",
            Self::ImpossiblePcr => "impossible-pcr",
            Self::UnknownDenial => "unknown-denial",
            Self::KeyState => "key-state",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../docs/kms.md");

    const PLAIN: [Rule; 27] = [
        Rule::NoAttestation,
        Rule::AttestationOptional,
        Rule::AttestationNegated,
        Rule::AttestationWildcard,
        Rule::AnyEnclave,
        Rule::UnmeasuredPcr,
        Rule::PartialMeasurement,
        Rule::DebugPcr,
        Rule::UnattestedUseNotDenied,
        Rule::WildcardPrincipal,
        Rule::AccountDelegation,
        Rule::NotPrincipal,
        Rule::NotAction,
        Rule::NotResource,
        Rule::UnknownAction,
        Rule::Grant,
        Rule::ImportedKeyMaterial,
        Rule::CustomKeyStore,
        Rule::MultiRegionKey,
        Rule::KeyKind,
        Rule::PolicyChange,
        Rule::KeyNotChecked,
        Rule::GrantsNotChecked,
        Rule::UnknownCondition,
        Rule::ImpossiblePcr,
        Rule::UnknownDenial,
        Rule::KeyState,
    ];

    #[test]
    fn the_page_on_kms_explains_every_rule_by_its_name() {
        let never = Never::ALL.map(|never| [Rule::Allowed(never), Rule::NotDenied(never)]);
        for rule in never.into_iter().flatten().chain(PLAIN) {
            assert!(PAGE.contains(&format!("`{rule}`")), "{rule}");
        }
    }
}
