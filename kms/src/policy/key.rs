//! Condition keys (AWS KMS Developer Guide, "AWS KMS condition keys"; "Condition keys for Nitro Enclaves").

use std::fmt;

use super::error::quoted;

/// The name of a condition key, which is case-insensitive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ConditionKey {
    written: String,
    lowercase: String,
}

impl ConditionKey {
    pub(super) fn new(written: String) -> Self {
        Self {
            lowercase: written.to_ascii_lowercase(),
            written,
        }
    }

    pub(crate) fn lowercase(&self) -> &str {
        &self.lowercase
    }

    /// Whether the key is about the attestation document of a request.
    pub(super) fn is_attestation(&self) -> bool {
        self.lowercase.starts_with(ATTESTATION)
    }

    /// The number of the PCR that the key is about; `ImageSha384` is PCR0.
    pub(super) fn pcr(&self) -> Option<u8> {
        let name = self.lowercase.strip_prefix(ATTESTATION)?;
        if name == "imagesha384" {
            return Some(0);
        }
        let digits = name.strip_prefix("pcr")?;
        let index: u8 = digits.parse().ok()?;
        (index <= PCR_LAST && index.to_string() == digits).then_some(index)
    }

    /// Whether a request may have several values for the key.
    pub(super) fn is_multivalued(&self) -> bool {
        self.lowercase == "kms:encryptioncontextkeys"
    }

    /// Why the development KMS does not support the key, and which keys it supports.
    pub(super) fn refusal(&self) -> Option<(String, &'static str)> {
        let known = self.pcr().is_some()
            || KNOWN.contains(&self.lowercase.as_str())
            || self
                .lowercase
                .strip_prefix(CONTEXT)
                .is_some_and(|name| !name.is_empty());
        (!known).then(|| {
            (
                format!(
                    "the condition key {} is not supported",
                    quoted(&self.written)
                ),
                ACCEPTED,
            )
        })
    }
}

impl fmt::Display for ConditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

const ATTESTATION: &str = "kms:recipientattestation:";
const CONTEXT: &str = "kms:encryptioncontext:";

/// The last PCR of the NSM.
const PCR_LAST: u8 = 31;

/// The keys that the development KMS supports, in lower case. It never sets `kms:ViaService`, since no other service
/// calls it.
const KNOWN: [&str; 15] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:securetransport",
    "kms:bypasspolicylockoutsafetycheck",
    "kms:calleraccount",
    "kms:encryptionalgorithm",
    "kms:encryptioncontextkeys",
    "kms:keyorigin",
    "kms:keyspec",
    "kms:keyusage",
    "kms:multiregion",
    "kms:reencryptonsamekey",
    "kms:requestalias",
    "kms:schedulekeydeletionpendingwindowindays",
    "kms:viaservice",
];

const ACCEPTED: &str = "kms:RecipientAttestation:ImageSha384, kms:RecipientAttestation:PCR0 to PCR31, \
    kms:EncryptionContext:NAME, kms:EncryptionContextKeys, kms:EncryptionAlgorithm, kms:BypassPolicyLockoutSafetyCheck, \
    kms:CallerAccount, kms:KeyOrigin, kms:KeySpec, kms:KeyUsage, kms:MultiRegion, kms:ReEncryptOnSameKey, \
    kms:RequestAlias, kms:ScheduleKeyDeletionPendingWindowInDays, kms:ViaService, aws:PrincipalArn, \
    aws:PrincipalAccount, aws:SecureTransport";

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> ConditionKey {
        ConditionKey::new(text.to_owned())
    }

    #[test]
    fn the_pcr_of_a_key_is_recognised_in_any_case() {
        for (text, pcr) in [
            ("kms:RecipientAttestation:ImageSha384", Some(0)),
            ("KMS:recipientattestation:IMAGESHA384", Some(0)),
            ("kms:RecipientAttestation:PCR0", Some(0)),
            ("kms:RecipientAttestation:pcr31", Some(31)),
            ("kms:RecipientAttestation:PCR32", None),
            ("kms:RecipientAttestation:PCR01", None),
            ("kms:RecipientAttestation:PCR+1", None),
            ("kms:RecipientAttestation:PCR", None),
            ("kms:RecipientAttestation:NitroTPMPCR4", None),
            ("kms:EncryptionContext:PCR0", None),
        ] {
            assert_eq!(key(text).pcr(), pcr, "{text}");
            assert_eq!(
                key(text).is_attestation(),
                !text.contains("Context"),
                "{text}"
            );
        }
    }

    #[test]
    fn every_accepted_key_is_supported_and_others_are_refused_by_name() {
        for text in ACCEPTED.replace("PCR0 to PCR31", "PCR7").split(", ") {
            assert_eq!(key(text).refusal(), None, "{text}");
        }
        for text in [
            "",
            "kms:EncryptionContext:",
            "kms:EncryptionContext",
            "kms:RecipientAttestation:PCR32",
            "kms:RecipientAttestation:NitroTPMPCR4",
            "aws:SourceIp",
            "aws:PrincipalTag/team",
        ] {
            let (problem, _) = key(text).refusal().unwrap();
            assert!(problem.contains(text), "{problem}");
        }
    }
}
