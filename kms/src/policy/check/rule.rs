//! The rules of the check, each with its name.

use std::fmt;

use serde::{Serialize, Serializer};

/// A bypass of attestation (a finding), or something to know (a notice).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Rule {
    /// A statement allows what the generate-only policy denies to everyone.
    Allowed(Never),
    /// No statement denies to everyone what the generate-only policy denies.
    NotDenied(Never),
    /// The key may be used, and no condition asks for attestation.
    NoAttestation,
    /// The conditions on attestation also hold without it.
    AttestationOptional,
    /// The conditions on attestation name the enclaves to exclude, and so admit every other.
    AttestationNegated,
    /// A PCR may have many values.
    AttestationWildcard,
    /// Any enclave is admitted, an attacker's included.
    AnyEnclave,
    /// The PCR does not measure the image.
    UnmeasuredPcr,
    /// Only the code or only the configuration is measured.
    PartialMeasurement,
    /// Several values of PCR1 and of PCR2 are accepted in any combination.
    MixedMeasurements,
    /// A PCR is all zero, as in every enclave in debug mode.
    DebugPcr,
    /// Use without attestation is not denied to everyone.
    UnattestedUseNotDenied,
    /// Everyone may use the key or change its policy.
    WildcardPrincipal,
    /// IAM policies of an account decide who uses the key.
    AccountDelegation,
    /// The statement covers all principals but some.
    NotPrincipal,
    /// The statement covers all actions but some.
    NotAction,
    /// The statement covers all keys but some.
    NotResource,
    /// An action of KMS that this program does not know is allowed.
    UnknownAction,
    /// A grant allows use of the key without the policy's conditions.
    Grant,
    /// The key material was imported, so that someone may have a copy.
    ImportedKeyMaterial,
    /// The key material is not in KMS.
    CustomKeyStore,
    /// Replicas of the key have policies of their own.
    MultiRegionKey,
    /// The key cannot make data keys.
    KeyKind,
    /// Notice: who may change the policy.
    PolicyChange,
    /// Notice: the key itself was not checked.
    KeyNotChecked,
    /// Notice: grants, which are not in the policy, were not checked.
    GrantsNotChecked,
    /// Notice: a condition that this program does not know; the check assumed that it lets everything through.
    UnknownCondition,
    /// Notice: a PCR value that no enclave can have.
    ImpossiblePcr,
    /// Notice: a denied action that this program does not know.
    UnknownDenial,
    /// Notice: the key cannot be used now.
    KeyState,
}

/// What the generate-only policy denies to everyone.
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
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Encrypt,
        Self::ReEncrypt,
        Self::Grant,
        Self::Import,
        Self::KeyPair,
        Self::DataKeyWithoutPlaintext,
        Self::Replica,
    ];

    /// The actions that it covers.
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
                "whoever encrypts makes a blob with a known plaintext, which the enclave would take for its root secret"
            }
            Self::ReEncrypt => {
                "re-encryption brings a blob with a known plaintext under this key, or the root secret under another key"
            }
            Self::Grant => "a grant allows use of the key without this policy's conditions",
            Self::Import => "whoever imports key material knows it and can open every blob",
            Self::KeyPair => {
                "the private key of a pair is a blob under this key whose plaintext other software has seen"
            }
            Self::DataKeyWithoutPlaintext => {
                "it makes blobs under this key outside the enclave, which does not need them"
            }
            Self::Replica => {
                "a replica in another Region has the same key material and a policy of its own"
            }
        }
    }
}

impl Rule {
    /// Its name in the report, such as `encrypt-allowed`.
    pub fn name(self) -> String {
        match self {
            Self::Allowed(what) => format!("{}-allowed", what.name()),
            Self::NotDenied(what) => format!("{}-not-denied", what.name()),
            other => other.plain_name().to_owned(),
        }
    }

    /// Whether it is not a bypass of attestation, but something to know.
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
                "an earlier grant or a later statement could allow it; only a denial to everyone stops both"
            }
            Self::NoAttestation => {
                "no enclave is needed: the caller obtains the plaintext directly"
            }
            Self::AttestationOptional => {
                "the condition also holds when the request has no attestation document"
            }
            Self::AttestationNegated => {
                "every enclave that is not named is admitted, and most such conditions also hold without attestation"
            }
            Self::AttestationWildcard => {
                "an enclave with different code or configuration may match"
            }
            Self::AnyEnclave => "an attacker's own enclave also has a valid attestation document",
            Self::UnmeasuredPcr => {
                "PCR0 (the image), or PCR1 (code) and PCR2 (configuration), must be fixed; other PCRs do not measure what runs"
            }
            Self::PartialMeasurement => {
                "the other half may be the attacker's: PCR0, or PCR1 and PCR2 together, must be fixed"
            }
            Self::MixedMeasurements => {
                "every listed code is admitted with every listed configuration, so old code may run with a new configuration: name PCR0, or one release in each statement"
            }
            Self::DebugPcr => {
                "every enclave in debug mode has these values, and the parent instance can read its memory"
            }
            Self::UnattestedUseNotDenied => {
                "the policy's conditions do not bind an earlier grant: only a denial to everyone without attestation stops it"
            }
            Self::WildcardPrincipal => "it covers everyone, in any account",
            Self::AccountDelegation => {
                "whoever may write IAM policies in the account decides who uses the key"
            }
            Self::NotPrincipal => {
                "it covers every principal that is not named, future ones included"
            }
            Self::NotAction => {
                "it covers every action that is not named, including those that KMS adds later"
            }
            Self::NotResource => "a key policy is about one key: write \"Resource\": \"*\"",
            Self::UnknownAction => "this program cannot tell whether it is harmless",
            Self::Grant => {
                "the conditions of this policy's allowances do not bind a grant: revoke it (aws kms revoke-grant)"
            }
            Self::ImportedKeyMaterial => "whoever imported the key material may have kept a copy",
            Self::CustomKeyStore => "whoever runs the key store has the key material",
            Self::MultiRegionKey => {
                "each replica has a policy of its own, and this policy does not apply to it"
            }
            Self::KeyKind => {
                "the root secret is a data key of a symmetric encryption key (SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT)"
            }
            Self::PolicyChange => {
                "whoever changes the policy can admit anything; CloudTrail shows the change as PutKeyPolicy"
            }
            Self::KeyNotChecked => {
                "imported key material and replicas are bypasses that a policy does not show: give --key-metadata"
            }
            Self::GrantsNotChecked => {
                "an earlier grant lets its grantee use the key from any enclave: give --grants"
            }
            Self::UnknownCondition => "it can only narrow the statement; the check ignored it",
            Self::ImpossiblePcr => "no enclave has this value; expected: 96 hex digits",
            Self::UnknownDenial => "if the name is misspelt, the intended action is not denied",
            Self::KeyState => "the enclave cannot start in this state",
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
            Self::MixedMeasurements => "mixed-measurements",
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

    const DOCUMENT: &str = include_str!("../../../../docs/kms.md");

    const PLAIN: [Rule; 28] = [
        Rule::NoAttestation,
        Rule::AttestationOptional,
        Rule::AttestationNegated,
        Rule::AttestationWildcard,
        Rule::AnyEnclave,
        Rule::UnmeasuredPcr,
        Rule::PartialMeasurement,
        Rule::MixedMeasurements,
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
    fn the_document_on_kms_explains_every_rule_by_its_name() {
        let never = Never::ALL.map(|never| [Rule::Allowed(never), Rule::NotDenied(never)]);
        for rule in never.into_iter().flatten().chain(PLAIN) {
            assert!(DOCUMENT.contains(&format!("`{rule}`")), "{rule}");
        }
    }
}
